"""save_torch_model and load_torch_model: a folder of shards."""

import os

import torch
from driving import damage, files_of  # noqa: F401
from huggingface_hub import load_torch_model, save_torch_model

SUFFIX = ""
KIND = "folder"
FRAMEWORK = "PyTorch"
IMPOSSIBLE = {
    "buffer": "save_torch_model and save_torch_state_dict take a folder only",
    "file": "save_torch_model and save_torch_state_dict take a folder only",
}
READ_BACK = 1


def build(seed):
    torch.manual_seed(seed)
    return torch.nn.Linear(40, 10)


def save(model, target):
    os.makedirs(target, exist_ok=True)
    save_torch_model(model, target, max_shard_size="1KB")


def save_over(model, target):
    # In the other format: the safetensors stay, and are what a load prefers.
    save_torch_model(model, target, max_shard_size="1KB", safe_serialization=False)


def save_nested(model, target):
    # Goes through save_torch_state_dict, and torch.save for each shard.
    os.makedirs(target, exist_ok=True)
    save_torch_model(model, target, max_shard_size="1KB", safe_serialization=False)


def save_failing(target):
    # The second of two shards can't be written.
    os.makedirs(f"{target}/model-00002-of-00002.safetensors")
    save(build(0), target)


def load(target):
    model = torch.nn.Linear(40, 10)
    load_torch_model(model, target)
    return model
