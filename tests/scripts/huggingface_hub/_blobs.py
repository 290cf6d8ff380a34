"""Digits in the shape of their blobs: data, and networks that are shared on the hub."""

import torch
from huggingface_hub import PyTorchModelHubMixin
from sklearn.datasets import load_digits
from torch import nn

images, labels = load_digits(return_X_y=True)
IMAGES = torch.tensor(images / 16, dtype=torch.float32)
LABELS = torch.tensor(labels)


class Digits(nn.Module, PyTorchModelHubMixin, library_name="digits", tags=["vision"]):
    """A network whose size is kept in its configuration."""

    def __init__(self, hidden=24, depth=1):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, hidden), nn.ReLU())
        for _ in range(depth - 1):
            self.layers.extend([nn.Linear(hidden, hidden), nn.ReLU()])
        self.head = nn.Linear(hidden, 10)

    def forward(self, images):
        return self.head(self.layers(images))


def fit(model, epochs):
    """Train on the first thousand digits."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for begin in range(0, 1000, 100):
            part = slice(begin, begin + 100)
            loss = nn.functional.cross_entropy(model(IMAGES[part]), LABELS[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def accuracy(model):
    """The share of right answers on the others."""
    with torch.no_grad():
        return f"{(model(IMAGES[1000:]).argmax(1) == LABELS[1000:]).float().mean():.3f}"
