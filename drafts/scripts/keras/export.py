"""Exports for serving: a SavedModel, an archive, LiteRT; and a layer around what was exported."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
os.makedirs("out", exist_ok=True)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)])
model.export("out/served", verbose=False)

archive = keras.export.ExportArchive()
archive.track(model)
archive.add_endpoint("serve", model.call, input_signature=[tf.TensorSpec((None, 4), tf.float32)])
archive.write_out("out/archive", verbose=False)

model.export("out/model.tflite", format="litert", verbose=False)

layer = keras.layers.TFSMLayer("out/served", call_endpoint="serve")
print(np.round(layer(np.ones((1, 4), "float32")), 4).tolist())
print(os.path.getsize("out/model.tflite") > 500)
