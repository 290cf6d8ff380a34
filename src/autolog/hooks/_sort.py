"""Is it a model? Decides from the object alone, by the names of its types: no framework is imported.

Rules give the *reason* by which something is not a model; they appear in the capture report. What no
rule knows counts as a model: losing somebody's weights is worse than listing one file too many.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

__all__ = ["Verdict", "sort"]

#: How much of a nested container is looked at: enough for any real checkpoint, bounded for any input.
_WIDTH, _DEPTH = 64, 4

_MODEL_BASES = {
    "torch.jit._script.ScriptModule": "TorchScript",
    "torch.jit.ScriptFunction": "TorchScript",
    "torch.nn.modules.module.Module": "PyTorch",
    "sklearn.base.BaseEstimator": "ScikitLearn",
    "xgboost.core.Booster": "XGBoost",
    "xgboost.sklearn.XGBModel": "XGBoost",
    "lightgbm.basic.Booster": "LightGBM",
    "lightgbm.sklearn.LGBMModel": "LightGBM",
    "catboost.core._CatBoostBase": "CatBoost",
    "keras.src.models.model.Model": "Keras",
    "tensorflow.python.module.module.Module": "TensorFlow",
    "fastai.learner.Learner": "fastai",
    "megengine.module.module.Module": "MegEngine",
}
_RULES_BY_BASE = {
    "torch.utils.data.dataset.Dataset": "dataset",
    "torch.utils.data.dataloader.DataLoader": "dataset",
    "torch.utils.data.sampler.Sampler": "dataset",
    "torch.optim.optimizer.Optimizer": "optimizer state",
    "torch.optim.lr_scheduler.LRScheduler": "scheduler state",
    "torch.optim.lr_scheduler._LRScheduler": "scheduler state",
    "torch.amp.grad_scaler.GradScaler": "scheduler state",
    "megengine.data.dataset.meta_dataset.Dataset": "dataset",
    "megengine.data.dataloader.DataLoader": "dataset",
    "megengine.data.sampler.Sampler": "dataset",
    "megengine.optimizer.optimizer.Optimizer": "optimizer state",
    "megengine.optimizer.lr_scheduler.LRScheduler": "scheduler state",
    "megengine.amp.grad_scaler.GradScaler": "scheduler state",
    "pandas.core.generic.NDFrame": "data frame",
    "pandas.core.indexes.base.Index": "data frame",
    "pandas.Index": "data frame",  # what pandas 3 calls it
    "polars.dataframe.frame.DataFrame": "data frame",
    "polars.lazyframe.frame.LazyFrame": "data frame",
    "polars.series.series.Series": "data frame",
    "pyarrow.lib.Table": "data frame",
    "pyarrow.lib.RecordBatch": "data frame",
    "numpy.ndarray": "array",
    "numpy.generic": "array",
    "scipy.sparse._base._spbase": "array",
    "torch.storage.UntypedStorage": "array",
    "torch.storage.TypedStorage": "array",
    "xgboost.core.DMatrix": "dataset",
    "lightgbm.basic.Dataset": "dataset",
    "sklearn.utils._bunch.Bunch": "dataset",
    "fastai.data.core.DataLoaders": "dataset",
    "fastai.data.core.FilteredBase": "dataset",
    "fastai.data.load.DataLoader": "dataset",
    "fastai.data.block.DataBlock": "dataset",
    "fastai.optimizer._BaseOptimizer": "optimizer state",
    "argparse.Namespace": "arguments",
    "random.Random": "random state",
    "numpy.random.mtrand.RandomState": "random state",
    "numpy.random._generator.Generator": "random state",
}
#: Tensors of frameworks, and the class of those that are parameters of a model.
_TENSORS = {
    "torch.Tensor": ("PyTorch", "torch.nn.parameter:Parameter"),
    "torch._tensor.Tensor": ("PyTorch", "torch.nn.parameter:Parameter"),
    "megengine.tensor.Tensor": ("MegEngine", "megengine.tensor:Parameter"),
}
#: What the states of schedulers and gradient scalers have, and models do not.
_SCHEDULERS = (
    {"last_epoch", "_step_count"},
    {"scale", "growth_factor", "growth_interval"},
    {"milestones", "gamma", "current_epoch"},
    {"scale_factor", "growth_factor", "growth_interval"},
)
_PLAIN = (str, bytes, bytearray, int, float, complex, bool, type(None))
_MODEL_SUFFIXES = (".weight", ".bias", ".running_mean", ".running_var", ".in_proj_weight", "_weight", "_bias")
#: What the state dict of a lone layer has.
_LAYER = {"weight", "bias"}


class Verdict(NamedTuple):
    """`rule` is None for a model, else the rule that skips it.

    `framework` is what the object itself says it belongs to, where it does (a joblib file may hold an
    XGBoost model); `subject` is the model inside a checkpoint, for its description; `model_type` the
    dotted name of its type.
    """

    rule: str | None
    framework: str | None = None
    subject: Any = None
    model_type: str = ""


def bases(kind: type) -> list[str]:
    """Dotted names of a type and all it inherits from."""
    return [_dotted(base) for base in kind.__mro__]


def type_name(value: Any) -> str:
    """The dotted name of a value's type, as a person would write it."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else _dotted(kind)


