"""Runs exported programs: a renamed copy, an open file, and one from memory."""

import io
import shutil
from pathlib import Path

import torch

torch.set_num_threads(1)
samples = torch.linspace(-1, 1, 39).reshape(3, 13)


def show(title, program):
    print(title, program.module()(samples).argmax(1).tolist())


shutil.copy("out/wines.pt2", "served.pt2")
extra = {"epoch.txt": ""}
show("a copy", torch.export.load(Path("served.pt2"), extra_files=extra))
print(extra)
with open("out/path.pt2", "rb") as file:
    show("an open file", torch.export.load(file))
show("in memory", torch.export.load(io.BytesIO(Path("out/file.pt2").read_bytes())))
show("from a buffer", torch.export.load("out/from_buffer.pt2"))
