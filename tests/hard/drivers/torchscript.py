"""torch.jit.save, and torch.load, which hands it on to torch.jit.load."""

import warnings

import torch
from driving import damage, files_of  # noqa: F401
from torch import nn
from torch.jit import save as jit_save

warnings.filterwarnings("ignore", category=DeprecationWarning)

SUFFIX = ".pt"
KIND = "file"
FRAMEWORK = "TorchScript"
IMPOSSIBLE = {"folder_over": "torch.jit.save writes one file"}


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(20, 10)

    def forward(self, x):
        return self.body(x)


def build(seed):
    torch.manual_seed(seed)
    return torch.jit.trace(Scale(), torch.zeros(1, 20))


def save(model, target):
    jit_save(model, target)


def save_nested(model, target):
    """torch.jit.save calls the method of the module, which is hooked, too."""
    jit_save(torch.jit.freeze(model.eval()), target)


def save_failing(target):
    build(0).save(f"no/such/folder/{target}")


def load(target):
    return torch.load(target, weights_only=False)
