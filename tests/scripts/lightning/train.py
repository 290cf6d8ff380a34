"""A classifier of digits: tuned, trained with three checkpoint callbacks and a moving average, exported."""

import logging
import os
import warnings
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.tuner import Tuner
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
for package in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(package).setLevel(logging.ERROR)
torch.set_num_threads(1)
L.seed_everything(0, verbose=False)


class Digits(L.LightningDataModule):
    def __init__(self, batch_size=150):
        super().__init__()
        self.save_hyperparameters()
        self.batch_size = batch_size
        images, labels = load_digits(return_X_y=True)
        data = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))
        self.train_set, self.test_set = torch.utils.data.random_split(data, [1500, len(data) - 1500])

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.test_set, batch_size=300)

    test_dataloader = predict_dataloader = val_dataloader


class Classifier(L.LightningModule):
    def __init__(self, width=16, lr=3e-3):
        super().__init__()
        self.save_hyperparameters()
        self.lr = lr
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, index):
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)

    def validation_step(self, batch, index):
        x, y = batch
        self.log("val_loss", nn.functional.cross_entropy(self(x), y))
        self.log("val/acc", (self(x).argmax(1) == y).float().mean())

    test_step = validation_step

    def predict_step(self, batch, index):
        return self(batch[0])

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)]


class Average(Callback):
    """A moving average of the weights, kept in a file of its own beside every checkpoint."""

    def on_fit_start(self, trainer, module):
        self.mean = torch.optim.swa_utils.AveragedModel(module.net)

    def on_train_batch_end(self, trainer, module, *rest):
        self.mean.update_parameters(module.net)

    def on_save_checkpoint(self, trainer, module, checkpoint):
        if hasattr(self, "mean"):
            torch.save(self.mean.module.state_dict(), "ema.pt")


def trainer(epochs, *callbacks):
    return L.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=any(isinstance(each, ModelCheckpoint) for each in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


if __name__ == "__main__":
    data, model = Digits(), Classifier()
    tuner = Tuner(trainer(1))
    tuner.scale_batch_size(model, data, max_trials=2, init_val=64)
    tuner.lr_find(model, data, num_training=8, min_lr=1e-4, max_lr=1e-1, update_attr=False)
    print("batches of", data.batch_size)
    data.batch_size = 128
    L.seed_everything(0, verbose=False)
    model = Classifier()

    every = ModelCheckpoint("checkpoints", save_top_k=-1, save_last=True)
    best = ModelCheckpoint(
        "checkpoints", "best-{epoch:02d}-{val_loss:.2f}", monitor="val_loss", save_top_k=1, verbose=True
    )
    accurate = ModelCheckpoint(
        Path("checkpoints"),
        "{epoch}-{val/acc:.2f}",
        monitor="val/acc",
        mode="max",
        auto_insert_metric_name=False,
        save_weights_only=True,
    )
    fitting = trainer(3, every, best, accurate, Average())
    fitting.fit(model, data)
    print(f"best loss {best.best_model_score:.4f}, best accuracy {accurate.best_model_score:.4f}")
    print(sorted(str(path) for path in Path().rglob("*.ckpt")))

    fitting.save_checkpoint("final.ckpt")
    fitting.save_checkpoint(filepath=Path("out") / "é ö.ckpt", weights_only=True)
    fitting.save_checkpoint("memory://bucket/final.ckpt")
    fitting.test(model, data, ckpt_path="best", verbose=False)
    fitting.save_checkpoint(f"file://{Path('out/by_url.ckpt').absolute()}")
    print({name: round(value.item(), 4) for name, value in fitting.callback_metrics.items()})

    model.to_torchscript("out/scripted.ts")
    model.to_torchscript(Path("out/traced.ts"), method="trace", example_inputs=torch.ones(1, 64))
    print(model.to_torchscript(file_path=None)(torch.ones(1, 64)).argmax().item())
