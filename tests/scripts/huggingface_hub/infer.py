"""Loads what was saved, and what was downloaded before."""

import os
from pathlib import Path

import _downloaded
import torch
from _blobs import Digits, accuracy
from huggingface_hub import load_state_dict_from_file, load_torch_model
from torch import nn

torch.set_num_threads(1)
model = Digits.from_pretrained("digits")
print(len(model.layers), accuracy(model))
print(accuracy(Digits.from_pretrained(pretrained_model_name_or_path=Path("modèle"))))
for repository in (_downloaded.NEW, _downloaded.OLD):
    print(repository, accuracy(Digits.from_pretrained(repository)))


def network():
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))


for path, more in (
    ("whole", {}),
    (Path("sharded"), {}),
    ("pickled", {"safe": False}),
    ("pickled-shards", {"safe": False}),
    ("named", {"filename_pattern": "digits{suffix}.safetensors"}),
    ("state/model.safetensors", {"strict": True}),
):
    fresh = network()
    print(path, load_torch_model(fresh, path, **more), accuracy(fresh))

os.chdir("state")
fresh = network()
fresh.load_state_dict(load_state_dict_from_file("model.safetensors"))
print(accuracy(fresh))
try:
    load_torch_model(fresh, "../modèle", strict=True)
except RuntimeError as error:
    print(type(error).__name__)
