"""Keras on PyTorch exports a program of torch, as it can since 3.15."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch
from sklearn.datasets import load_iris

torch.set_num_threads(1)
keras.utils.set_random_seed(0)
x, y = load_iris(return_X_y=True)
x = x.astype("float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, epochs=2, batch_size=50, verbose=0, shuffle=False)
model.export("iris.pt2", format="torch", verbose=False)
print(sorted(os.listdir()))
