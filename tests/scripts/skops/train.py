"""A pipeline and a forest, shared as skops files."""

import os
from pathlib import Path

import numpy as np
import skops.io as sio
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

os.makedirs("out", exist_ok=True)
x, y = load_iris(return_X_y=True)
pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
forest = RandomForestClassifier(5, random_state=0).fit(x, y)
print(f"{pipeline.score(x, y):.4f} {forest.score(x, y):.4f}")

sio.dump(pipeline, "out/pipeline.skops")
sio.dump(obj=forest, file=Path("out/forest.skops"))
with open("out/opened.skops", "wb") as file:
    sio.dump(StandardScaler().fit(x), file)
Path("out/bytes.skops").write_bytes(sio.dumps(LogisticRegression(C=0.5).fit(x, y)))
sio.dump(np.arange(10), "out/array.skops")
