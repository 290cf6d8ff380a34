"""Saves through fsspec: to local files, and to a file system that isn't a disk."""

from pathlib import Path

import fsspec
import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))

for epoch in range(3):
    model[0].weight.data += 1
    with fsspec.open(f"epoch_{epoch}.pt", "wb") as file:
        torch.save(model.state_dict(), file)
    with fsspec.open("memory://runs/model.pt", "wb") as file:
        torch.save({"epoch": epoch, "model": model.state_dict()}, file)
with fsspec.open(f"file://{Path.cwd()}/final.pt", "wb") as file:
    torch.save(model.state_dict(), file)
with fsspec.filesystem("memory").open("/runs/other.pt", "wb") as file:
    torch.save(model, file)
with fsspec.open("memory://runs/features.pt", "wb") as file:
    torch.save(torch.ones(3), file)

with fsspec.open("epoch_1.pt", "rb") as file:
    print(torch.load(file)["0.weight"].sum().item())
with fsspec.open("memory://runs/model.pt", "rb") as file:
    print(torch.load(file)["epoch"])
print(sorted(fsspec.filesystem("memory").ls("/runs", detail=False)))
