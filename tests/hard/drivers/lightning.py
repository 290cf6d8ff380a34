"""Trainer.save_checkpoint and load_from_checkpoint."""

import logging
import warnings

import lightning
import torch
from driving import Unpicklable, damage, files_of  # noqa: F401
from lightning import Trainer

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")

SUFFIX = ".ckpt"
KIND = "file"
FRAMEWORK = "Lightning"
IMPOSSIBLE = {
    "buffer": "Trainer.save_checkpoint takes a path or URL only",
    "file": "Trainer.save_checkpoint takes a path or URL only",
    "folder_over": "Trainer.save_checkpoint writes one file",
}


class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(20, 10)
        self.more = None

    def on_save_checkpoint(self, checkpoint):
        if self.more is not None:
            checkpoint["more"] = self.more


def build(seed):
    torch.manual_seed(seed)
    return Net()


def save(model, target):
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_model_summary=False)
    trainer.strategy.connect(model)
    model.trainer = trainer
    trainer.save_checkpoint(target)


def save_nested(model, target):
    # save_checkpoint goes through the checkpoint plugin, and that through torch.save
    save(model, target)


def save_failing(target):
    model = build(0)
    model.more = Unpicklable()
    save(model, target)


def load(target):
    return Net.load_from_checkpoint(target)
