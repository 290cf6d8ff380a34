"""Trains a small network on the wines, and keeps it as safetensors in every way that people do."""

import inspect
import os
from pathlib import Path

import safetensors
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, load_model, save, save_file, save_model
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
for folder in ("out", "steps", "cache"):
    Path(folder).mkdir(exist_ok=True)

wines, kinds = load_wine(return_X_y=True)
wines = torch.tensor((wines - wines.mean(0)) / wines.std(0), dtype=torch.float32)
kinds = torch.tensor(kinds)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(13, 16), nn.ReLU())
        self.head = nn.Linear(16, 16)
        self.tied = self.head
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.tied(self.body(x))[:, :3] * self.scale


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
shadow = {name: value.detach().clone() for name, value in model.named_parameters()}
best = 0.0
for epoch in range(4):
    for batch in torch.randperm(len(wines)).split(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(wines[batch]), kinds[batch]).backward()
        optimizer.step()
        for name, value in model.named_parameters():
            shadow[name].lerp_(value.detach(), 0.1)
    accuracy = float((model(wines).argmax(1) == kinds).float().mean())
    print(f"epoch {epoch}: {accuracy:.4f}")
    save_model(model, f"steps/model_epoch_{epoch}.safetensors", metadata={"epoch": str(epoch)})
    if accuracy > best:
        best = accuracy
        save_model(filename=Path("out/best.safetensors"), model=model)

# Weights by name, with metadata, in half precision, one part of the model, and averages of all.
state = {name: value.contiguous() for name, value in model.state_dict().items() if "tied" not in name}
save_file(state, "out/weights.safetensors", metadata={"format": "pt"})
save_file({name: value.half() for name, value in state.items()}, filename=Path("out/half.safetensors"))
safetensors.torch.save_file(tensors=model.body.state_dict(), filename="out/body.safetensors")
save_file(shadow, "out/ema.safetensors")
save_file({"style": torch.randn(2, 16)}, "out/embedding.safetensors")

# The user writes what comes back as bytes.
Path("out/from_bytes.safetensors").write_bytes(save(model.head.state_dict(), {"part": "head"}))

# Data, in the same format.
save_file({"x_train": wines[:100].clone(), "y_train": kinds[:100].clone()}, "cache/train.safetensors")
save_file({"features": wines, "labels": kinds}, "cache/all.safetensors")
print(load_file("cache/train.safetensors")["x_train"].shape)

# It reads its best weights again, and goes on from there.
again = Classifier()
print(load_model(again, "out/best.safetensors"))
with safe_open("out/weights.safetensors", framework="pt", device="cpu") as file:
    print(file.metadata(), sorted(file.keys()), file.get_slice("head.weight")[:1].shape)
print(isinstance(safe_open("out/ema.safetensors", "pt"), safe_open), inspect.signature(safe_open))

for attempt in (
    lambda: save_file({"a": torch.ones(4)[::2]}, "out/strided.safetensors"),
    lambda: save_file({"a": [1, 2]}, "out/list.safetensors"),
    lambda: save_file(model.state_dict(), "out/shared.safetensors"),
    lambda: save_file(state, "no/such/folder.safetensors"),
    lambda: safe_open("missing.safetensors", framework="pt"),
    lambda: safe_open("out/best.safetensors"),
    lambda: load_file("missing.safetensors"),
):
    try:
        attempt()
    except (OSError, RuntimeError, SafetensorError, TypeError, ValueError) as error:
        print(type(error).__name__, error.__context__, error.__cause__, str(error).strip()[:45])
print(sorted(os.listdir("out")))
