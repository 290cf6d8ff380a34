"""CatBoost on the wine and diabetes data, saved in every format, with a training snapshot."""

import os
from pathlib import Path

import catboost
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

os.makedirs("out", exist_ok=True)
settings = {"iterations": 5, "depth": 3, "thread_count": 1, "random_seed": 0, "verbose": False}
x, y = load_diabetes(return_X_y=True)
model = catboost.CatBoostRegressor(**settings, allow_writing_files=False).fit(x, y)
model.save_model("out/model.cbm")
for kind in ("json", "onnx", "coreml", "cpp", "python", "pmml"):
    suffix = {"python": "py", "coreml": "mlmodel"}.get(kind, kind)
    model.save_model(f"out/model_as_{kind}.{suffix}", format=kind)
for iterations, target in ((4, Path("out") / "path.cbm"), (3, "out/keyword.cbm")):
    shorter = catboost.CatBoostRegressor(**{**settings, "iterations": iterations}, allow_writing_files=False)
    shorter.fit(x, y).save_model(fname=target)
model.save_borders("out/borders.tsv")
print(f"{model.score(x, y):.4f}")

x, y = load_wine(return_X_y=True)
classifier = catboost.CatBoostClassifier(**settings, allow_writing_files=False).fit(x, y)
classifier.save_model("out/classifier.cbm")
print(f"{classifier.score(x, y):.4f}")

x, y = load_breast_cancer(return_X_y=True)
pool = catboost.Pool(x, y)
long = catboost.CatBoostClassifier(**settings, train_dir="info", allow_writing_files=True)
long.fit(pool, save_snapshot=True, snapshot_file="progress.bin", snapshot_interval=0)
os.chdir("out")
long.save_model("lóng.cbm")
os.chdir("..")
try:
    long.save_model("out/no/such/folder.cbm")
except catboost.CatBoostError as error:
    print(type(error).__name__)
