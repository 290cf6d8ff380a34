"""A training loop of one's own on Fabric: checkpoints, a resume, raw weights, a remote target, two ranks."""

import logging
import os
import warnings
from pathlib import Path

import fsspec
import lightning as L
import torch
from lightning.fabric import Fabric, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
for package in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(package).setLevel(logging.ERROR)
torch.set_num_threads(1)
seed_everything(0, verbose=False)
os.makedirs("runs", exist_ok=True)
images, labels = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))

    def forward(self, x):
        return self.body(x)


fabric = Fabric(accelerator="cpu", devices=1)
fabric.launch()


def setup():
    net = Net()
    return fabric.setup(net, torch.optim.Adam(net.parameters(), 3e-3))


def train(state, epochs):
    loader = fabric.setup_dataloaders(DataLoader(data, 150, shuffle=True))
    for _ in range(epochs):
        for x, y in loader:
            state["optimizer"].zero_grad()
            loss = nn.functional.cross_entropy(state["model"](x), y)
            fabric.backward(loss)
            state["optimizer"].step()
        state["epoch"] += 1
        fabric.print(f"epoch {state['epoch']}: {loss.item():.4f}")
        fabric.save(f"runs/epoch-{state['epoch']}.ckpt", state)
        fabric.save("runs/last.ckpt", state, filter={"model": lambda name, value: True})


model, optimizer = setup()
state = {"model": model, "optimizer": optimizer, "epoch": 0}
train(state, 3)
fabric.save(path=Path("runs") / "weights.ckpt", state={"model": model})
fabric.save("runs/raw.pt", model.state_dict())
fabric.save("~/at_home.ckpt", {"model": model.state_dict()})
fabric.save("runs/optimizer.ckpt", {"optimizer": optimizer, "epoch": 3})

model, optimizer = setup()
state = {"model": model, "optimizer": optimizer, "epoch": 0}
print(fabric.load("runs/last.ckpt", state), state["epoch"])
train(state, 1)
everything = fabric.load(Path("runs/epoch-2.ckpt"))
print(sorted(everything), everything["epoch"])
fabric.load_raw("runs/raw.pt", model)
fabric.load_raw("runs/raw.pt", Net())
print(f"{model(data.tensors[0]).sum():.4f}")

fabric.save("memory://bucket/net.ckpt", {"model": model})
print(fsspec.filesystem("memory").ls("bucket", detail=False))
print(sorted(fabric.load("memory://bucket/net.ckpt")["model"]))

# Two processes train one model together: the first of them writes, and hands the weights back in a file.
ranks = L.Trainer(
    strategy="ddp_fork",
    devices=2,
    max_epochs=2,
    limit_train_batches=4,
    limit_val_batches=1,
    accelerator="cpu",
    callbacks=[ModelCheckpoint("ranks", "net-{epoch}", save_top_k=1, save_last=True)],
    logger=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
together = BoringModel()
ranks.fit(together)
print(sorted(os.listdir("ranks")), f"{together.layer.weight.sum().item():.5f}")
