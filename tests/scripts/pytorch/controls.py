"""What people also put into files with torch.save, and what is no model."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)
Path("cache").mkdir(exist_ok=True)

model = nn.Linear(3, 2)
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(5, 3)).sum().backward()
optimizer.step()
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)

torch.save(torch.randn(100, 3), "cache/features.pt")
torch.save({"x": torch.randn(10, 3), "y": torch.arange(10)}, "cache/batch.pt")
torch.save([(torch.ones(3), 1), (torch.zeros(3), 0)], "cache/samples.pt")
torch.save(TensorDataset(torch.ones(4, 3)), "cache/dataset.pt")
torch.save({"mean": np.zeros(3), "std": np.ones(3)}, "cache/statistics.pt")
torch.save(optimizer.state_dict(), "cache/optimizer.pt")
torch.save(scheduler.state_dict(), "cache/scheduler.pt")
torch.save(torch.get_rng_state(), "cache/random.pt")
torch.save({"epochs": 3, "lr": 0.1}, "cache/arguments.pt")
torch.save(range(3), Path("cache/numbers.pt"))

# Batches as tokenizers and loaders make them, weights of classes, rows for later, random states.
tokens = {
    "input_ids": torch.arange(12).view(3, 4),
    "attention_mask": torch.ones(3, 4),
    "labels": torch.ones(3),
}
torch.save(tokens, "cache/tokens.pt")
torch.save([tokens] * 100, "cache/epoch.pt")
torch.save({"features": torch.ones(9, 3), "labels": torch.ones(9)}, "cache/extracted.pt")
torch.save({"weight": torch.tensor([0.2, 0.8])}, "cache/class_weights.pt")
torch.save(pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}), "cache/frame.pt")
torch.save({"train": pd.Series([1.0]), "note": "split"}, "cache/split.pt")
torch.save({"epoch": 3, "optimizer": optimizer.state_dict(), "best": 0.5}, "cache/trainer.pt")
with torch.no_grad():
    torch.save({"hidden": model(torch.ones(5, 3)), "of": "layer 3"}, "cache/activations.pt")

# A dataset that keeps each of its samples in a file, read by workers.
for number in range(6):
    torch.save({"image": torch.full((2, 2), number), "label": number}, f"cache/sample_{number}.pt")


class Cached(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, number):
        sample = torch.load(f"cache/sample_{number}.pt")
        return sample["image"].float(), sample["label"]


for workers in (0, 2):
    loader = DataLoader(Cached(), batch_size=2, num_workers=workers)
    print(workers, [labels.tolist() for _, labels in loader])

print(torch.load("cache/features.pt").sum().item())
print(torch.load("cache/optimizer.pt").keys())
