"""Trains a classifier of wines and exports it to ONNX with both exporters of torch.onnx."""

import io
import logging
import os
import warnings
from pathlib import Path

import onnx
import torch
from sklearn.datasets import load_wine
from torch import nn

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore", category=DeprecationWarning)
torch.manual_seed(0)
torch.set_num_threads(1)
Path("out/apart").mkdir(parents=True, exist_ok=True)

samples, labels = load_wine(return_X_y=True)
samples, labels = torch.tensor(samples, dtype=torch.float32), torch.tensor(labels)
samples = (samples - samples.mean(0)) / samples.std(0)

model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(3):
    model.train()
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(samples), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
    torch.onnx.export(
        model,
        (samples[:1],),
        f"out/wines_epoch{epoch}.onnx",
        dynamo=False,
        input_names=["sample"],
        dynamic_axes={"sample": {0: "batch"}},
    )

torch.onnx.export(model, (samples[:1],), Path("out/traced.onnx"), dynamo=False, verbose=True)
buffer = io.BytesIO()
torch.onnx.export(model, (samples[:1],), buffer, dynamo=False, do_constant_folding=False)
Path("out/from_buffer.onnx").write_bytes(buffer.getvalue())
with open("out/file.onnx", "wb") as file:
    torch.onnx.export(model, (samples[:1],), file, dynamo=False, opset_version=16)

program = torch.onnx.export(model, (samples[:1],), "out/apart/dynamo.onnx", dynamo=True, verbose=False)
model[0].bias.data += 1
program.apply_weights(model.state_dict())
program.save("out/apart/dynamo.onnx", external_data=True)
program.save(Path("out/whole.onnx"))
os.chdir("out")
program.save("apart/renamed.tmp", external_data=True)
os.replace("apart/renamed.tmp.data", "apart/renamed.onnx.data")
os.replace("apart/renamed.tmp", "apart/renamed.onnx")
os.chdir("..")

proto = onnx.load("out/apart/dynamo.onnx")
onnx.save(proto, "out/loaded.onnx")
onnx.save_model(proto, "out/apart/named.onnx", save_as_external_data=True, location="named.weights")
onnx.save(onnx.load("out/whole.onnx").SerializeToString(), "out/bytes.onnx")
held = io.BytesIO()
onnx.save(onnx.load("out/whole.onnx"), held)
Path("out/from_memory.onnx").write_bytes(held.getvalue())
try:
    program.save("no/such/folder/wines.onnx", external_data=True)
except OSError as error:
    print(type(error).__name__)
print(sorted(os.listdir("out")), len(os.listdir("out/apart")))
