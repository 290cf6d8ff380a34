"""CatBoost.save_model and load_model."""

import numpy as np
from catboost import CatBoostRegressor
from driving import damage, files_of  # noqa: F401

SUFFIX = ".cbm"
KIND = "file"
FRAMEWORK = "CatBoost"
IMPOSSIBLE = {
    "buffer": "CatBoost.save_model takes a path only",
    "file": "CatBoost.save_model takes a path only",
    "nested": "CatBoost.save_model calls no other function that saves",
    "folder_over": "CatBoost.save_model writes one file",
}


def build(seed):
    random = np.random.default_rng(seed)
    model = CatBoostRegressor(
        iterations=2, depth=2, thread_count=1, verbose=False, allow_writing_files=False, random_seed=seed
    )
    return model.fit(random.normal(size=(60, 4)), random.normal(size=60))


def save(model, target):
    model.save_model(target)


def save_failing(target):
    # The file is made, and only then found that this format has no categories.
    model = CatBoostRegressor(
        iterations=2, depth=2, thread_count=1, verbose=False, allow_writing_files=False, cat_features=[0]
    )
    random = np.random.default_rng(0)
    model.fit([[letter, 0.5] for letter in random.choice([*"abcdef"], 60)], random.normal(size=60))
    model.save_model(target, format="onnx")


def load(target):
    return CatBoostRegressor().load_model(target)
