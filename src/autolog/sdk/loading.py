"""Loading weights with their framework's own loader, which is imported only then.

Nothing in a file runs unless its caller says that it may. Formats that are pickles are refused outright;
torch and Keras are told to read weights only. TensorFlow's graphs are programs, too, which can read and
write files once they are called; loading a SavedModel runs the part of it that restores it.

The path that is given here is the one that the loader gets, so that a run which is captured records it as
an input.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import pickle
import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

from autolog.errors import FrameworkMissing, NotLoadable, Untrusted

from ._trust import look, only_weights, program_names, refuse_unlocking, risks, untrusted

__all__ = ["load"]

_SEVERAL = re.compile(r" \(\d+ files\)\Z")
_TORCH_REFUSES = re.compile(r"\bGLOBAL ([A-Za-z_][\w.]+)")
_LARGEST_CONFIG = 1 << 22


class _Wanted(NamedTuple):
    """A call of `load`."""

    path: str
    format: str
    framework: str
    model_type: str
    trusted: bool
    options: dict[str, Any]


def load(
    path: str | os.PathLike[str],
    *,
    format: str,
    framework: str,
    model_type: str = "",
    trusted: bool = False,
    **options: Any,
) -> Any:
    """Load weights, from a file, a folder or a prefix, with their framework's own loader.

    `format` is what `autolog.formats` calls it, or empty; `framework` the one that made it, `model_type` the
    dotted name of the model's class, if it is known. `options` go to the loader. What comes back is what
    that makes of it: a state dict or a checkpoint of PyTorch on the CPU (see `map_location`), a model of
    Keras, a booster, an estimator.

    Nothing in the file is run unless it is `trusted`. Raises Untrusted where it would have to be,
    FrameworkMissing, NotLoadable where there is no such loader, UnreadableWeights, and what the loader does.
    """
    if not trusted:
        refuse_unlocking(options)
    where = os.fspath(path)
    kind = _SEVERAL.sub("", format)
    if kind not in _LOADERS:
        found = look(where)
        kind = "" if found is None else _SEVERAL.sub("", found.format)
    loader = _LOADERS.get(kind)
    if loader is None:
        raise NotLoadable(
            f"{where} is {kind or 'of a format that we do not know'}, which nothing here loads by itself;"
            f" load it as your script does{f', with {framework}' if framework else ''}"
        )
    return loader(_Wanted(where, kind, framework, model_type, trusted, options))


def _framework(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise FrameworkMissing(
            f"{module} loads this, and can't be imported here ({error}); pip install {package}"
        ) from error


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _refuse_code(wanted: _Wanted) -> None:
    """For formats that carry code only now and then."""
    if not wanted.trusted and (found := look(wanted.path)) is not None and found.dangerous:
        raise untrusted(wanted.path, found.dangerous)


def _refuse_pickle(wanted: _Wanted) -> None:
    if not wanted.trusted:
        raise untrusted(wanted.path, risks(wanted.path))


def _weights_in(wanted: _Wanted, *suffixes: str) -> list[str]:
    """The files of weights in a folder, by their names in it."""
    found = look(wanted.path)
    names = [] if found is None else found.details.get("weights_files", [])
    chosen = [name for name in names if name.endswith(suffixes)]
    if not chosen:
        raise NotLoadable(f"no file in {wanted.path} is one of weights; load it as your script does")
    return chosen


# -- PyTorch ------------------------------------------------------------------------------------------


def _torch(wanted: _Wanted) -> Any:
    torch = _framework("torch", "torch")
    if os.path.isdir(wanted.path):
        names = _weights_in(wanted, "")
        files = {name: wanted._replace(path=os.path.join(wanted.path, name)) for name in names}
        loaded = {name: _torch_file(torch, each) for name, each in files.items()}
        return next(iter(loaded.values())) if len(loaded) == 1 else loaded
    return _torch_file(torch, wanted)


def _torch_file(torch: Any, wanted: _Wanted) -> Any:
    options = {"map_location": "cpu", **wanted.options}
    if wanted.trusted:
        if wanted.framework == "fastai" and _is_learner(wanted.path):
            return _framework("fastai.learner", "fastai").load_learner(wanted.path, **wanted.options)
        return torch.load(wanted.path, **{"weights_only": False, **options})
    try:
        is_fastai = wanted.framework == "fastai"
        with torch.serialization.safe_globals(_fastais()) if is_fastai else nullcontext():
            return torch.load(wanted.path, **{**options, "weights_only": True})
    except pickle.UnpicklingError as error:
        raise _refused_by_torch(torch, wanted, error) from error


def _fastais() -> list[Any]:
    """What a learner's optimizer consists of, which fastai's own `load` allows, too."""
    numpy = _framework("numpy", "numpy")
    types = [getattr(numpy.dtypes, name) for name in numpy.dtypes.__all__] if hasattr(numpy, "dtypes") else []
    scalar = numpy.float64(0).__reduce__()[0]
    return [_framework("fastcore.foundation", "fastai").L, scalar, numpy.dtype, *types]


def _is_learner(path: str) -> bool:
    found = look(path)
    return found is not None and str(found.details.get("class", "")).endswith("Learner")


def _refused_by_torch(torch: Any, wanted: _Wanted, error: Exception) -> Untrusted:
    names = list(risks(wanted.path))
    try:
        names += torch.serialization.get_unsafe_globals_in_checkpoint(wanted.path)
    except (ValueError, AttributeError, RuntimeError):  # the older format of torch.save, or an older torch
        names += _TORCH_REFUSES.findall(str(error))
    hint = ", or allow single classes with torch.serialization.add_safe_globals"
    if wanted.framework == "Lightning":
        hint += ". In a checkpoint of Lightning's they mostly come from save_hyperparameters: plain"
        hint += " numbers and texts in there load without trust"
    return untrusted(wanted.path, tuple(dict.fromkeys(names)), hint=hint)


def _torchscript(wanted: _Wanted) -> Any:
    _refuse_code(wanted)
    torch = _framework("torch", "torch")
    return torch.jit.load(wanted.path, **{"map_location": "cpu", **wanted.options})


def _exported(wanted: _Wanted) -> Any:
    export = _framework("torch.export", "torch")
    if wanted.trusted:
        return export.load(wanted.path, **wanted.options)
    _refuse_code(wanted)
    if names := program_names(wanted.path):
        raise untrusted(wanted.path, names)
    try:
        with only_weights():
            return export.load(wanted.path, **wanted.options)
    except pickle.UnpicklingError as error:
        raise untrusted(wanted.path, tuple(_TORCH_REFUSES.findall(str(error)))) from error


def _package(wanted: _Wanted) -> Any:
    """The importer, or the object in it that `package` and `resource` name."""
    _refuse_pickle(wanted)
    importer = _framework("torch.package", "torch").PackageImporter(wanted.path)
    if "resource" not in wanted.options:
        return importer
    return importer.load_pickle(**{"map_location": "cpu", **wanted.options})


def _distributed(wanted: _Wanted) -> Any:
    """All tensors of a distributed checkpoint, in this one process."""
    _refuse_pickle(wanted)
    checkpoint = _framework("torch.distributed.checkpoint", "torch")
    planner = _framework("torch.distributed.checkpoint.default_planner", "torch")
    loader = _framework("torch.distributed.checkpoint.state_dict_loader", "torch")
    state: dict[str, Any] = {}
    # As torch's own dcp_to_torch_save does, which has no form without a file.
    loader._load_state_dict(
        state,
        storage_reader=checkpoint.FileSystemReader(wanted.path),
        planner=planner._EmptyStateDictLoadPlanner(),
        no_dist=True,
        **wanted.options,
    )
    return state


def _safetensors(wanted: _Wanted) -> Any:
    kind = "torch" if _has("torch") else "numpy"
    load_file = _framework(f"safetensors.{kind}", "safetensors").load_file
    if not os.path.isdir(wanted.path):
        return load_file(wanted.path, **wanted.options)
    tensors: dict[str, Any] = {}
    for name in _weights_in(wanted, ".safetensors"):
        tensors.update(load_file(os.path.join(wanted.path, name), **wanted.options))
    return tensors


def _transformers(wanted: _Wanted) -> Any:
    transformers = _framework("transformers", "transformers")
    _framework("torch", "torch")
    config = _config(wanted.path)
    kind = _architecture(transformers, config)
    options = {"local_files_only": True, **wanted.options}
    if wanted.trusted:
        options.setdefault("weights_only", False)
        automatic = [name for name in config.get("auto_map", {}) if str(name).startswith("AutoModel")]
        kind = getattr(transformers, automatic[0], None) if automatic else kind
    if kind is None or not issubclass(kind, transformers.PreTrainedModel):
        options.setdefault("trust_remote_code", wanted.trusted)  # where it isn't said, people are asked
    try:
        return (kind or transformers.AutoModel).from_pretrained(wanted.path, **options)
    except pickle.UnpicklingError as error:
        raise untrusted(wanted.path, risks(wanted.path)) from error


def _config(folder: str) -> dict[str, Any]:
    try:
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            found = json.loads(file.read(_LARGEST_CONFIG))
    except (OSError, ValueError, RecursionError) as error:
        raise NotLoadable(
            f"{folder} has no config.json that says what it is ({error}); an adapter is loaded into its base"
            " model (load_adapter), a pipeline by diffusers.DiffusionPipeline.from_pretrained"
        ) from error
    return found if isinstance(found, dict) else {}


def _architecture(transformers: Any, config: dict[str, Any]) -> Any:
    """The class that the model was saved as: AutoModel would leave out its head."""
    named = config.get("architectures")
    name = named[0] if isinstance(named, list) and named else None
    kind = getattr(transformers, name, None) if isinstance(name, str) and name.isidentifier() else None
    return kind if isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel) else None


# -- Keras and TensorFlow -----------------------------------------------------------------------------


def _keras(wanted: _Wanted) -> Any:
    _refuse_code(wanted)  # safe_mode has had holes, and of HDF5 files older Keras doesn't know it
    keras = _framework("keras", "keras")
    return keras.saving.load_model(wanted.path, **{"safe_mode": not wanted.trusted, **wanted.options})


def _keras_weights(wanted: _Wanted) -> Any:
    raise NotLoadable(
        f"{wanted.path} holds weights without their model; build the model as your script does, then call"
        f" model.load_weights({wanted.path!r})"
    )


def _saved_model(wanted: _Wanted) -> Any:
    return _framework("tensorflow", "tensorflow").saved_model.load(wanted.path, **wanted.options)


def _tensorflow(wanted: _Wanted) -> Any:
    path = wanted.path.removesuffix(".index")
    return _framework("tensorflow", "tensorflow").train.load_checkpoint(path, **wanted.options)


def _tflite(wanted: _Wanted) -> Any:
    if _has("tensorflow"):
        kind = _framework("tensorflow", "tensorflow").lite.Interpreter
    else:
        kind = _framework("ai_edge_litert.interpreter", "ai-edge-litert").Interpreter
    return kind(model_path=wanted.path, **wanted.options)


# -- the others ---------------------------------------------------------------------------------------


def _onnx(wanted: _Wanted) -> Any:
    return _framework("onnx", "onnx").load(wanted.path, **wanted.options)


def _xgboost(wanted: _Wanted) -> Any:
    """The booster, or the estimator that was saved; options are those of its constructor."""
    xgboost = _framework("xgboost", "xgboost")
    made = (_class(xgboost, wanted.model_type, "XGBModel") or xgboost.Booster)(**wanted.options)
    made.load_model(wanted.path)
    return made


def _lightgbm(wanted: _Wanted) -> Any:
    return _framework("lightgbm", "lightgbm").Booster(model_file=wanted.path, **wanted.options)


def _catboost(wanted: _Wanted) -> Any:
    catboost = _framework("catboost", "catboost")
    made = (_class(catboost, wanted.model_type, "CatBoost") or catboost.CatBoost)(**wanted.options)
    return made.load_model(wanted.path, format="json" if wanted.format == "CatBoost JSON" else "cbm")


def _class(module: Any, model_type: str, base: str) -> Any:
    """The class of a framework that a model was of, if it is an estimator."""
    package, _, name = model_type.rpartition(".")
    kind = getattr(module, name, None) if package.partition(".")[0] == module.__name__ else None
    return kind if isinstance(kind, type) and issubclass(kind, getattr(module, base, ())) else None


def _skops(wanted: _Wanted) -> Any:
    skops = _framework("skops.io", "skops")
    names = tuple(skops.get_untrusted_types(file=wanted.path))
    if names and not wanted.trusted:
        raise untrusted(wanted.path, names)
    return skops.load(wanted.path, trusted=list(names), **wanted.options)


def _pickle(wanted: _Wanted) -> Any:
    _refuse_pickle(wanted)
    if wanted.framework == "MegEngine":
        return _framework("megengine", "megengine").load(wanted.path, **wanted.options)
    if wanted.framework == "fastai" and _is_learner(wanted.path):
        return _framework("fastai.learner", "fastai").load_learner(wanted.path, **wanted.options)
    if wanted.format == "joblib" or (wanted.framework != "Pickle" and _has("joblib")):
        return _framework("joblib", "joblib").load(wanted.path, **wanted.options)
    with open(wanted.path, "rb") as file:
        return pickle.load(file, **wanted.options)


def _megengine(wanted: _Wanted) -> Any:
    _refuse_pickle(wanted)
    return _framework("megengine.utils.network", "megengine").Network.load(wanted.path, **wanted.options)


_LOADERS: dict[str, Callable[[_Wanted], Any]] = {
    "torch zip": _torch,
    "torch legacy": _torch,
    "TorchScript": _torchscript,
    "torch.export": _exported,
    "torch.package": _package,
    "torch.distributed checkpoint": _distributed,
    "safetensors": _safetensors,
    "Hugging Face model": _transformers,
    "Keras": _keras,
    "Keras HDF5": _keras,
    "Keras weights": _keras_weights,
    "Keras weights index": _keras_weights,
    "SavedModel": _saved_model,
    "TensorFlow checkpoint": _tensorflow,
    "TFLite": _tflite,
    "ONNX": _onnx,
    "xgboost json": _xgboost,
    "xgboost ubj": _xgboost,
    "LightGBM": _lightgbm,
    "CatBoost": _catboost,
    "CatBoost JSON": _catboost,
    "skops": _skops,
    "joblib": _pickle,
    "pickle": _pickle,
    "MegEngine graph": _megengine,
}
