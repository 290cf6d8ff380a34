"""Saves and loads that fail half way; the last one ends the script."""

import io
import logging
import os
import pickle
import warnings

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)
L.seed_everything(0, verbose=False)


class Stubborn(BoringModel):
    """Its second checkpoint can't be written."""

    def on_save_checkpoint(self, checkpoint):
        if self.current_epoch == 1:
            checkpoint["extra"] = (each for each in ())


class Refusing(BoringModel):
    """Wants no checkpoint, after it has saved its weights by itself."""

    def on_save_checkpoint(self, checkpoint):
        torch.save(self.state_dict(), "aside.pt")
        raise ValueError("no checkpoint, please")


def fit(model, path=None):
    trainer = L.Trainer(
        max_epochs=2,
        limit_train_batches=2,
        limit_val_batches=1,
        accelerator="cpu",
        callbacks=[ModelCheckpoint("checkpoints", "net-{epoch}", save_top_k=-1)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, ckpt_path=path)


for attempt in (
    lambda: Stubborn.load_from_checkpoint("missing.ckpt"),
    lambda: Stubborn.load_from_checkpoint(io.BytesIO(b"nothing that could be loaded")),
    lambda: Stubborn().load_from_checkpoint("missing.ckpt"),
    lambda: Stubborn.load_from_checkpoint(),
    lambda: L.Trainer(accelerator="cpu", logger=False).save_checkpoint("early.ckpt"),
    lambda: fit(Stubborn()),
    lambda: fit(Stubborn(), "missing.ckpt"),
):
    try:
        attempt()
    except (OSError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        print(type(error).__name__, str(error).splitlines()[0].partition("/")[0])

print(sorted(os.listdir("checkpoints")), os.path.exists("aside.pt"))
fit(Refusing(), "checkpoints/net-epoch=0.ckpt")
