"""Model.save and keras.saving.load_model."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from driving import damage, files_of  # noqa: F401
from keras.saving import load_model, save_model

SUFFIX = ".keras"
KIND = "file"
FRAMEWORK = "Keras"
IMPOSSIBLE = {
    "buffer": "Model.save takes a path only",
    "file": "Model.save takes a path only",
    "folder_over": "Model.save writes one file unless asked for a folder",
}


def build(seed):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])


def save(model, target):
    model.save(target)


def save_nested(model, target):
    save_model(model, target)


def save_failing(target):
    build(0).save(f"no/such/folder/{target}")


def load(target):
    return load_model(target)
