"""A network on the digits in PyTorch: one checkpoint that is written again after each epoch, and the best."""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]))
torch.set_num_threads(1)
images, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)
train, test = slice(0, 1500), slice(1500, None)

model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
best = 0.0
for epoch in range(4):
    for start in range(0, 1500, 100):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images[start : start + 100]), labels[start : start + 100])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(images[test]).argmax(1) == labels[test]).float().mean().item()
    torch.save(
        {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "checkpoint.pt"
    )
    if accuracy > best:
        best = accuracy
        torch.save(model.state_dict(), "best.pt")
torch.save(images[test], "batch.pt")
