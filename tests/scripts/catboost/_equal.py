"""Whether two files of these scripts hold the same; called for those that differ between two bare runs.

CatBoost writes the time of training into its models, and timings into its logs.
"""

import re
import sys

import numpy as np
from catboost import CatBoost, CatBoostError

KINDS = {"cbm": "cbm", "json": "json", "onnx": "onnx", "mlmodel": "coreml"}


def predictions(path):
    """What a model says about made-up rows."""
    model = CatBoost().load_model(path, format=KINDS[path.rpartition(".")[2]])
    rows = np.random.default_rng(0).normal(size=(20, 40))
    return model.predict(rows[:, : len(model.feature_names_)])


def equal(one, two):
    if "/info/" in one:
        return True  # timings and progress, which no two runs share
    if one.rpartition(".")[2] in KINDS:
        try:
            return np.array_equal(predictions(one), predictions(two))
        except CatBoostError:
            return False
    with open(one, encoding="utf-8") as first, open(two, encoding="utf-8") as second:
        return [re.sub(r"\d+", "#", line) for line in first] == [re.sub(r"\d+", "#", line) for line in second]


for path, other in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    if not equal(path, other):
        print(path)
