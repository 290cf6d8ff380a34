"""Accelerator.save_model and load_checkpoint_in_model: a folder of shards; open files by Accelerator.save."""

import os

import torch
from accelerate import Accelerator, load_checkpoint_in_model
from driving import damage, files_of  # noqa: F401

SUFFIX = ""
KIND = "folder"
FRAMEWORK = "PyTorch"
IMPOSSIBLE = {}
READ_BACK = 2


def build(seed):
    torch.manual_seed(seed)
    return torch.nn.Linear(40, 10)


def save(model, target):
    if hasattr(target, "write"):
        Accelerator(cpu=True).save(model.state_dict(), target)
    else:
        Accelerator(cpu=True).save_model(model, target, max_shard_size="1KB")


def save_over(model, target):
    # Whole: the shards of safetensors, and their index, stay.
    Accelerator(cpu=True).save_model(model, target)


def save_nested(model, target):
    # Goes through accelerate.utils.save, and that through torch.save, for each file.
    accelerator = Accelerator(cpu=True)
    accelerator.prepare(model)
    accelerator.save_state(target, safe_serialization=False)


def save_failing(target):
    # The second of two shards can't be written.
    os.makedirs(f"{target}/model-00002-of-00002.safetensors")
    save(build(0), target)


def load(target):
    model = torch.nn.Linear(40, 10)
    load_checkpoint_in_model(model, target)
    return model
