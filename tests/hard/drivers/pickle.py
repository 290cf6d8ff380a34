"""pickle.dump and pickle.load, asked for, with scikit-learn's estimators and open files."""

from pickle import dump
from pickle import load as pickle_load

import numpy as np
from driving import Unpicklable, damage, files_of  # noqa: F401
from sklearn.linear_model import LinearRegression

SUFFIX = ".pkl"
KIND = "file"
FRAMEWORK = "ScikitLearn"
INIT = {"frameworks": {"pickle": True}}
IMPOSSIBLE = {
    "overwrite": "pickle.dump takes an open file, and opening it to write empties it before any call",
    "threads": "pickle.dump takes an open file, and opening it to write empties it before any call",
    "folder_over": "pickle.dump writes into one file",
    "nested": "pickle.dump calls no other function that saves",
}


def build(seed):
    random = np.random.default_rng(seed)
    return LinearRegression().fit(random.normal(size=(50, 4)), random.normal(size=50))


def save(model, target):
    if hasattr(target, "write"):
        dump(model, target)
        return
    with open(target, "wb") as file:
        dump(model, file)


def save_failing(target):
    # More than a frame of the pickle is in the file by then.
    with open(target, "wb") as file:
        dump([*(build(seed) for seed in range(500)), Unpicklable()], file)


def load(target):
    with open(target, "rb") as file:
        return pickle_load(file)
