"""torch.export.save and torch.export.load."""

import torch
from driving import damage, files_of  # noqa: F401
from torch import nn
from torch.export import load as export_load
from torch.export import save as export_save

SUFFIX = ".pt2"
KIND = "file"
FRAMEWORK = "PyTorch"
IMPOSSIBLE = {
    "folder_over": "torch.export.save writes one file",
    "threads": "torch.export.save refuses to run while another thread runs it",
}


def build(seed):
    torch.manual_seed(seed)
    return torch.export.export(nn.Linear(20, 10), (torch.zeros(1, 20),))


def save(model, target):
    export_save(model, target)


def save_nested(model, target):
    """The sample inputs in it go through torch.save."""
    export_save(model, target, extra_files={"by": "hand"})


def save_failing(target):
    export_save(build(0), target, extra_files={"not": object()})


def load(target):
    return export_load(target)
