"""Boosters on the wine and cancer data: early stopping with a checkpoint callback, every way to save one."""

import copy
import os
from pathlib import Path

import lightgbm as lgb
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.model_selection import train_test_split

os.makedirs("out/checkpoints", exist_ok=True)
settings = {
    "objective": "binary",
    "num_leaves": 7,
    "num_threads": 1,
    "verbose": -1,
    "seed": 0,
    "metric": "auc",
}
x, y = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
train = lgb.Dataset(x_train, y_train, free_raw_data=False)
test = lgb.Dataset(x_test, y_test, reference=train)


def checkpoint(environment):
    if (environment.iteration + 1) % 2 == 0:
        environment.model.save_model(f"out/checkpoints/booster-iter_{environment.iteration + 1}.txt")


booster = lgb.train(settings, train, 6, valid_sets=[test], callbacks=[checkpoint])
print(f"{booster.best_score['valid_0']['auc']:.4f}")

booster.save_model("out/booster.txt")
booster.save_model(Path("out") / "path.txt", num_iteration=4)
booster.save_model(filename="out/keyword.txt", num_iteration=3)
Path("out/from_text.txt").write_text(booster.model_to_string(num_iteration=5))

scores = lgb.cv(settings, train, 2, nfold=2, return_cvbooster=True, seed=0)
scores["cvbooster"].save_model("out/folds.json")
Path("out/folds_from_text.json").write_text(scores["cvbooster"].model_to_string(num_iteration=1))

x, y = load_wine(return_X_y=True)
classifier = lgb.LGBMClassifier(n_estimators=3, num_leaves=5, n_jobs=1, verbose=-1).fit(x, y)
classifier.booster_.save_model("out/classifier.txt")
print(f"{classifier.score(x, y):.4f}")

# A copy is made through the model's text, and is nobody's save.
twin = copy.deepcopy(booster)
print(twin.num_trees())

os.chdir("out")
twin.save_model("wéin relative.txt")
os.chdir("..")
try:
    booster.save_model("out/no/such/folder.txt")
except lgb.basic.LightGBMError as error:
    print(type(error).__name__)
