"""What people also put into files with torch.save, and what is no model."""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import TensorDataset

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

print(torch.load("cache/features.pt").sum().item())
print(torch.load("cache/optimizer.pt").keys())
