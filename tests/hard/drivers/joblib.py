"""joblib.dump and joblib.load with scikit-learn's estimators."""

import numpy as np
from driving import Unpicklable, damage, files_of  # noqa: F401
from joblib import dump, load  # noqa: F401
from sklearn.linear_model import LinearRegression

SUFFIX = ".joblib"
KIND = "file"
FRAMEWORK = "ScikitLearn"
IMPOSSIBLE = {
    "folder_over": "joblib.dump writes one file",
    "nested": "joblib.dump calls no other function that saves",
}


def build(seed):
    random = np.random.default_rng(seed)
    return LinearRegression().fit(random.normal(size=(50, 4)), random.normal(size=50))


def save(model, target):
    dump(model, target)


def save_failing(target):
    dump([build(0), Unpicklable()], target)
