"""Loads the pickled models."""

import pickle
import shutil

import cloudpickle

shutil.copy("out/regression.pkl", "out/renamed.pkl")
for name in ("renamed", "network", "xgboost", "catboost", "lightgbm", "lightgbm_booster", "keras"):
    with open(f"out/{name}.pkl", "rb") as file:
        print(type(pickle.load(file)).__name__)
with open("out/cloud.pkl", "rb") as file:
    print(cloudpickle.load(file).get_depth())
with open("out/data.pkl", "rb") as file:
    print(sorted(pickle.load(file)))
