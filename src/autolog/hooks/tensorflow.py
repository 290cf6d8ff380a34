"""TensorFlow: checkpoints, which are files beginning with a prefix, and SavedModels, which are folders.

All of `tf.train.Checkpoint` and its manager comes down to `Checkpoint._write` and `read`; an asynchronous
save calls `_write` again, from its own thread, and that is the call that counts. `tf.keras` is Keras.

Version 1's `saved_model.loader.load` restores through `Saver.restore`, where it is seen: a wrapper around the
deprecated function itself would be named in TensorFlow's warning in place of the script.
"""

import os
from typing import Any

from ._shape import Call, Hook, Left, folder, load, mute, prefix, save, series

#: A SavedModel's files; the variables are what identifies it, since the graph beside them is written anew
#: with other names each time.
_SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt", "fingerprint.pb", "variables/**", "assets/**")
_VARIABLES = ("variables/**",)


def _written(call: Call) -> Any:
    options = call.arguments.get("options")
    if getattr(options, "experimental_enable_async_checkpoint", False):
        return None
    return prefix(call.arguments["file_prefix"])


def _numbered(call: Call) -> tuple[str, int] | None:
    # Checkpoint.save puts its own counter behind the name, and raises if it can't note the newest one.
    if call.result is None:
        return None
    return str(call.arguments["file_prefix"]), int(str(call.result).rpartition("-")[2])


def _stepped(call: Call) -> tuple[str, int] | None:
    step = call.arguments.get("global_step")
    name, _, number = str(call.result).rpartition("-")
    return None if step is None else (name, int(number))


def _read(call: Call) -> Any:
    path = call.arguments["save_path"]
    return saved_model(path) if path and os.path.isdir(path) else prefix(path)


def _inspected(call: Call) -> Any:
    path = call.arguments["ckpt_dir_or_file"]
    # A folder stands for its latest checkpoint, which TensorFlow looks up in a file there.
    return None if os.path.isdir(path) else prefix(path)


def _by_saver(call: Call) -> Any:
    # The name gets the step's number; the returned one has it.
    return prefix(call.result)


def saved_model(path: Any) -> Any:
    return folder(path, names=_SAVED_MODEL, weights=_VARIABLES)


hook = Hook(
    key="tensorflow",
    framework="TensorFlow",
    supports="tensorflow>=2.18",
    points=(
        save(
            "tensorflow.python.saved_model.save:save",
            path=lambda call: saved_model(call.arguments["export_dir"]),
            model="obj",
        ),
        load(
            "tensorflow.python.saved_model.load:load",
            path=lambda call: saved_model(call.arguments["export_dir"]),
            model=None,
        ),
        save("tensorflow.python.checkpoint.checkpoint:Checkpoint._write", path=_written),
        series("tensorflow.python.checkpoint.checkpoint:Checkpoint.save", group=_numbered),
        load("tensorflow.python.checkpoint.checkpoint:Checkpoint.read", path=_read, model=None),
        load("tensorflow.python.training.checkpoint_utils:load_checkpoint", path=_inspected, model=None),
        save("tensorflow.python.training.saver:Saver.save", path=_by_saver, group=_stepped),
        load(
            "tensorflow.python.training.saver:Saver.restore",
            path=lambda call: prefix(call.arguments["save_path"]),
            model=None,
        ),
        mute(
            "tensorflow.python.saved_model.builder_impl:SavedModelBuilder.add_meta_graph_and_variables",
            rule="part of a SavedModel",
        ),
        save(
            "tensorflow.python.saved_model.builder_impl:_SavedModelBuilder.save",
            path=lambda call: saved_model(call.arguments["self"]._export_dir),
        ),
    ),
    left=(
        Left(
            "tf.io.write_file / serialize_tensor",
            "an operation that writes any bytes; nothing says that they are weights",
        ),
        Left(
            "tf.raw_ops.SaveV2",
            "an operation inside a graph, below everything that has a name; tf.train.Checkpoint is hooked",
        ),
    ),
)
