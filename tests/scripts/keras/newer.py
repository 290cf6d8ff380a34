"""What Keras can do since 3.13: weights in shards, and an export to LiteRT."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
from sklearn.datasets import load_wine

keras.utils.set_random_seed(0)
os.makedirs("out", exist_ok=True)
wines, labels = load_wine(return_X_y=True)
wines = ((wines - wines.mean(0)) / wines.std(0)).astype("float32")


def build():
    return keras.Sequential(
        [keras.Input((13,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3)]
    )


model = build()
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(wines, labels, epochs=2, batch_size=30, verbose=0, shuffle=False)
model.save_weights("out/wines.weights.json", max_shard_size=1e-6)
again = build()
again.load_weights("out/wines.weights.json")
print(np.array_equal(again.predict(wines, verbose=0), model.predict(wines, verbose=0)))
model.fit(wines, labels, epochs=1, batch_size=30, verbose=0, shuffle=False)
model.export("out/wines.tflite", format="litert", verbose=False)
print(sorted(os.listdir("out")))
