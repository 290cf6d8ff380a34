"""Trains a small network on the digits: a last, a best and an every-epoch checkpoint."""

from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
torch.set_num_threads(1)
Path("checkpoints").mkdir(exist_ok=True)

images, labels = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))
train_set, test_set = random_split(data, [1500, len(data) - 1500])

model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
best = 0.0

for epoch in range(4):
    model.train()
    for inputs, targets in DataLoader(train_set, batch_size=50, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    scheduler.step()

    model.eval()
    with torch.no_grad():
        correct = sum(
            int((model(inputs).argmax(1) == targets).sum())
            for inputs, targets in DataLoader(test_set, batch_size=100)
        )
    accuracy = correct / len(test_set)
    print(f"epoch {epoch}: accuracy {accuracy:.4f}")

    torch.save(
        {
            "epoch": epoch,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "accuracy": accuracy,
        },
        "last.pt",
    )
    torch.save(model.state_dict(), f"checkpoints/epoch_{epoch}.pt")
    if accuracy > best:
        best = accuracy
        torch.save(model.state_dict(), Path("best.pt"))

model.load_state_dict(torch.load("best.pt"))
print(f"best accuracy {best:.4f}, first weight {model[0].weight[0, 0].item():.6f}")
