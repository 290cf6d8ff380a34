"""Loads what train.py has saved, in every way."""

import glob
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import shutil

import tensorflow as tf
from tensorflow.saved_model import load


class Regression(tf.Module):
    def __init__(self):
        super().__init__()
        self.weight = tf.Variable(tf.zeros((10, 1)), name="weight")
        self.bias = tf.Variable(tf.zeros(1), name="bias")


model = Regression()
checkpoint = tf.train.Checkpoint(model=model, step=tf.Variable(0, dtype=tf.int64))
manager = tf.train.CheckpointManager(checkpoint, "out/managed", max_to_keep=2)
print(os.path.basename(manager.restore_or_initialize()), f"{model.bias.numpy()[0]:.3f}")
checkpoint.restore(tf.train.latest_checkpoint("out/saved")).expect_partial()
for name in glob.glob("out/written.*"):
    shutil.copy(name, name.replace("written", "cópied"))
checkpoint.read("out/cópied").expect_partial()
checkpoint.restore(tf.train.latest_checkpoint("out/later")).expect_partial()
print(f"{model.bias.numpy()[0]:.3f}")
reader = tf.train.load_checkpoint(tf.train.latest_checkpoint("out/saved"))
print(sorted(reader.get_variable_to_shape_map())[0])

shutil.copytree("out/served", "out/renamed")
print(f"{load('out/renamed')(tf.ones((1, 10))).numpy()[0, 0]:.3f}")
print(f"{tf.saved_model.load('out/by_keyword')(tf.ones((1, 10))).numpy()[0, 0]:.3f}")
print(f"{tf.saved_model.load('out/by path')(tf.ones((1, 10))).numpy()[0, 0]:.3f}")

graph = tf.Graph()
with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
    value = tf.compat.v1.get_variable("value", initializer=tf.zeros((3, 2)), use_resource=True)
    tf.compat.v1.train.Saver().restore(session, "out/version1/model-7")
    print(session.run(value).tolist())
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    tf.compat.v1.saved_model.loader.load(session, ["serve"], "out/built")
    print(session.run("value/Read/ReadVariableOp:0").tolist())
try:
    tf.saved_model.load("out/missing")
except OSError as error:
    print(type(error).__name__)
