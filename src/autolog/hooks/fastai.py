"""fastai: a `Learner` saves its weights under a *name* in its own folder, or is exported whole.

`Learner.save` and `.load` turn the name into `<path>/<model_dir>/<name>.pth` and go through `save_model` and
`load_model`, those through `torch.save`. They are put onto the class by fastcore's `@patch` while
`fastai.learner` is executed. `TextLearner` has its own `load`. `SaveModelCallback` calls `Learner.save` and
`.load` inside `fit`.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ._shape import Call, Hook, load, mute, save, series

#: A language model's vocabulary is a list of words, of which only a few need a look.
_VOCABULARIES = 8
#: More than these are hardly classes, and would take long to list on the thread that saves.
_CLASSES = 2_000


def _named(learner: Any, name: Any) -> Any:
    # fastcore.xtras.join_path_file with the arguments that Learner gives it; an open file is passed on.
    if not isinstance(name, (str, Path)):
        return name
    return os.path.join(learner.path, learner.model_dir, f"{name}.pth")


def _file(call: Call) -> Any:
    return _named(call.arguments["self"], call.arguments["file"])


def _export(call: Call) -> Any:
    name = call.arguments["fname"]
    # `path / fname`, which refuses all else.
    return os.path.join(call.arguments["self"].path, name) if isinstance(name, (str, os.PathLike)) else None


def _is_first(call: Call) -> bool:
    # fastai.torch_core.rank_distrib: other ranks return without having written.
    return int(os.environ.get("RANK", 0)) == 0


def _encoder(call: Call) -> Any:
    model = call.arguments["self"].model
    encoder = getattr(model, "module", model)[0]
    return getattr(encoder, "module", encoder)


def _source(call: Call) -> str | None:
    """Where pretrained weights were downloaded from: fastai unpacks `<name>.tgz` into a folder `<name>`.

    It is asked only about bytes that no task has made.
    """
    known = getattr(sys.modules["fastai.text.models.core"], "_model_meta", {})
    urls = [each[key] for each in known.values() for key in ("url", "url_bwd") if key in each]
    folder = Path(call.arguments["wgts_fname"]).parent.name
    return next((url for url in urls if PurePosixPath(url).stem == folder), None)


def _adapted(call: Call) -> Any:
    model = call.arguments["model"]
    return call.arguments["self"] if model is None else model


def _series(call: Call) -> tuple[str, int | None]:
    # `name` has the epoch's number at its end with every_epoch=True, and is `fname` itself otherwise.
    callback = call.arguments["self"]
    learner = callback.learn
    # With at_end=True it saves also after a fit without epochs, in which no epoch is 0.
    epoch = int(learner.epoch) if learner.n_epoch else None
    return os.path.join(learner.path, learner.model_dir, callback.fname), epoch


def _known(call: Call) -> dict[str, Any]:
    return _of_last_epoch(call.arguments["self"])


def _of_last_epoch(learner: Any) -> dict[str, Any]:
    """What the recorder wrote down at the end of the last epoch of the last `fit`.

    After a `fit` with SaveModelCallback these are not those of the weights that it has loaded back: nothing
    in a learner says that it did.
    """
    # What a learner doesn't have it asks its model for.
    recorder = vars(learner).get("recorder")
    values = getattr(recorder, "values", None)
    # In front of them stands the epoch's number, behind them how long it took.
    return dict(zip(recorder.metric_names[1:], values[-1], strict=False)) if values else {}


def _design(model: Any) -> str | None:
    network = model.model if hasattr(model, "dls") else model
    return repr(network) if hasattr(network, "named_modules") else None


def _labels(model: Any) -> Mapping[str, int] | None:
    """The classes of what is predicted: the last `CategoryMap` among a learner's vocabularies.

    A text learner's vocabulary is a pair, words and classes. Words alone (a language model's) are none.
    """
    dls = getattr(model, "dls", None)
    # DataLoaders look into the first of them for what they don't have themselves; there may be none.
    vocabulary: Any = getattr(dls, "vocab", None) if getattr(dls, "loaders", None) else None
    several = vocabulary if _kind(vocabulary) in ("L", "list", "tuple") else [vocabulary]
    maps = [each.o2i for each in several[:_VOCABULARIES] if _kind(each) == "CategoryMap"]
    if not maps or len(maps[-1]) > _CLASSES:
        return None
    return {str(label): int(index) for label, index in maps[-1].items()}


def _kind(value: Any) -> str:
    return type(value).__name__


hook = Hook(
    key="fastai",
    framework="fastai",
    supports="fastai>=2.8",
    design=_design,
    labels=_labels,
    points=(
        save("fastai.learner:Learner.save", path=_file, model="self", when=_is_first, metrics=_known),
        save("fastai.learner:Learner.export", path=_export, model="self", when=_is_first, metrics=_known),
        save("fastai.learner:save_model", path="file", model="model", when=_is_first),
        save(
            "fastai.text.learner:TextLearner.save_encoder",
            path=_file,
            model=_encoder,
            when=_is_first,
            metrics=_known,
        ),
        load("fastai.learner:Learner.load", path=_file, model="self"),
        load("fastai.learner:load_learner", path="fname"),
        load("fastai.learner:load_model", path="file", model="model"),
        load("fastai.text.learner:TextLearner.load", path=_file, model="self"),
        load("fastai.text.learner:load_model_text", path="file", model="model"),
        load("fastai.text.learner:TextLearner.load_encoder", path=_file, model=_encoder),
        load(
            "fastai.text.learner:TextLearner.load_pretrained",
            path="wgts_fname",
            model=_adapted,
            origin=_source,
        ),
        series("fastai.callback.tracker:SaveModelCallback._save", group=_series),
        # lr_find saves the weights before it tries learning rates, loads them back and deletes the file.
        mute("fastai.callback.schedule:LRFinder.before_fit", rule="framework scratch"),
        mute("fastai.callback.schedule:LRFinder.after_fit", rule="framework scratch"),
    ),
)
