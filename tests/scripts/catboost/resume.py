"""Goes on from a training snapshot and from saved models, and loads them in every other way."""

import shutil
from pathlib import Path

import catboost
from sklearn.datasets import load_breast_cancer, load_diabetes

settings = {"depth": 3, "thread_count": 1, "random_seed": 0, "verbose": False}
x, y = load_breast_cancer(return_X_y=True)
pool = catboost.Pool(x, y)
further = catboost.CatBoostClassifier(iterations=8, **settings, train_dir="info", allow_writing_files=True)
further.fit(pool, save_snapshot=True, snapshot_file="progress.bin", snapshot_interval=0)
print(further.tree_count_)

x, y = load_diabetes(return_X_y=True)
settings = {**settings, "iterations": 2, "allow_writing_files": False}
shutil.copy("out/model.cbm", "out/renamed.cbm")
more = catboost.CatBoostRegressor(**settings).fit(x, y, init_model="out/renamed.cbm")
more.save_model("out/more.cbm")
again = catboost.CatBoostRegressor(**settings).fit(x, y, init_model=more)
third = catboost.train(catboost.Pool(x, y), {**settings, "loss_function": "RMSE"}, init_model="out/path.cbm")
print(more.tree_count_, again.tree_count_, third.tree_count_)

counts = [
    catboost.CatBoost().load_model(Path("out/keyword.cbm")).tree_count_,
    catboost.CatBoost().load_model("out/model_as_json.json", format="json").tree_count_,
    catboost.CatBoostClassifier().load_model(blob=Path("out/classifier.cbm").read_bytes()).tree_count_,
]
for kind in ("onnx", "coreml"):
    name = f"out/model_as_{kind}.{'mlmodel' if kind == 'coreml' else kind}"
    counts.append(catboost.CatBoost().load_model(name, format=kind).tree_count_)
with open("out/lóng.cbm", "rb") as file:
    counts.append(catboost.CatBoost().load_model(stream=file).tree_count_)
print(counts)
try:
    catboost.CatBoost().load_model("out/missing.cbm")
except catboost.CatBoostError as error:
    print(type(error).__name__)
