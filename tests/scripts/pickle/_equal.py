"""Whether two pickles of these scripts hold the same: CatBoost and Keras write times, torch addresses."""

import pickle
import sys

import numpy as np


def values(model):
    """The numbers of a model."""
    if hasattr(model, "get_weights"):
        return model.get_weights()
    if hasattr(model, "state_dict"):
        return [value.numpy() for value in model.state_dict().values()]
    return [model.predict(np.random.default_rng(0).normal(size=(20, 30)), prediction_type="RawFormulaVal")]


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    with open(path, "rb") as one, open(other, "rb") as two:
        first, second = values(pickle.load(one)), values(pickle.load(two))
    if len(first) != len(second) or not all(map(np.array_equal, first, second)):
        print(path)
