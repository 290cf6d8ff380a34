"""Trains a small network on scikit-learn's digits, overwriting its checkpoint after every epoch."""

import autolog; autolog.init("digits", "train-network")

import os

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32) / 16
labels = torch.tensor(digits.target)
train, test = slice(0, 1400), slice(1400, None)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
best = 0.0
for epoch in range(5):
    for batch in torch.randperm(1400).split(64):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
    accuracy = (model(images[test]).argmax(1) == labels[test]).float().mean().item()
    print(f"epoch {epoch}: accuracy {accuracy:.3f}")
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "checkpoint.pt"
    )
    if accuracy > best:
        best = accuracy
        torch.save(model.state_dict(), "best.pt")

os.replace("best.pt", f"digits-{best:.2f}.pt")
print(f"the best one is now called digits-{best:.2f}.pt")
