"""Trains networks for the hub: with the mixin, and with the functions for any module."""

import os
from pathlib import Path

import torch
from _blobs import Digits, accuracy, fit
from huggingface_hub import save_torch_model, save_torch_state_dict
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)

# The mixin: a folder with weights, configuration and a card, once for each epoch.
model = Digits(hidden=32, depth=2)
for _ in range(3):
    fit(model, 2)
    model.save_pretrained("digits")
    print(accuracy(model))
print(sorted(os.listdir("digits")))
Digits.save_pretrained(self=model, save_directory=Path("modèle"))

# A class that saves in its own way.


class Own(Digits):
    """Keeps its weights as torch does."""

    def _save_pretrained(self, save_directory):
        torch.save(self.state_dict(), save_directory / "weights.pt")


own = Own()
fit(own, 1)
own.save_pretrained("own")
print(sorted(os.listdir("own")))

# Any module.
plain = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
fit(plain, 2)
for folder in ("whole", "sharded", "pickled", "pickled-shards", "named", "state"):
    os.makedirs(folder)
save_torch_model(plain, "whole", metadata={"data": "digits"})
save_torch_model(model=plain, save_directory=Path("sharded"), max_shard_size="5KB")
save_torch_model(plain, "pickled", safe_serialization=False)
save_torch_model(plain, "pickled-shards", safe_serialization=False, max_shard_size="5KB")
save_torch_model(plain, "named", filename_pattern="digits{suffix}.safetensors")
save_torch_state_dict(plain.state_dict(), "state")
print(accuracy(plain))
for folder in ("whole", "sharded", "pickled", "pickled-shards", "named", "state"):
    print(folder, sorted(os.listdir(folder)))

# Into the same folder, now in shards: the file of before is taken away.
fit(plain, 1)
save_torch_model(plain, "whole", max_shard_size="5KB")
print(accuracy(plain), sorted(os.listdir("whole")))

try:
    save_torch_model(plain, "nowhere")
except FileNotFoundError as error:
    print(type(error).__name__, error.__context__)
