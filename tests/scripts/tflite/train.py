"""Converts networks to TensorFlow Lite, writes the bytes, runs them."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import contextlib
import io
from pathlib import Path

import tensorflow as tf

tf.keras.utils.set_random_seed(0)
os.makedirs("out", exist_ok=True)


class Scale(tf.Module):
    def __init__(self, value):
        super().__init__()
        self.value = tf.Variable([value, value + 1.0])

    @tf.function(input_signature=[tf.TensorSpec((1, 2), tf.float32)])
    def __call__(self, x):
        return x * self.value


network = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(3)])
with contextlib.redirect_stdout(io.StringIO()):  # it reports on a folder of its own
    converted = tf.lite.TFLiteConverter.from_keras_model(network).convert()
Path("out/network.tflite").write_bytes(converted)
scale = Scale(2.0)
tf.saved_model.save(scale, "out/served")
Path("out/served.tflite").write_bytes(tf.lite.TFLiteConverter.from_saved_model("out/served").convert())
other = Scale(5.0)
converter = tf.lite.TFLiteConverter.from_concrete_functions([other.__call__.get_concrete_function()], other)
Path("out/function.tflite").write_bytes(converter.convert())
