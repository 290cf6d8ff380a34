"""Loads the network that another script trained (under its new name), fine-tunes it and saves."""

import autolog; autolog.init("digits", "finetune")

import glob

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32) / 16
labels = torch.tensor(digits.target)

[path] = glob.glob("digits-*.pt")
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
model.load_state_dict(torch.load(path, weights_only=True))
for parameter in model[0].parameters():
    parameter.requires_grad = False
optimizer = torch.optim.Adam(model[2].parameters(), lr=0.003)
for _ in range(100):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(images), labels).backward()
    optimizer.step()
torch.save(model, "finetuned.pt")
print(f"fine-tuned {path} -> finetuned.pt")
