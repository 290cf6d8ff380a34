"""Model.save and keras.saving.load_model; into a file object by what they call."""

import io
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from driving import damage, files_of  # noqa: F401
from keras.saving import load_model
from keras.src.saving import saving_lib

SUFFIX = ".keras"
KIND = "file"
FRAMEWORK = "Keras"
IMPOSSIBLE = {
    "folder_over": "Model.save writes one file, and a folder only under another kind of name",
}


def build(seed):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])


def save(model, target):
    if isinstance(target, io.IOBase):
        saving_lib.save_model(model, target)
    else:
        model.save(target)


def save_nested(model, target):
    callback = keras.callbacks.ModelCheckpoint(target)
    callback.set_model(model)
    callback.on_epoch_begin(0)
    callback.on_epoch_end(0, {"loss": 1.0})


def save_failing(target):
    build(0).save(f"no/such/folder/{target}")


def load(target):
    return load_model(target)
