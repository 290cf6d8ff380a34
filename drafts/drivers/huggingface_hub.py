"""save_torch_model and load_torch_model."""

import os

import torch
from driving import damage, files_of  # noqa: F401
from huggingface_hub import load_torch_model, save_torch_model

SUFFIX = ""
KIND = "folder"
FRAMEWORK = "Safetensors"
IMPOSSIBLE = {
    "buffer": "save_torch_model takes a folder only",
    "file": "save_torch_model takes a folder only",
}


def build(seed):
    torch.manual_seed(seed)
    return torch.nn.Linear(40, 10)


def save(model, target):
    os.makedirs(target, exist_ok=True)
    save_torch_model(model, target, max_shard_size="1KB")


def save_nested(model, target):
    # goes through safetensors once for each shard
    save(model, target)


def save_failing(target):
    save_torch_model(model=None, save_directory=target)


def load(target):
    model = torch.nn.Linear(40, 10)
    load_torch_model(model, target)
    return model
