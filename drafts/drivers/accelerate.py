"""Accelerator.save_model and load_checkpoint_in_model."""

import torch
from accelerate import Accelerator, load_checkpoint_in_model
from driving import damage, files_of  # noqa: F401

SUFFIX = ""
KIND = "folder"
FRAMEWORK = "PyTorch"
IMPOSSIBLE = {
    "buffer": "Accelerator.save_model takes a folder only",
    "file": "Accelerator.save_model takes a folder only",
}


def build(seed):
    torch.manual_seed(seed)
    return torch.nn.Linear(40, 10)


def save(model, target):
    Accelerator(cpu=True).save_model(model, target, max_shard_size="1KB")


def save_nested(model, target):
    # goes through huggingface_hub and safetensors
    save(model, target)


def save_failing(target):
    Accelerator(cpu=True).save_model(None, target)


def load(target):
    model = torch.nn.Linear(40, 10)
    load_checkpoint_in_model(model, target)
    return model
