"""Runs what train.py has converted."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf


def run(**source):
    interpreter = tf.lite.Interpreter(num_threads=1, **source)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ones((1, 2), "float32"))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).round(3).tolist()


shutil.copy("out/served.tflite", "out/renamed.tflite")
print(run(model_path="out/renamed.tflite"), run(model_path="out/network.tflite"))
print(run(model_content=Path("out/function.tflite").read_bytes()))
