"""torch.distributed.checkpoint.save and load."""

import torch
from driving import Unpicklable, damage, files_of  # noqa: F401
from torch.distributed.checkpoint import FileSystemWriter
from torch.distributed.checkpoint import load as dcp_load
from torch.distributed.checkpoint import save as dcp_save
from torch.distributed.checkpoint.api import CheckpointException

SUFFIX = ""
KIND = "folder"
FRAMEWORK = "PyTorch"
IMPOSSIBLE = {
    "buffer": "a distributed checkpoint is a folder",
    "file": "a distributed checkpoint is a folder",
}


def build(seed):
    torch.manual_seed(seed)
    return torch.nn.Linear(20, 10)


def save(model, target):
    dcp_save({"model": model}, checkpoint_id=target)


def save_nested(model, target):
    # save, what it is made of, and torch.save for every tensor, on several threads
    dcp_save(model.state_dict(), storage_writer=FileSystemWriter(target, thread_count=3))


def save_failing(target):
    try:
        dcp_save({"model": build(0), "more": Unpicklable()}, checkpoint_id=target)
    except CheckpointException as error:  # which is no Exception
        raise RuntimeError from error


def load(target):
    model = build(0)
    try:
        dcp_load({"model": model}, checkpoint_id=target)
    except CheckpointException as error:
        raise RuntimeError from error
    return model
