"""The same with `pytorch_lightning`, the package of before, and a Fabric beside it."""

import logging
import os
import warnings

import pytorch_lightning as pl
import torch
from lightning_fabric import Fabric
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import AsyncCheckpointIO
from pytorch_lightning.tuner import Tuner
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
os.environ["TQDM_DISABLE"] = "1"
for package in ("pytorch_lightning", "lightning_fabric"):
    logging.getLogger(package).setLevel(logging.ERROR)
torch.set_num_threads(1)
pl.seed_everything(0, verbose=False)
images, labels = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))


class Net(pl.LightningModule):
    def __init__(self, lr=3e-3, batch_size=300):
        super().__init__()
        self.save_hyperparameters()
        self.lr = lr
        self.batch_size = batch_size
        self.net = nn.Linear(64, 10)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, index):
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        self.log("train_loss", loss)
        return loss

    def train_dataloader(self):
        return DataLoader(data, self.batch_size, shuffle=True)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)


def trainer(epochs, *callbacks, plugins=()):
    return pl.Trainer(
        default_root_dir="runs",
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=list(callbacks),
        plugins=list(plugins),
        logger=False,
        enable_checkpointing=bool(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    )


model = Net()
os.makedirs("runs", exist_ok=True)
tuner = Tuner(trainer(1))
tuner.scale_batch_size(model, mode="binsearch", max_trials=1, init_val=128)
tuner.lr_find(model, num_training=6, update_attr=False)

# A checkpoint every few steps, the two best of them kept.
kept = ModelCheckpoint(
    "runs/steps", "net-{step}", monitor="train_loss", save_top_k=2, every_n_train_steps=4, save_last=True
)
fitting = trainer(2, kept)
fitting.fit(model)
fitting.save_checkpoint("runs/final.ckpt")
print(sorted(os.listdir("runs/steps")), f"{kept.best_model_score:.4f}")

# Written on a thread, while training goes on.
written = trainer(4, ModelCheckpoint("runs/async", save_top_k=-1), plugins=[AsyncCheckpointIO()])
written.fit(model, ckpt_path="runs/final.ckpt")
print(sorted(os.listdir("runs/async")))

again = Net.load_from_checkpoint("runs/final.ckpt")
print(f"{again(data.tensors[0]).sum():.4f}")
again.to_torchscript("runs/net.ts")

fabric = Fabric(accelerator="cpu", devices=1)
fabric.launch()
wrapped = fabric.setup(torch.compile(nn.Linear(64, 10), backend="eager"))
fabric.save("runs/fabric.ckpt", {"model": wrapped})
print(fabric.load("runs/fabric.ckpt", {"model": wrapped}))
fabric.save("runs/state.pt", wrapped.state_dict())
fabric.load_raw("runs/state.pt", wrapped)
