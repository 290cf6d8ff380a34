"""A regression in plain TensorFlow: a checkpoint manager, single checkpoints, SavedModels, and version 1."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from pathlib import Path

import tensorflow as tf
from sklearn.datasets import load_diabetes
from tensorflow.saved_model import save

tf.random.set_seed(0)
os.makedirs("out", exist_ok=True)
x, y = load_diabetes(return_X_y=True)
x, y = tf.constant(x, tf.float32), tf.constant(y[:, None] / 100, tf.float32)


class Regression(tf.Module):
    def __init__(self):
        super().__init__()
        self.weight = tf.Variable(tf.zeros((10, 1)), name="weight")
        self.bias = tf.Variable(tf.zeros(1), name="bias")

    @tf.function(input_signature=[tf.TensorSpec((None, 10), tf.float32)])
    def __call__(self, x):
        return x @ self.weight + self.bias


model = Regression()
step = tf.Variable(0, dtype=tf.int64)
checkpoint = tf.train.Checkpoint(model=model, step=step)
manager = tf.train.CheckpointManager(checkpoint, "out/managed", max_to_keep=2)
for _ in range(3):
    for _ in range(10):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)
        gradients = tape.gradient(loss, [model.weight, model.bias])
        model.weight.assign_sub(0.5 * gradients[0])
        model.bias.assign_sub(0.5 * gradients[1])
    step.assign_add(10)
    manager.save()
    print(f"{loss.numpy():.3f}")

print(checkpoint.save("out/saved/model"))
model.bias.assign_add([1.0])
checkpoint.write("out/written")
model.bias.assign_add([1.0])
checkpoint.save(
    "out/later/async", options=tf.train.CheckpointOptions(experimental_enable_async_checkpoint=True)
)
checkpoint.sync()

save(model, "out/served")
model.bias.assign_add([1.0])
tf.saved_model.save(model, export_dir="out/by_keyword")
model.bias.assign_add([1.0])
tf.saved_model.save(model, Path("out/by path"))

graph = tf.Graph()
with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
    value = tf.compat.v1.get_variable("value", initializer=tf.ones((3, 2)), use_resource=True)
    session.run(tf.compat.v1.global_variables_initializer())
    saver = tf.compat.v1.train.Saver()
    print(saver.save(session, "out/version1/model", global_step=7))
    session.run(value.assign_add(tf.ones((3, 2))))
    builder = tf.compat.v1.saved_model.Builder("out/built")
    builder.add_meta_graph_and_variables(session, ["serve"])
    builder.save()
try:
    checkpoint.write("/proc/no/such/place")
except tf.errors.OpError as error:
    print(type(error).__name__)
