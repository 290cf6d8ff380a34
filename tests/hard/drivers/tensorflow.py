"""tf.train.Checkpoint.write and read: several files that begin with a prefix."""

import glob

import tensorflow as tf
from tensorflow.train import Checkpoint

SUFFIX = ""
KIND = "prefix"
FRAMEWORK = "TensorFlow"
IMPOSSIBLE = {
    "buffer": "Checkpoint.write takes a path only",
    "file": "Checkpoint.write takes a path only",
    "fork": "TensorFlow does not work in a forked child once it has run an operation",
    "folder_over": "a checkpoint is not a folder but files that begin with a prefix",
}


def build(seed):
    tf.random.set_seed(seed)
    return Checkpoint(weights=tf.Variable(tf.random.normal((20, 10))), bias=tf.Variable(tf.zeros(10)))


def save(model, target):
    model.write(target)


def save_nested(model, target):
    # Checkpoint.save goes through Checkpoint.write, and the manager through both.
    tf.train.Checkpoint(model=model).write(target)


def save_failing(target):
    build(0).write("/proc/no/such/folder/" + target)


def load(target):
    return build(0).read(target).assert_consumed()


def files_of(target):
    return sorted(glob.glob(glob.escape(target) + ".*"))


def damage(target):
    for name in files_of(target):
        with open(name, "r+b") as file:
            file.truncate(10)
