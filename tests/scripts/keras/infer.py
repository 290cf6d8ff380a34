"""Loads what train.py has saved, in every way, and goes on from the backup."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.update(HF_HUB_CACHE=os.path.abspath("hub"), HF_HUB_OFFLINE="1")

import shutil
from pathlib import Path

import h5py
import keras
import tensorflow as tf
from keras.models import load_model
from keras.src.saving import saving_api
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
images = (images / 16).astype("float32")

shutil.copy("out/model.keras", "out/renamed.keras")
model = keras.models.load_model("out/renamed.keras")
print(f"{model.evaluate(images, labels, verbose=0)[0]:.3f}")
for path in ("out/unzipped", "out", "out/legacy.h5"):
    print(load_model(path).name)
print(keras.saving.load_model(Path("out/path.keras")).name, load_model(filepath="out/keyword.keras").name)
print(tf.keras.models.load_model("out/by_tf_keras.keras").name)
print(load_model("out/by_models.keras").name, saving_api.load_model("out/by_saving.keras").name)
functional = tf.keras.models.load_model("out/functional.keras")
functional.load_weights("out/functional.weights.h5")

model.load_weights("out/only.weights.h5")
keras.saving.load_weights(model, "out/by_saving.weights.h5")
model.load_weights(Path("out/legacy.h5"))

layer = keras.layers.TFSMLayer("out/served", call_endpoint="serve")
print(layer(images[:1]).shape, keras.layers.TFSMLayer(filepath="out/archive").name)

backup = keras.callbacks.BackupAndRestore("out/backup", delete_checkpoint=False)
history = model.fit(images, labels, epochs=3, batch_size=128, verbose=0, shuffle=False, callbacks=[backup])
print(len(history.history["loss"]))

# As the hub's client leaves a model, another than ours, that it has fetched.
commit = "7c1f1b0b3b6b2a40e4f6a3f5c1f1ce8c9b5d1e02"
os.makedirs("hub/models--tiny--digits/refs")
Path("hub/models--tiny--digits/refs/main").write_text(commit)
fetched = shutil.copytree("out/unzipped", f"hub/models--tiny--digits/snapshots/{commit}")
with h5py.File(f"{fetched}/model.weights.h5", "r+") as file:
    file["layers/dense/vars/1"][:] += 1
print(load_model("hf://tiny/digits").name)
try:
    load_model("out/missing.keras")
except ValueError as error:
    print(type(error).__name__)
