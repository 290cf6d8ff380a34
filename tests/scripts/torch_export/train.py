"""Trains a classifier of wines and exports it as a program, to everything that torch.export.save takes."""

import io
from pathlib import Path

import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
Path("out").mkdir(exist_ok=True)

samples, labels = load_wine(return_X_y=True)
samples, labels = torch.tensor(samples, dtype=torch.float32), torch.tensor(labels)
samples = (samples - samples.mean(0)) / samples.std(0)

model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
batch = torch.export.Dim("batch", min=2, max=1024)
for epoch in range(2):
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(samples), labels)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
    program = torch.export.export(model, (samples[:4],), dynamic_shapes={"input": {0: batch}})
    torch.export.save(program, "out/wines.pt2", extra_files={"epoch.txt": str(epoch)})

torch.export.save(f=Path("out/path.pt2"), ep=program, opset_version={"aten": 10})
with open("out/file.pt2", "wb") as file:
    torch.export.save(program, file)
buffer = io.BytesIO()
torch.export.save(program, buffer, extra_files={"kept": "in memory"})
Path("out/from_buffer.pt2").write_bytes(buffer.getvalue())
for target in (model, "out/other.pt2"), (program, "no/such/folder/wines.pt2"):
    try:
        torch.export.save(*target)
    except (TypeError, RuntimeError, OSError) as error:
        print(type(error).__name__, str(error).splitlines()[0])
print(torch.export.load("out/wines.pt2").module()(samples[:3]).argmax(1).tolist())
