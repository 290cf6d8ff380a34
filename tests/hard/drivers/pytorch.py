"""torch.save and torch.load."""

import torch
from driving import Unpicklable, damage, files_of  # noqa: F401
from torch import load as torch_load
from torch import nn
from torch import save as torch_save

SUFFIX = ".pt"
KIND = "file"
FRAMEWORK = "PyTorch"
IMPOSSIBLE = {
    "folder_over": "torch.save writes one file",
    "nested": "torch.save is the innermost of its calls",
}


def build(seed):
    torch.manual_seed(seed)
    return nn.Linear(20, 10)


def save(model, target):
    torch_save(model.state_dict(), target)


def save_failing(target):
    torch_save({"model": nn.Linear(2, 2).state_dict(), "more": Unpicklable()}, target)


def load(target):
    return torch_load(target)
