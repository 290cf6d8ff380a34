"""Goes on from the last checkpoint with `pytorch_lightning`, the package of before; some of it fails.

Checkpoints every few steps, checkpoints written on a thread, one on an exception, and a Fabric beside them.
"""

import io
import os
import pickle

os.environ["TQDM_DISABLE"] = "1"

import logging
import warnings

import pytorch_lightning as pl
import torch
from lightning_fabric import Fabric
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, OnExceptionCheckpoint
from pytorch_lightning.plugins.io import AsyncCheckpointIO, TorchCheckpointIO
from pytorch_lightning.tuner import Tuner
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
for package in ("pytorch_lightning", "lightning_fabric"):
    logging.getLogger(package).setLevel(logging.ERROR)
torch.set_num_threads(1)
pl.seed_everything(1, verbose=False)
images, labels = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))


class Classifier(pl.LightningModule):
    def __init__(self, width=16, lr=3e-3, batch_size=150):
        super().__init__()
        self.save_hyperparameters(ignore="batch_size")
        self.lr = lr
        self.batch_size = batch_size
        self.stops_at = None
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, index):
        if self.global_step == self.stops_at:
            raise RuntimeError("no more of this")
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        self.log("loss", loss)
        return loss

    def train_dataloader(self):
        return DataLoader(data, batch_size=self.batch_size, shuffle=True)

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)]


class Stubborn(Classifier):
    """Its checkpoint can't be written."""

    def on_save_checkpoint(self, checkpoint):
        checkpoint["extra"] = (each for each in ())


class Refusing(Classifier):
    """Wants no checkpoint, after it has saved its weights by itself."""

    def on_save_checkpoint(self, checkpoint):
        torch.save(self.state_dict(), "runs/aside.pt")
        raise ValueError("no checkpoint, please")


class Losses(Callback):
    """Keeps what it has seen as a list."""

    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        self.seen.append(float(outputs["loss"]))

    def state_dict(self):
        return self.seen


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


def fit(epochs, path):
    fitting = trainer(epochs, ModelCheckpoint("runs", "net", save_last="link"))
    fitting.fit(Classifier(), ckpt_path=path)
    loss = fitting.callback_metrics["loss"]
    print(f"epoch {fitting.current_epoch}, step {fitting.global_step}, loss {loss:.4f}")


os.makedirs("runs", exist_ok=True)
fit(4, "checkpoints/last.ckpt")
fit(5, "last")

model = Classifier()
tuner = Tuner(trainer(1))
tuner.scale_batch_size(model, mode="binsearch", max_trials=1, init_val=128)
tuner.lr_find(model, num_training=6, update_attr=False)
pl.seed_everything(1, verbose=False)
model = Classifier()

# A checkpoint every few steps, the two best of them kept.
kept = ModelCheckpoint(
    "runs/steps", "net-{step}", monitor="loss", save_top_k=2, every_n_train_steps=4, save_last=True
)
trainer(2, kept).fit(model)
print(sorted(os.listdir("runs/steps")), f"{kept.best_model_score:.4f}")
print(f"{Classifier.load_from_checkpoint(kept.best_model_path)(data.tensors[0]).sum():.4f}")

# Written on a thread, while training goes on; the name of a checkpoint has nothing but the loss in it.
written = trainer(
    2,
    Losses(),
    ModelCheckpoint("runs/async", "best-{loss:.3f}", save_top_k=-1),
    plugins=[AsyncCheckpointIO()],
)
written.fit(model)
print(len(os.listdir("runs/async")))

fabric = Fabric(accelerator="cpu", devices=1)
fabric.launch()
wrapped = fabric.setup(torch.compile(nn.Linear(64, 10), backend="eager"))
fabric.save("runs/fabric.ckpt", {"model": wrapped})
print(fabric.load("runs/fabric.ckpt", {"model": wrapped}))
fabric.save("runs/state.pt", wrapped.state_dict())
fabric.load_raw("runs/state.pt", wrapped)

# By itself it takes any mapping, also one with names that a Trainer's checkpoint has for something else.
fresh = Classifier()
mine = {"state_dict": fresh.state_dict(), "global_step": 3, "callbacks": ["none"]}
TorchCheckpointIO().save_checkpoint(mine, "runs/mine.ckpt")

for attempt in (
    lambda: Classifier.load_from_checkpoint("missing.ckpt"),
    lambda: Classifier.load_from_checkpoint(io.BytesIO(b"nothing that could be loaded")),
    lambda: Classifier().load_from_checkpoint("missing.ckpt"),
    lambda: Classifier.load_from_checkpoint(),
    lambda: trainer(1).save_checkpoint("early.ckpt"),
    lambda: trainer(1, ModelCheckpoint("failed")).fit(Stubborn()),
    lambda: trainer(1).fit(Classifier(), ckpt_path="missing.ckpt"),
):
    try:
        attempt()
    except (OSError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        print(type(error).__name__, str(error).splitlines()[0].partition("/")[0])
try:
    trainer(1, ModelCheckpoint("failed")).fit(Refusing())
except ValueError as error:
    print(error, os.path.exists("runs/aside.pt"), os.path.exists("failed"))

model.stops_at = 5
trainer(1, OnExceptionCheckpoint("runs", "stopped")).fit(model)
