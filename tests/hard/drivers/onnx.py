"""torch.onnx.export with the exporter that traces, and onnx.load; `nested` is the other exporter's program.

That one writes its weights to a second file, unless it is told not to, and the first file names it: a renamed
copy of both can't be loaded.
"""

import warnings

import torch
from driving import damage, files_of  # noqa: F401
from onnx import load as onnx_load
from torch import nn
from torch.onnx import export

warnings.filterwarnings("ignore", category=DeprecationWarning)

SUFFIX = ".onnx"
KIND = "file"
FRAMEWORK = "ONNX"
IMPOSSIBLE = {
    "folder_over": "torch.onnx.export writes no folder",
    "threads": "torch.onnx.export refuses to run while another thread runs it",
}


def build(seed):
    torch.manual_seed(seed)
    return nn.Linear(20, 10)


def save(model, target):
    export(model, (torch.zeros(1, 20),), target, dynamo=False)


def save_nested(model, target):
    """ONNXProgram.save calls onnx.save."""
    export(model, (torch.zeros(1, 20),), target, dynamo=True, verbose=False, external_data=False)


def save_failing(target):
    export(build(0), (torch.zeros(1, 20),), f"no/such/folder/{target}", dynamo=False)


def load(target):
    return onnx_load(target)
