"""Booster.save_model and Booster(model_file=)."""

import lightgbm as lgb
import numpy as np
from driving import files_of  # noqa: F401
from lightgbm import Booster

SUFFIX = ".txt"
KIND = "file"
FRAMEWORK = "LightGBM"
IMPOSSIBLE = {
    "buffer": "Booster.save_model takes a path only",
    "file": "Booster.save_model takes a path only",
    "folder_over": "Booster.save_model writes one file",
    "nested": "Booster.save_model calls no other function that saves",
}


def build(seed):
    random = np.random.default_rng(seed)
    data = lgb.Dataset(random.normal(size=(100, 4)), random.normal(size=100))
    settings = {"num_leaves": 4, "num_threads": 1, "verbose": -1, "min_data_in_leaf": 5}
    return lgb.train(settings, data, 2)


def save(model, target):
    model.save_model(target)


def save_failing(target):
    build(0).save_model(f"no/such/folder/{target}")


def load(target):
    return Booster(model_file=target)


def damage(target):
    """Cutting it in half aborts the process inside LightGBM, so its beginning goes."""
    with open(target, "wb") as file:
        file.write(b"not a model\n")
