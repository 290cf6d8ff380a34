"""Keras on PyTorch: the best model of a training, a file that isn't overwritten, and exports."""

import io
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch
from keras.saving import load_model
from sklearn.datasets import load_iris

torch.set_num_threads(1)
keras.utils.set_random_seed(0)
os.makedirs("out", exist_ok=True)
x, y = load_iris(return_X_y=True)
x = x.astype("float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
best = keras.callbacks.ModelCheckpoint(
    "out/best.weights.h5", monitor="loss", save_best_only=True, save_weights_only=True
)
backup = keras.callbacks.BackupAndRestore("out/backup", save_freq=2, double_checkpoint=True)
model.fit(x, y, epochs=3, batch_size=50, verbose=0, shuffle=False, callbacks=[best, backup])
model.save("out/last.keras", overwrite=False)
again = load_model("out/last.keras")
again.load_weights("out/best.weights.h5")
print(f"{again.evaluate(x, y, verbose=0):.4f}")

# Asked whether to overwrite, somebody says no.
sys.stdin = io.StringIO("n\nn\n")
again.save("out/last.keras", overwrite=False)
again.save_weights("out/best.weights.h5", overwrite=False)
torch.save(again.state_dict(), "out/state.pt")
again.export("out/exported.onnx", format="onnx", verbose=False)
print(sorted(os.listdir("out")))
