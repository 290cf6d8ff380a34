"""Keras 3, on any backend, and `tf.keras`, which is the same Keras under another name.

`Model.save`, `keras.saving`, `keras.models` and the callbacks all write through `saving_lib`, and HDF5 of
the old kind through `legacy_h5_format`. These are hooked and not `saving_api` above them, which may ask
whether to overwrite and then write nothing. Pickles of a model go through neither. Weights in shards are
one snapshot, and so is a model saved as a folder, of which only Keras' own files count: it often holds
everything else, too. The design is read out of the file, which has Keras' JSON in it.

An export is Keras', whatever is called below: it is what the script asked for, and the temporary SavedModel
of a conversion is then a part of it. What a script saves with `tf.saved_model` itself is TensorFlow's.
"""

import os
import re
from typing import Any

from ._shape import Bundle, Call, Hook, Left, folder, knows, load, save, series
from .tensorflow import saved_model

_INDEX = ".weights.json"
#: `x_00000.weights.h5`: one digit more would be needed after a hundred thousand shards.
_SHARDS = "_[0-9][0-9][0-9][0-9][0-9].weights.h5"
_WEIGHTS = ("model.weights.h5", "model.weights.npz")
_MODEL = (*_WEIGHTS, "config.json", "metadata.json", "assets/**")


def _is_path(path: Any) -> bool:
    return isinstance(path, (str, os.PathLike))


def _folder(path: Any) -> Any:
    return folder(path, names=_MODEL, weights=_WEIGHTS)


def _saved(call: Call) -> Any:
    path = call.arguments["filepath"]
    return path if call.arguments.get("zipped", True) else _folder(path)


def _legacy(call: Call) -> Any:
    path = call.arguments["filepath"]
    return path if _is_path(path) else None  # an h5py.File that stays open


def _loaded(call: Call) -> Any:
    path = call.arguments["filepath"]
    if str(path).startswith("hf://"):
        return None  # it is fetched into a folder, and read from there
    if not os.path.isdir(path):
        return path
    return _folder(path) if os.path.isfile(os.path.join(path, "config.json")) else None  # None: Orbax's


def _buffer(call: Call) -> Any:
    path = call.arguments["filepath"]
    return None if _is_path(path) else path


def _sharded(path: Any) -> Any:
    index = os.path.splitext(os.fspath(path))[0] + ".json"
    root, name = os.path.split(index)
    stem = name.removesuffix(".json").replace(".weights", "")
    return Bundle(index, root, stem, (name.removeprefix(stem), _SHARDS), (_SHARDS,))


def _weights(call: Call) -> Any:
    path = call.arguments["filepath"]
    if _is_path(path) and os.path.isdir(path):
        return None  # Orbax's
    is_sharded = call.arguments.get("max_shard_size") is not None or str(path).endswith(_INDEX)
    return _sharded(path) if is_sharded else path


def _exported(call: Call) -> Any:
    path = call.arguments["filepath"]
    return saved_model(path) if call.arguments["format"] == "tf_saved_model" else path


def _tracked(call: Call) -> Any:
    # An archive may hold several models, or only functions.
    archive = call.arguments["self"]
    return next(iter(getattr(archive, "_tracked", ())), archive)


def _callback(call: Call) -> tuple[str, int | None]:
    # `model-{epoch:02d}-{val_loss:.2f}` is `model`: a placeholder goes with what joins it to the name.
    stem = os.path.splitext(str(call.arguments["self"].filepath))[0]
    above, name = os.path.split(stem)
    name = re.sub(r"[-_. =]*\{[^}]*\}", "", name).strip("-_. =")
    return os.path.join(above, name or "checkpoint"), int(call.arguments["epoch"]) + 1


def _logs(call: Call) -> Any:
    return call.arguments["logs"]


def _backup(call: Call) -> tuple[str, int | None]:
    callback = call.arguments["self"]
    return os.path.splitext(callback._weights_path)[0], int(callback._current_epoch)


hook = Hook(
    key="keras",
    framework="Keras",
    family="tensorflow",
    supports="keras>=3.9",
    points=(
        save("keras.src.saving.saving_lib:save_model", path=_saved, model="model"),
        save("keras.src.saving.saving_lib:save_weights_only", path=_weights, model="model"),
        save("keras.src.legacy.saving.legacy_h5_format:save_model_to_hdf5", path=_legacy, model="model"),
        load("keras.src.saving.saving_api:load_model", path=_loaded),
        load("keras.src.saving.saving_api:load_weights", path=_weights, model="model"),
        load("keras.src.saving.saving_lib:load_model", path=_buffer),
        load(
            "keras.src.saving.saving_lib:_load_model_from_dir",
            path=lambda call: _folder(call.arguments["dirpath"]),
        ),
        save("keras.src.models.model:Model.export", path=_exported, model="self"),
        save(
            "keras.src.export.saved_model_export_archive:SavedModelExportArchive.write_out",
            path=lambda call: saved_model(call.arguments["filepath"]),
            model=_tracked,
            formerly=("keras.src.export.saved_model:ExportArchive.write_out",),
        ),
        load(
            "keras.src.export.tfsm_layer:TFSMLayer.__init__",
            path=lambda call: saved_model(call.arguments["filepath"]),
            model=None,
        ),
        series(
            "keras.src.callbacks.model_checkpoint:ModelCheckpoint._save_model",
            group=_callback,
            metrics=_logs,
        ),
        series("keras.src.callbacks.backup_and_restore:BackupAndRestore._save_model", group=_backup),
        # What saves is not told what the epoch came to, but what calls it is. A backup in the midst of an
        # epoch has no metrics: that would take a look at every batch.
        knows("keras.src.callbacks.backup_and_restore:BackupAndRestore.on_epoch_end", metrics=_logs),
    ),
    left=(
        Left(
            "callbacks.OrbaxCheckpoint",
            "Orbax needs JAX, and commits the folders on threads of its own: that takes a hook for Orbax",
        ),
    ),
)
