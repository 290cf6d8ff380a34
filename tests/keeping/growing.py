"""Trains and saves over one path, ten times: a real run of some size, whose versions are then looked at.

    growing.py PATH MEGABYTES FROZEN [float32|bfloat16|adam]

FROZEN is the share of the weights that are not trained. Prints the digest of the file after each save.
"""

import sys

import blake3
import torch

import autolog

autolog.init(project="growing", task="growing")

path, megabytes, frozen = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
kind = sys.argv[4] if len(sys.argv) > 4 else "float32"
torch.manual_seed(0)
torch.set_num_threads(1)
itemsize = {"float32": 4, "bfloat16": 2, "adam": 12}[kind]
size = 512
layers = max(1, round(megabytes * 1e6 / itemsize / size / size))
model = torch.nn.Sequential(*(torch.nn.Linear(size, size) for _ in range(layers)))
if kind == "bfloat16":
    model = model.to(torch.bfloat16)
for index, layer in enumerate(model):
    layer.requires_grad_(index >= min(round(frozen * layers), layers - 1))
trained = [each for each in model.parameters() if each.requires_grad]
optimizer = (torch.optim.Adam if kind == "adam" else torch.optim.SGD)(trained, lr=1e-5)
for _ in range(10):
    for each in trained:
        each.grad = torch.randn_like(each)
    optimizer.step()
    state = model.state_dict()
    if kind == "adam":
        state = {"model": state, "optimizer": optimizer.state_dict()}
    torch.save(state, path)
    with open(path, "rb") as file:
        print(blake3.blake3(file.read()).hexdigest(), flush=True)
