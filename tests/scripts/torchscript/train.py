"""Trains a network on the digits, deploys it each epoch as TorchScript, and keeps the traced best one."""

import warnings
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

warnings.filterwarnings("ignore", category=DeprecationWarning)
torch.manual_seed(0)
torch.set_num_threads(1)
Path("deployed").mkdir(exist_ok=True)

images, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)
train, test = slice(0, 1500), slice(1500, None)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1))
        self.head = nn.Linear(32, 10)

    def forward(self, x, sharpen: bool = False):
        scores = self.head(self.body(x))
        if sharpen:
            scores = scores * 2
        return scores


network = Network()
optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
best = 0.0
for epoch in range(3):
    network.train()
    for batch in torch.randperm(1500).split(50):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        accuracy = (network(images[test]).argmax(1) == labels[test]).float().mean().item()
    print(f"epoch {epoch}: accuracy {accuracy:.4f}")
    torch.jit.save(torch.jit.script(network), f"deployed/network_epoch{epoch}.pt")
    if accuracy > best:
        best = accuracy
        torch.jit.trace(network, images[:1]).save("deployed/best.pt")

frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.script(network)))
frozen.save("deployed/frozen.pt")
state = torch.jit.load("deployed/best.pt").state_dict()
torch.save(state, "best.pth")
print(sorted(state)[:3])
