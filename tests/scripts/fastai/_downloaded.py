"""Stands for a download: importing it leaves fastai's pretrained language model where fastai unpacks it.

It is a smaller one with fewer words, written by a process of its own, as if it had been long ago.
"""

import pickle
import subprocess
import sys
from pathlib import Path

WORDS = ("xxunk", "xxpad", "xxbos", "the", "was", "and", "plot", "cast")
SIZE, HIDDEN = 16, 24


def publish(folder):
    """Write weights and words as `wt103-fwd.tgz` has them."""
    import torch

    torch.manual_seed(1)
    words = torch.randn(len(WORDS), SIZE)
    weights = {"0.encoder.weight": words, "0.encoder_dp.emb.weight": words}
    for layer, (inside, outside) in enumerate(((SIZE, HIDDEN), (HIDDEN, SIZE))):
        weights |= {
            f"0.rnns.{layer}.weight_hh_l0_raw": torch.randn(4 * outside, outside),
            f"0.rnns.{layer}.module.weight_ih_l0": torch.randn(4 * outside, inside),
            f"0.rnns.{layer}.module.bias_ih_l0": torch.randn(4 * outside),
            f"0.rnns.{layer}.module.bias_hh_l0": torch.randn(4 * outside),
        }
    weights |= {"1.decoder.weight": words, "1.decoder.bias": torch.zeros(len(WORDS))}
    folder.mkdir(parents=True)
    torch.save(weights, folder / "lstm_fwd.pth")
    (folder / "itos_wt103.pkl").write_bytes(pickle.dumps(list(WORDS)))


if __name__ == "__main__":
    publish(Path("~/.fastai/models/wt103-fwd").expanduser())
else:
    subprocess.run([sys.executable, __file__], check=True)
