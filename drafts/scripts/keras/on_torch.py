"""Keras on PyTorch: the same functions, and never PyTorch's."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch
from keras.saving import load_model
from sklearn.datasets import load_iris

torch.set_num_threads(1)
keras.utils.set_random_seed(0)
os.makedirs("out", exist_ok=True)
x, y = load_iris(return_X_y=True)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
best = keras.callbacks.ModelCheckpoint("out/best.keras", monitor="loss", save_best_only=True)
model.fit(x, y, epochs=3, batch_size=50, verbose=0, shuffle=False, callbacks=[best])
model.save_weights("out/last.weights.h5")
again = load_model("out/best.keras")
again.load_weights("out/last.weights.h5")
print(f"{again.evaluate(x, y, verbose=0):.4f}")
torch.save(again.state_dict(), "out/exported.pt")