def _dotted(kind: type) -> str:
    # Some classes made in C++ have their module's name in their own, too.
    return f"{kind.__module__}.{kind.__qualname__.removeprefix(f'{kind.__module__}.')}"


def sort(value: Any, live: Mapping[int, Any] | None = None) -> Verdict:
    """Say whether `value` is a model. `live` maps the id of a known state dict to its module."""
    return _sort(value, live or {}, 0)


def _sort(value: Any, live: Mapping[int, Any], depth: int) -> Verdict:
    if isinstance(value, _PLAIN):
        return Verdict("plain data")
    names = bases(type(value))
    for name in names:
        if name in _MODEL_BASES:
            return Verdict(None, _MODEL_BASES[name], value, type_name(value))
    for name in names:
        if name in _RULES_BY_BASE:
            return Verdict(_RULES_BY_BASE[name])
    for name in names:
        if name in _TENSORS:
            framework, parameter = _TENSORS[name]
            is_parameter = _is_instance(value, parameter)
            return Verdict(None, framework, None, "Parameter") if is_parameter else Verdict("array")
    if isinstance(value, Mapping):
        return _sort_mapping(value, live, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _sort_parts(value, value, live, depth)
    if type(value).__module__ == "builtins":
        return Verdict("plain data")
    return Verdict(None, None, value, type_name(value))


def _sort_mapping(value: Mapping[Any, Any], live: Mapping[int, Any], depth: int) -> Verdict:
    module = live.get(id(value))
    if module is not None:
        return Verdict(None, _framework(module), module, type_name(module))
    if hasattr(value, "_metadata"):
        # torch.nn.Module.state_dict puts `_metadata` on what it returns, and nothing else does.
        return Verdict(None, "PyTorch", None, "state_dict")
    keys = set(islice((key for key in value if isinstance(key, str)), 10_000))
    if keys >= {"state", "param_groups"} and len(value) == 2:
        return Verdict("optimizer state")
    roots = {key.partition(".")[0] for key in keys}
    if "param_groups" in roots and roots <= {"state", "param_groups"} and len(keys) > 1:
        return Verdict("optimizer state")  # flattened, as distributed checkpoints may have it
    if any(keys >= each for each in _SCHEDULERS):
        return Verdict("scheduler state")
    named = keys >= _LAYER or any(key.endswith(_MODEL_SUFFIXES) for key in keys)
    kinds = [name for part in islice(value.values(), _WIDTH) for name in bases(type(part))] if named else []
    for kind in kinds:
        if kind in _TENSORS or kind == "numpy.ndarray":
            return Verdict(None, _TENSORS.get(kind, (None,))[0], None, "state_dict")
    return _sort_parts(value, value.values(), live, depth)


def _sort_parts(whole: Any, parts: Iterable[Any], live: Mapping[int, Any], depth: int) -> Verdict:
    """A container is a model if a part of it is; else the most telling rule among its parts."""
    if depth >= _DEPTH:
        return Verdict("plain data")
    rules: list[str] = []
    unknown: Verdict | None = None
    for part in islice(iter(parts), _WIDTH):
        verdict = _sort(part, live, depth + 1)
        if verdict.rule is not None:
            rules.append(verdict.rule)
        elif verdict.framework is not None or verdict.model_type == "state_dict":
            if verdict.model_type == "Parameter":
                named = type_name(whole)
            else:
                named = f"checkpoint of {verdict.model_type.removeprefix('checkpoint of ')}"
            return Verdict(None, verdict.framework, verdict.subject, named)
        else:
            unknown = unknown or verdict
    if unknown is not None:
        return unknown
    for rule in ("optimizer state", "scheduler state", "dataset", "data frame", "array", "random state"):
        if rule in rules:
            return Verdict(rule)
    return Verdict(rules[0] if rules else "plain data")


def _is_instance(value: Any, dotted: str) -> bool:
    # Asked of the class: PyTorch's knows its own by more than inheritance.
    module, _, name = dotted.partition(":")
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)


def _framework(module: Any) -> str | None:
    return next((_MODEL_BASES[name] for name in bases(type(module)) if name in _MODEL_BASES), None)
