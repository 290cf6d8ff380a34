"""Booster.save_model and Booster(model_file=); Booster.model_to_string for buffers."""

import lightgbm as lgb
import numpy as np
from driving import files_of  # noqa: F401
from lightgbm import Booster

SUFFIX = ".txt"
KIND = "file"
FRAMEWORK = "LightGBM"
IMPOSSIBLE = {
    "file": "Booster.save_model takes a path only, and as text it is the result of model_to_string",
    "folder_over": "Booster.save_model writes one file",
}
SETTINGS = {"num_leaves": 4, "num_threads": 1, "verbose": -1, "min_data_in_leaf": 5}


def data(seed):
    random = np.random.default_rng(seed)
    return lgb.Dataset(random.normal(size=(100, 4)), random.normal(size=100))


def build(seed):
    return lgb.train(SETTINGS, data(seed), 2)


def save(model, target):
    if hasattr(target, "write"):
        target.write(model.model_to_string().encode())
    else:
        model.save_model(target)


def save_nested(model, target):
    # Goes through model_to_string for each of its boosters.
    folds = lgb.cv(SETTINGS, data(0), 2, nfold=2, stratified=False, return_cvbooster=True)["cvbooster"]
    folds.save_model(target)


def save_failing(target):
    # C++ has written the trees when Python can't write what the categories were.
    model = build(0)
    model.pandas_categorical = [[object()]]
    model.save_model(target)


def load(target):
    return Booster(model_file=target)


def damage(target):
    """Cutting it in half aborts the process inside LightGBM, so its beginning goes."""
    with open(target, "wb") as file:
        file.write(b"not a model\n")
