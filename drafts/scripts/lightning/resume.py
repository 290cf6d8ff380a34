"""Goes on from the last checkpoint for two epochs, twice: by its path, and as "last"."""

import logging
import warnings
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, OnExceptionCheckpoint
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)
pl.seed_everything(1, verbose=False)
images, labels = load_digits(return_X_y=True)
digits = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))


class Classifier(pl.LightningModule):
    def __init__(self, width=16, lr=3e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def training_step(self, batch, index):
        x, y = batch
        loss = nn.functional.cross_entropy(self.net(x), y)
        self.log("loss", loss)
        return loss

    def train_dataloader(self):
        return DataLoader(digits, batch_size=150, shuffle=True)

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)]


def fit(epochs, path):
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[
            ModelCheckpoint("resumed", "net", save_last="link", every_n_epochs=1),
            OnExceptionCheckpoint("resumed", "failed"),
        ],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Classifier(), ckpt_path=path)
    loss = trainer.callback_metrics["loss"]
    print(f"epoch {trainer.current_epoch}, step {trainer.global_step}, loss {loss:.4f}")


fit(4, "checkpoints/last.ckpt")
fit(5, "last")
print(sorted(path.name for path in Path("resumed").glob("*.ckpt")))
