"""torch.package's exporter and importer."""

import torch
from driving import Unpicklable, damage, files_of  # noqa: F401
from torch import nn
from torch.package import PackageExporter, PackageImporter

SUFFIX = ".package"
KIND = "file"
FRAMEWORK = "PyTorch"
IMPOSSIBLE = {
    "folder_over": "an exporter writes one file",
    "nested": "an exporter calls no other function that saves",
}


def build(seed):
    torch.manual_seed(seed)
    return nn.Linear(20, 10)


def save(model, target):
    with PackageExporter(target) as exporter:
        exporter.save_pickle("model", "model.pkl", model)


def save_failing(target):
    with PackageExporter(target) as exporter:
        exporter.save_pickle("model", "model.pkl", build(0))
        exporter.save_pickle("model", "more.pkl", Unpicklable())


def load(target):
    return PackageImporter(target).load_pickle("model", "model.pkl")
