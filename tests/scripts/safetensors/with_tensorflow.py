"""A small network of TensorFlow's, its variables kept as safetensors."""

from pathlib import Path

import tensorflow as tf
from safetensors.tensorflow import load, load_file, save, save_file

tf.random.set_seed(0)
kernel = tf.Variable(tf.random.normal((4, 3)), name="dense/kernel")
bias = tf.Variable(tf.zeros(3), name="dense/bias")
inputs = tf.random.normal((20, 4))
for epoch in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(inputs @ kernel + bias - 1))
    for variable, gradient in zip((kernel, bias), tape.gradient(loss, (kernel, bias)), strict=True):
        variable.assign_sub(0.1 * gradient)
    print(f"epoch {epoch}: {loss:.4f}")
    save_file({each.name: each for each in (kernel, bias)}, "network.safetensors")
Path("bytes.safetensors").write_bytes(save({"scale": tf.ones(3), "shift": bias}))

print(sorted(load_file("network.safetensors")))
print(sorted(load(Path("bytes.safetensors").read_bytes())))
