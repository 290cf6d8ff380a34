"""Boosters and scikit-learn's classes of XGBoost, saved in every format and way."""

import os
import warnings
from pathlib import Path

import xgboost as xgb
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
train = xgb.DMatrix(images[:1200], labels[:1200])
test = xgb.DMatrix(images[1200:], labels[1200:])
settings = {"objective": "multi:softmax", "num_class": 10, "max_depth": 3, "nthread": 1, "seed": 0}
os.makedirs("out", exist_ok=True)

booster = xgb.train(settings, train, 4, evals=[(test, "test")], verbose_eval=False)
booster.save_model("out/digits.ubj")
booster.save_model("out/digits.json")
booster.save_model(Path("out") / "path.ubj")
booster.save_model(fname="out/keyword.ubj")
xgb.Booster.save_model(booster, "out/unbound.ubj")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for another suffix
    booster.save_model("out/old.model")
os.makedirs(os.path.expanduser("~"), exist_ok=True)
booster.save_model("~/at_home.ubj")
print(booster.num_boosted_rounds(), booster.eval(test))

for rounds in (1, 2, 3):
    booster.update(train, 3 + rounds)
    booster.save_model("out/growing.ubj")
booster.update(train, 7)
Path("out/raw.ubj").write_bytes(booster.save_raw())

binary = labels < 2
classifier = xgb.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1, random_state=0)
classifier.fit(
    images[binary],
    labels[binary],
    verbose=False,
    eval_set=[(images[1200:][binary[1200:]], labels[1200:][binary[1200:]])],
)
classifier.save_model("out/classifier.json")
regressor = xgb.XGBRegressor(n_estimators=3, max_depth=2, n_jobs=1, random_state=0).fit(images, labels)
regressor.get_booster().save_model("out/regressor.ubj")
print(f"{classifier.score(images[binary], labels[binary]):.4f} {regressor.score(images, labels):.4f}")

ranker = xgb.XGBRanker(n_estimators=3, max_depth=2, n_jobs=1, random_state=0)
ranker.fit(images[:200], labels[:200], qid=[number // 20 for number in range(200)])
ranker.save_model("out/ranker.json")
ranker.save_model(Path("out/ranker.ubj"))

booster.dump_model("out/trees.txt")
Path("out/settings.json").write_text(booster.save_config())
