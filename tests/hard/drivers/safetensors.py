"""safetensors.torch: save_file, save_model and load_file."""

import torch
from driving import damage, files_of  # noqa: F401
from safetensors.torch import load_file, save_file, save_model

SUFFIX = ".safetensors"
KIND = "file"
FRAMEWORK = "Safetensors"
IMPOSSIBLE = {
    "buffer": "save_file takes a path only; safetensors.torch.save returns bytes",
    "file": "save_file takes a path only",
    "folder_over": "save_file writes one file",
}


def build(seed):
    torch.manual_seed(seed)
    return torch.nn.Linear(20, 10)


def save(model, target):
    save_file(model.state_dict(), target)


def save_nested(model, target):
    save_model(model, target)


def save_failing(target):
    save_file({"a": torch.nn.Parameter(torch.ones(2)), "b.weight": [1, 2]}, target)


def load(target):
    return load_file(target)
