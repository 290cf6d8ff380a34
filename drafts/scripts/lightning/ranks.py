"""Two processes train one model together; only the first of them writes."""

import logging
import os
import warnings

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
torch.set_num_threads(1)
L.seed_everything(0, verbose=False)

trainer = L.Trainer(
    strategy="ddp_fork",
    devices=2,
    max_epochs=2,
    limit_train_batches=4,
    limit_val_batches=1,
    accelerator="cpu",
    callbacks=[ModelCheckpoint("checkpoints", "net-{epoch}", save_top_k=1, save_last=True)],
    logger=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
model = BoringModel()
torch.save(model.state_dict(), "start.pt")
trainer.fit(model)
print(sorted(os.listdir("checkpoints")), f"{model.layer.weight.sum().item():.5f}")
