"""Loads what train.py has saved, in every way, and goes on from the backup."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import shutil
from pathlib import Path

import keras
from keras.models import load_model
from keras.src.saving import saving_api
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
images = (images / 16).astype("float32")

shutil.copy("out/model.keras", "out/renamed.keras")
model = keras.models.load_model("out/renamed.keras")
print(f"{model.evaluate(images, labels, verbose=0)[0]:.3f}")
for path in ("out/unzipped", "out/legacy.h5"):
    print(load_model(path).name)
print(keras.saving.load_model(Path("out/path.keras")).name)
print(load_model(filepath="out/by_models.keras").name, saving_api.load_model("out/by_saving.keras").name)
functional = load_model("out/functional.keras")
functional.load_weights("out/functional.weights.h5")

model.load_weights("out/only.weights.h5")
keras.saving.load_weights(model, "out/by_saving.weights.h5")
model.load_weights("out/shards.weights.json")
model.load_weights("out/legacy.h5")
backup = keras.callbacks.BackupAndRestore("out/backup", delete_checkpoint=False)
history = model.fit(images, labels, epochs=3, batch_size=128, verbose=0, shuffle=False, callbacks=[backup])
print(len(history.history["loss"]))
try:
    load_model("out/missing.keras")
except ValueError as error:
    print(type(error).__name__)
