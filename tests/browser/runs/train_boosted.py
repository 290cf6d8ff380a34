"""Boosters of XGBoost and LightGBM on the wines."""

import lightgbm
import xgboost
from sklearn.datasets import load_wine

features, labels = load_wine(return_X_y=True)
data = xgboost.DMatrix(features[::2], labels[::2])
held = xgboost.DMatrix(features[1::2], labels[1::2])
settings = {"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "nthread": 1, "eta": 0.3}
booster = None
for _ in range(3):
    booster = xgboost.train(settings, data, 4, evals=[(held, "held")], verbose_eval=False, xgb_model=booster)
    booster.save_model("wines.ubj")

data = lightgbm.Dataset(features[::2], labels[::2])
held = lightgbm.Dataset(features[1::2], labels[1::2], reference=data)
settings = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
lightgbm.train(settings, data, 6, valid_sets=[held], valid_names=["held"]).save_model("wines.lgb")
