"""Only loads: the best weights, a renamed copy of them, and an epoch's, by several ways."""

import io
import shutil
from pathlib import Path

import torch
from torch import nn

torch.set_num_threads(1)
shutil.copy("best.pt", "deployed.pth")


def network():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def show(title, state):
    model = network()
    model.load_state_dict(state)
    print(f"{title}: {model(torch.ones(1, 64)).sum():.5f}")


show("by name", torch.load("best.pt", weights_only=True))
show("a copy", torch.load(Path("deployed.pth"), mmap=False))
with open("checkpoints/epoch_2.pt", "rb") as file:
    show("an open file", torch.load(file))
show("in memory", torch.load(io.BytesIO(Path("checkpoints/epoch_1.pt").read_bytes())))
show("mapped", torch.load("checkpoints/epoch_0.pt", mmap=True))
