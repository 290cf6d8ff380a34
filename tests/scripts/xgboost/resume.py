"""Goes on from saved boosters, and loads them in every other way."""

import os
from pathlib import Path

import xgboost as xgb
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
train = xgb.DMatrix(images[:1200], labels[:1200])
settings = {"objective": "multi:softmax", "num_class": 10, "max_depth": 3, "nthread": 1, "seed": 0}

booster = xgb.train(settings, train, 2, xgb_model="out/digits.ubj")
booster.save_model("out/continued.ubj")
print(booster.num_boosted_rounds(), f"{booster.predict(train).sum():.1f}")

same = xgb.Booster(model_file=Path("out/digits.json"))
other = xgb.Booster(settings)
other.load_model(fname="out/path.ubj")
third = xgb.Booster()
third.load_model(bytearray(Path("out/raw.ubj").read_bytes()))
fourth = xgb.Booster(model_file="~/at_home.ubj")
print(*(each.num_boosted_rounds() for each in (same, other, third, fourth)))

old = xgb.Booster(model_file="out/old.model")
ranker = xgb.XGBRanker()
ranker.load_model("out/ranker.ubj")
print(old.num_boosted_rounds(), ranker.predict(images[:5]).shape)

binary = labels < 2
classifier = xgb.XGBClassifier()
classifier.load_model("out/classifier.json")
print(f"{classifier.score(images[binary], labels[binary]):.4f}")
further = xgb.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1, random_state=0)
further.fit(images[binary], labels[binary], xgb_model="out/classifier.json")
further.save_model("out/further.json")

try:
    booster.load_model("out/missing.ubj")
except xgb.core.XGBoostError as error:
    print(type(error).__name__, error.__context__)
try:
    booster.save_model(3)
except TypeError as error:
    print(error, error.__context__)
print(os.path.exists("out/missing.ubj"))
