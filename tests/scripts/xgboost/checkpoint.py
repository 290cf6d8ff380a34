"""XGBoost's own checkpoint callback, writing models and pickles."""

import os

import xgboost as xgb
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
train = xgb.DMatrix(images[:1200], labels[:1200])
settings = {"objective": "multi:softmax", "num_class": 10, "max_depth": 2, "nthread": 1, "seed": 0}
for folder in ("models", "pickles", "every_second"):
    os.makedirs(folder, exist_ok=True)

xgb.train(
    settings,
    train,
    4,
    evals=[(train, "train")],
    verbose_eval=False,
    callbacks=[xgb.callback.TrainingCheckPoint("models", interval=1, name="digits")],
)
xgb.train(
    settings,
    train,
    4,
    callbacks=[xgb.callback.TrainingCheckPoint("pickles", interval=1, as_pickle=True)],
)
classifier = xgb.XGBClassifier(
    n_estimators=5,
    max_depth=2,
    n_jobs=1,
    random_state=0,
    callbacks=[xgb.callback.TrainingCheckPoint("every_second", interval=2)],
)
classifier.fit(images, labels)
booster = xgb.train(
    settings,
    train,
    3,
    xgb_model="models/digits_3.ubj",
    callbacks=[xgb.callback.TrainingCheckPoint("models", interval=1, name="digits")],
)
print(booster.num_boosted_rounds())
for folder in ("models", "pickles", "every_second"):
    print(folder, sorted(os.listdir(folder)))
