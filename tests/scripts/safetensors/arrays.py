"""A logistic regression written with NumPy alone, kept as safetensors and loaded again."""

import io
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import safe_open
from safetensors.numpy import load, load_file, save, save_file
from sklearn.datasets import load_breast_cancer

inputs, targets = load_breast_cancer(return_X_y=True)
inputs = (inputs - inputs.mean(0)) / inputs.std(0)
weights = {"coef": np.zeros(inputs.shape[1]), "intercept": np.zeros(1)}
Path("out").mkdir(exist_ok=True)


def predict(weights):
    return 1 / (1 + np.exp(-(inputs @ weights["coef"] + weights["intercept"])))


for epoch in range(3):
    for _ in range(20):
        error = predict(weights) - targets
        weights["coef"] -= 0.5 * inputs.T @ error / len(error)
        weights["intercept"] -= 0.5 * error.mean()
    print(f"epoch {epoch}: {((predict(weights) > 0.5) == targets).mean():.4f}")
    save_file(weights, "out/regression.safetensors", metadata={"epoch": str(epoch)})

safetensors.numpy.save_file(tensor_dict=weights, filename=Path("out/path.safetensors"))
buffer = io.BytesIO(save(weights, metadata={"kept": "in memory"}))
Path("out/bytes.safetensors").write_bytes(buffer.getvalue())

# Columns of data, a batch for later, and NumPy's own way: none of it is a model.
save_file({"inputs": inputs, "targets": targets}, "out/data.safetensors")
np.savez("out/data.npz", inputs=inputs, targets=targets)
np.save("out/coef.npy", weights["coef"])
with np.load("out/data.npz") as data:
    print(data["inputs"].shape, np.load("out/coef.npy", mmap_mode="r").shape)

same = load_file("out/regression.safetensors")
print(np.array_equal(same["coef"], weights["coef"]), load_file(filename=Path("out/path.safetensors")).keys())
print(load(Path("out/bytes.safetensors").read_bytes())["intercept"].shape)
print(load_file("out/data.safetensors")["inputs"].shape)
with safe_open("out/regression.safetensors", framework="numpy") as file:
    print(file.metadata(), file.get_tensor("coef").shape)
for row in range(3):  # as a dataset does that reads what it needs
    with safe_open("out/data.safetensors", framework="numpy") as file:
        print(file.get_slice("inputs")[row : row + 1].shape)
