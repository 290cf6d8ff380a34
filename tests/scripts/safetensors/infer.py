"""Only reads: whole files, single tensors, copies, and bytes."""

import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load, load_file, load_model
from torch import nn

torch.set_num_threads(1)
shutil.copy("out/weights.safetensors", "deployed.safetensors")

weights = load_file(Path("deployed.safetensors"))
print({name: tuple(value.shape) for name, value in weights.items()})

body = nn.Sequential(nn.Linear(13, 16), nn.ReLU())
print(load_model(body, filename="out/body.safetensors", strict=True))
print(f"{body(torch.ones(1, 13)).sum():.5f}")

head = nn.Linear(16, 16)
head.load_state_dict(load(Path("out/from_bytes.safetensors").read_bytes()))
print(f"{head(torch.ones(1, 16)).sum():.5f}")

with safe_open("steps/model_epoch_2.safetensors", framework="pt") as file:
    print(sorted(file.metadata().items()), file.get_tensor("scale").tolist())
file = safe_open(filename=Path("out/half.safetensors"), framework="np")
print(file.get_tensor("scale").dtype)
