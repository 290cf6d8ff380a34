"""Loads what train.py kept."""

import io
import shutil
from pathlib import Path

import joblib
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
shutil.copy("models/forest.z", "models/forest.v1")

print(joblib.load("models/pipeline.joblib").predict(images[:10]))
print(joblib.load(Path("models/forest.v1")).predict(images[:10]))
with open("models/file.joblib", "rb") as file:
    print(joblib.load(file).predict(images[10:20]))
print(joblib.load(io.BytesIO(Path("models/best.pkl").read_bytes())).predict(images[10:20] / 16))
growing = joblib.load("models/growing.joblib", mmap_mode="r")
print(growing["depth"], growing["model"].predict(images[:10]))
