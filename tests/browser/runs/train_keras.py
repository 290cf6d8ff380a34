"""A network of Keras (on PyTorch) on the digits, with a checkpoint after each epoch."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
images = (images / 16).astype("float32")
model = keras.Sequential(
    [keras.Input((64,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10)], name="digits"
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss, metrics=["accuracy"])
model.fit(
    images,
    labels,
    epochs=3,
    batch_size=128,
    verbose=0,
    validation_split=0.2,
    callbacks=[keras.callbacks.ModelCheckpoint("digits-{epoch:02d}.keras")],
)
model.save("digits.keras")
