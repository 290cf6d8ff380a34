"""Only loads, in a process that does not know the class: by torch.jit.load, by torch.load, from memory."""

import io
import shutil
import warnings
from pathlib import Path

import torch
from sklearn.datasets import load_digits

torch.set_num_threads(1)
images = torch.tensor(load_digits().data[:5] / 16, dtype=torch.float32)


def show(title, network):
    print(title, type(network).__name__, network.eval()(images).argmax(1).tolist())


shutil.copy("deployed/best.pt", "downloaded.pt")
show("a copy", torch.jit.load("downloaded.pt", map_location="cpu"))
show("an epoch's", torch.jit.load(Path("deployed/network_epoch1.pt")))
with open("deployed/frozen.pt", "rb") as file:
    show("an open file", torch.jit.load(file))
show("in memory", torch.jit.load(io.BytesIO(Path("deployed/network_epoch0.pt").read_bytes())))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    show("by torch.load", torch.load("deployed/network_epoch2.pt", weights_only=False))
    print([Path(each.filename).name for each in caught if each.category is UserWarning])
torch.load("deployed/network_epoch2.pt", weights_only=False)
try:
    torch.load("deployed/network_epoch2.pt")
except RuntimeError as error:
    print(str(error).splitlines()[0])
