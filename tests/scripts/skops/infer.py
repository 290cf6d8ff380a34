"""Loads what train.py has shared."""

import shutil
from pathlib import Path

import skops.io as sio
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
shutil.copy("out/pipeline.skops", "out/renamed.skops")
pipeline = sio.load("out/renamed.skops")
forest = sio.load(file=Path("out/forest.skops"), trusted=sio.get_untrusted_types(file="out/forest.skops"))
with open("out/opened.skops", "rb") as file:
    scaler = sio.load(file)
other = sio.loads(Path("out/bytes.skops").read_bytes())
print(f"{pipeline.score(x, y):.4f} {forest.score(x, y):.4f} {other.score(x, y):.4f} {scaler.mean_.round(3)}")
