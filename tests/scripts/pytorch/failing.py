"""Saves and loads that fail, some of them caught, and the last one ends the script."""

import io
import os
import pickle
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(2, 2)
torch.save(model.state_dict(), "good.pt")
before = Path("good.pt").read_bytes()

for attempt in (
    lambda: torch.save(model.state_dict(), "no/such/folder/model.pt"),
    lambda: torch.save(model.state_dict(), 7),
    lambda: torch.save(),
    lambda: torch.save(model.state_dict(), "good.pt", nonsense=True),
    lambda: torch.load("missing.pt"),
    lambda: torch.load(io.BytesIO(b"nothing that could be loaded")),
    lambda: torch.load("good.pt", weights_only=True, pickle_module=pickle),
):
    try:
        attempt()
    except (RuntimeError, AttributeError, TypeError, OSError, pickle.UnpicklingError) as error:
        print(type(error).__name__, error.__context__, error.__cause__, str(error).splitlines()[0])

print(Path("good.pt").read_bytes() == before, os.path.exists("missing.pt"))


class Stubborn(nn.Module):
    def __reduce__(self):
        raise RuntimeError("this module can't be pickled")


def checkpoint(path):
    torch.save({"model": model.state_dict(), "extra": Stubborn()}, path)


checkpoint("half.pt")
