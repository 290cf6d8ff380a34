"""Booster.save_model and load_model."""

import numpy as np
import xgboost as xgb
from driving import damage, files_of  # noqa: F401
from xgboost import XGBRegressor

SUFFIX = ".ubj"
KIND = "file"
FRAMEWORK = "XGBoost"
IMPOSSIBLE = {
    "buffer": "Booster.save_model takes a path only",
    "file": "Booster.save_model takes a path only",
    "folder_over": "Booster.save_model writes one file",
}


def build(seed):
    random = np.random.default_rng(seed)
    data = xgb.DMatrix(random.normal(size=(60, 4)), random.normal(size=60))
    return xgb.train({"nthread": 1, "max_depth": 2}, data, 2)


def save(model, target):
    model.save_model(target)


def save_nested(model, target):
    random = np.random.default_rng(0)
    wrapper = XGBRegressor(n_estimators=2, n_jobs=1).fit(random.normal(size=(60, 4)), random.normal(size=60))
    wrapper.save_model(target)


def save_failing(target):
    build(0).save_model(f"no/such/folder/{target}")


def load(target):
    return xgb.Booster(model_file=target)
