"""Loads packages without the project's module: a renamed copy, an open file, from memory, and unpacked."""

import io
import shutil
import sys
import zipfile
from pathlib import Path

import torch
from torch.package import PackageImporter

torch.set_num_threads(1)
samples = torch.linspace(-1, 1, 39).reshape(3, 13)


def show(title, importer):
    model = importer.load_pickle("model", "model.pkl")
    print(title, type(model).__name__, model(samples).argmax(1).tolist(), "_wines" in sys.modules)


shutil.copy("packages/wines.pt", "downloaded.pt")
show("a copy", PackageImporter("downloaded.pt"))
show("a path", PackageImporter(file_or_buffer=Path("packages/path.pt")))
with open("packages/file.pt", "rb") as file:
    show("an open file", PackageImporter(file))
show("in memory", PackageImporter(io.BytesIO(Path("packages/from_buffer.pt").read_bytes())))
show("opened by torch", PackageImporter(torch._C.PyTorchFileReader("packages/path.pt")))

with zipfile.ZipFile("packages/wines.pt") as archive:
    archive.extractall("unpacked")
print("unpacked", PackageImporter("unpacked/wines").load_text("notes", "epoch.txt"))
