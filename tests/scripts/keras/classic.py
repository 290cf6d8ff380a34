"""Digits with what Keras has had for long: checkpoints while it trains, weights, whole models, a resume."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras.models import load_model
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
images = (images / 16).astype("float32")
os.makedirs("out")

model = keras.Sequential(
    [keras.Input((64,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10, name="digits")]
)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
every = keras.callbacks.ModelCheckpoint("out/every-{epoch:02d}.keras")
best = keras.callbacks.ModelCheckpoint(
    "out/best.weights.h5", monitor="loss", save_best_only=True, save_weights_only=True
)
model.fit(images, labels, epochs=3, batch_size=128, verbose=0, shuffle=False, callbacks=[every, best])
model.save("out/digits.keras")
model.save("out/digits.h5")
model.save_weights("out/digits.weights.h5")

again = load_model("out/every-02.keras")
again.fit(images, labels, epochs=3, initial_epoch=2, batch_size=128, verbose=0, shuffle=False)
again.save("out/digits.keras")
again.load_weights("out/best.weights.h5")
same = [np.array_equal(a, b) for a, b in zip(again.get_weights(), model.get_weights(), strict=True)]
print(all(same), load_model("out/digits.h5", compile=False).count_params(), sorted(os.listdir("out")))
