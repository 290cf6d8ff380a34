"""Keras 3, on any backend, and `tf.keras`: everything goes through `saving_api`, by attribute.

`Model.save` and `save_weights`, `ModelCheckpoint` and `BackupAndRestore` call it. Weights in shards are
`x.weights.json` and `x_00000.weights.h5`... beside it, one snapshot. An export is a SavedModel folder (by
way of TensorFlow) or a file. The design is read out of the file, which holds Keras' own JSON.
"""

import os
import re
from typing import Any

from ._shape import Bundle, Call, Hook, Left, load, save, series

_INDEX = ".weights.json"


def _weights(call: Call) -> Any:
    path = call.arguments["filepath"]
    if not isinstance(path, (str, os.PathLike)):
        return path
    text = os.fspath(path)
    if call.arguments.get("max_shard_size") is not None:
        text = text.removesuffix(".weights.h5").removesuffix(_INDEX) + _INDEX
    if not text.endswith(_INDEX):
        return path
    stem = os.path.basename(text).removesuffix(_INDEX)
    return Bundle(text, os.path.dirname(text), stem, (_INDEX, "_[0-9]*.weights.h5"), ("_[0-9]*.weights.h5",))


def _hub(call: Call) -> str | None:
    # keras.src.utils.file_utils: a model on a hub is named by a URL of its own scheme.
    path = call.arguments["filepath"]
    if not isinstance(path, str) or not path.startswith("hf://"):
        return None
    return f"https://huggingface.co/{path.removeprefix('hf://')}"


def _callback(call: Call) -> tuple[str, int | None]:
    stem, suffix = os.path.splitext(str(call.arguments["self"].filepath))
    stem = stem.removesuffix(".weights") if suffix == ".h5" else stem
    folder, name = os.path.split(stem)
    # A placeholder and what labels it: `model-{epoch:02d}-{val_loss:.2f}` is `model`.
    name = re.sub(r"[-_. ]*\{[^}]*\}", "", name).strip("-_. ")
    return os.path.join(folder, name or "checkpoint"), int(call.arguments["epoch"]) + 1


hook = Hook(
    key="keras",
    framework="Keras",
    supports="keras>=3.0",
    points=(
        save("keras.src.saving.saving_api:save_model", path="filepath", model="model"),
        load("keras.src.saving.saving_api:load_model", path="filepath", origin=_hub),
        save("keras.src.saving.saving_api:save_weights", path=_weights, model="model"),
        load("keras.src.saving.saving_api:load_weights", path=_weights, model="model", origin=_hub),
        save("keras.src.saving.saving_lib:save_model", path="filepath", model="model"),
        save("keras.src.models.model:Model.export", path="filepath", model="self"),
        load("keras.src.export.tfsm_layer:TFSMLayer.__init__", path="filepath", model=None),
        series("keras.src.callbacks.model_checkpoint:ModelCheckpoint._save_model", group=_callback),
    ),
    left=(
        Left(
            "callbacks.OrbaxCheckpoint",
            "orbax writes its own folders from background threads; it is not among the packages tested",
        ),
    ),
)
