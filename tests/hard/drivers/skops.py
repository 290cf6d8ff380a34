"""skops.io.dump and load."""

import numpy as np
from driving import damage, files_of  # noqa: F401
from sklearn.linear_model import LinearRegression
from skops.io import dump, get_untrusted_types
from skops.io import load as skops_load

SUFFIX = ".skops"
KIND = "file"
FRAMEWORK = "ScikitLearn"
IMPOSSIBLE = {
    "folder_over": "skops.io.dump writes one file",
    "nested": "skops.io.dump calls no other function that saves",
}


def build(seed):
    random = np.random.default_rng(seed)
    return LinearRegression().fit(random.normal(size=(50, 4)), random.normal(size=50))


def save(model, target):
    dump(model, target)


def save_failing(target):
    model = build(0)
    model.more_ = (each for each in "a generator")
    dump(model, target)


def load(target):
    return skops_load(target, trusted=get_untrusted_types(file=target))
