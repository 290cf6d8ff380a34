"""Models of many frameworks, pickled by hand."""

import os
import pickle
from pathlib import Path

import catboost
import cloudpickle
import keras
import lightgbm as lgb
import numpy as np
import torch
import xgboost as xgb
from fastcore.xtras import load_pickle, save_pickle
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

torch.manual_seed(0)
torch.set_num_threads(1)
keras.utils.set_random_seed(0)
os.makedirs("out", exist_ok=True)
x, y = load_breast_cancer(return_X_y=True)
x = (x - x.mean(0)) / x.std(0)

network = torch.nn.Sequential(torch.nn.Linear(30, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
for _ in range(20):
    optimizer.zero_grad()
    out = network(torch.tensor(x, dtype=torch.float32))[:, 0]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(out, torch.tensor(y, dtype=torch.float32))
    loss.backward()
    optimizer.step()
print(f"{loss.item():.4f}")

settings = {"num_leaves": 4, "verbose": -1, "num_threads": 1, "objective": "binary"}
models = {
    "network": network,
    "regression": LogisticRegression().fit(x, y),
    "xgboost": xgb.train({"max_depth": 2, "nthread": 1}, xgb.DMatrix(x, y), 2),
    "catboost": catboost.CatBoostClassifier(
        iterations=2, depth=2, verbose=False, thread_count=1, allow_writing_files=False, random_seed=0
    ).fit(x, y),
    "lightgbm": lgb.LGBMClassifier(n_estimators=2, num_leaves=4, verbose=-1, n_jobs=1).fit(x, y),
    "lightgbm_booster": lgb.train(settings, lgb.Dataset(x, y), 2),
    "keras": keras.Sequential([keras.Input((30,)), keras.layers.Dense(1)]),
}
for name, model in models.items():
    with open(f"out/{name}.pkl", "wb") as file:
        pickle.dump(model, file)

tree = DecisionTreeClassifier(max_depth=2).fit(x, y)
with open("out/cloud.pkl", "wb") as file:
    cloudpickle.dump(tree, file)
save_pickle(Path("out/fastcore.pkl"), DecisionTreeClassifier(max_depth=3).fit(x, y))
print(load_pickle(Path("out/fastcore.pkl")).get_depth())

with open("out/data.pkl", "wb") as file:
    pickle.dump({"x": x, "y": y}, file)
with open("out/names.pkl", "wb") as file:
    pickle.dump(["a", "b"], file)
print(np.round(x.mean(), 6) + 0.0)
