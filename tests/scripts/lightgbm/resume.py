"""Goes on from saved boosters, and loads them in every other way."""

import shutil
from pathlib import Path

import lightgbm as lgb
from sklearn.datasets import load_breast_cancer, load_wine

settings = {"objective": "binary", "num_leaves": 7, "num_threads": 1, "verbose": -1, "seed": 0}
x, y = load_breast_cancer(return_X_y=True)
train = lgb.Dataset(x, y, free_raw_data=False)

shutil.move("out/booster.txt", "out/renamed.txt")
more = lgb.train(settings, train, 2, init_model="out/renamed.txt")
print(more.num_trees())
more.save_model("out/more.txt")

wine, kinds = load_wine(return_X_y=True)
classifier = lgb.LGBMClassifier(n_estimators=2, num_leaves=5, n_jobs=1, verbose=-1)
classifier.fit(wine, kinds, init_model="out/classifier.txt")
print(classifier.booster_.num_trees())

print(
    lgb.Booster(model_file="out/keyword.txt").num_trees(),
    lgb.Booster(model_file=Path("out/path.txt")).num_trees(),
)
print(lgb.Booster(model_str=Path("out/from_text.txt").read_text()).num_trees())
other = lgb.train(settings, train, 1)
print(other.model_from_string(Path("out/keyword.txt").read_text()).num_trees())
print(len(lgb.CVBooster(model_file="out/folds.json").boosters))
print(len(lgb.CVBooster().model_from_string(Path("out/folds_from_text.json").read_text()).boosters))
try:
    lgb.Booster(model_file="out/missing.txt")
except lgb.basic.LightGBMError as error:
    print(type(error).__name__)
