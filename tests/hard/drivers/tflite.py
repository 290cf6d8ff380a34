"""TFLiteConverter.convert, which returns the bytes of a model, and Interpreter."""

from pathlib import Path

import tensorflow as tf
from driving import damage, files_of  # noqa: F401

Interpreter, TFLiteConverter = tf.lite.Interpreter, tf.lite.TFLiteConverter

SUFFIX = ".tflite"
KIND = "memory"
FRAMEWORK = "TensorFlow_Lite"
IMPOSSIBLE = {
    "file": "TFLiteConverter.convert returns bytes and takes no target",
    "pathlike": "TFLiteConverter.convert returns bytes and takes no target",
    "chdir": "TFLiteConverter.convert returns bytes and takes no target",
    "unicode": "TFLiteConverter.convert returns bytes and takes no target",
    "symlink": "TFLiteConverter.convert returns bytes and takes no target",
    "overwrite": "TFLiteConverter.convert returns bytes and takes no target",
    "rename": "TFLiteConverter.convert returns bytes and takes no target",
    "deleted": "TFLiteConverter.convert returns bytes and takes no target",
    "folder_over": "TFLiteConverter.convert returns bytes and takes no target",
    "fork": "TFLiteConverter.convert hangs in a forked child: its threads are not there",
}
INPUT = [tf.TensorSpec((1, 4), tf.float32)]


class Scale(tf.Module):
    def __init__(self, seed):
        super().__init__()
        self.value = tf.Variable(tf.random.stateless_normal((4, 3), (seed, 0)))

    @tf.function(input_signature=INPUT)
    def __call__(self, x):
        return x @ self.value

    @tf.function(input_signature=INPUT)
    def beyond(self, x):
        return tf.math.digamma(x @ self.value)


def build(seed):
    return Scale(seed)


def convert(module, function):
    return TFLiteConverter.from_concrete_functions([function.get_concrete_function()], module).convert()


def save(model, target):
    data = convert(model, model.__call__)
    if hasattr(target, "write"):
        target.write(data)
    else:
        Path(target).write_bytes(data)


# Goes through tf.saved_model.save, into a temporary folder.
save_nested = save


def save_failing(target):
    # The temporary SavedModel is written when an operation turns out to be unknown to TensorFlow Lite.
    model = build(0)
    Path(target).write_bytes(convert(model, model.beyond))


def load(target):
    interpreter = Interpreter(model_path=str(target), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter
