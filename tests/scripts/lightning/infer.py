"""Only loads: a renamed checkpoint, an open file, bytes, a file:// URL, one served over http."""

import contextlib
import functools
import http.server
import io
import logging
import shutil
import threading
import warnings
from pathlib import Path

import lightning as L
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)
L.seed_everything(0, verbose=False)
images, labels = load_digits(return_X_y=True)


class Digits(L.LightningDataModule):
    def __init__(self, batch_size=150):
        super().__init__()
        self.save_hyperparameters()
        self.data = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))

    def test_dataloader(self):
        return DataLoader(self.data, batch_size=300)

    predict_dataloader = test_dataloader


class Classifier(L.LightningModule):
    def __init__(self, width=16, lr=3e-3):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, x):
        return self.net(x)

    def test_step(self, batch, index):
        self.log("acc", (self(batch[0]).argmax(1) == batch[1]).float().mean())

    def predict_step(self, batch, index):
        return self(batch[0]).argmax(1)


(best,) = Path("checkpoints").glob("best-*.ckpt")
shutil.copy(best, "deployed.ckpt")


def show(title, model):
    model.eval()
    print(f"{title}: {model(torch.ones(1, 64)).sum():.5f}")


def served(name):
    """Load `name` from a server of this folder."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *rest):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            model = Classifier.load_from_checkpoint(f"http://127.0.0.1:{server.server_port}/{name}?v=1")
        server.shutdown()
    return model


show("a copy", Classifier.load_from_checkpoint("deployed.ckpt"))
show(
    "by keyword",
    Classifier.load_from_checkpoint(checkpoint_path=Path("final.ckpt"), map_location="cpu", lr=1),
)
show("a URL", Classifier.load_from_checkpoint(f"file://{Path('out/é ö.ckpt').absolute()}"))
with open("checkpoints/last.ckpt", "rb") as file:
    show("an open file", Classifier.load_from_checkpoint(file, weights_only=False))
show("in memory", Classifier.load_from_checkpoint(io.BytesIO(Path("final.ckpt").read_bytes())))
show("downloaded", served("final.ckpt"))

print("batches of", Digits.load_from_checkpoint("final.ckpt").hparams)
trainer = L.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
test = functools.partial(trainer.test, Classifier(), Digits(), verbose=False)
(metrics,) = test(ckpt_path=Path("checkpoints") / "last.ckpt")
print({name: round(value, 4) for name, value in metrics.items()})
predicted = trainer.predict(Classifier(), Digits(), ckpt_path="deployed.ckpt")
print(torch.cat(predicted).shape)
