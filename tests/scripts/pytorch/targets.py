"""Every kind of thing that torch.save takes, and every kind of object."""

import functools
import io
import os
from pathlib import Path

import torch
import torch.serialization
from torch import nn, save

torch.manual_seed(0)
torch.set_num_threads(1)
Path("out").mkdir(exist_ok=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 3)
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return self.body(x) * self.scale


model = Net()
ema = torch.optim.swa_utils.AveragedModel(model)

torch.save(model, "out/whole.pt")
torch.save(model.state_dict(), "out/legacy.pt", _use_new_zipfile_serialization=False)
torch.serialization.save(model.state_dict(), "out/by_module.pt")
save(dict(model.state_dict()), "out/plain_mapping.pt", pickle_protocol=4)
torch.save({"net": model.state_dict(), "args": {"lr": 0.1}, "best": 0.5}, "out/checkpoint.tar")
torch.save([model.state_dict(), ema.state_dict()], "out/pair.pt")
torch.save(model.body.weight, "out/parameter.pt")
torch.save(f=Path("out/keywords.pt"), obj=model.state_dict())
functools.partial(torch.save, f="out/partial.pt")(ema.module.state_dict())

with open("out/file.pt", "wb") as file:
    torch.save(model.state_dict(), file)
with open("out/legacy_file.pt", "wb") as file:
    torch.save(model.state_dict(), file, _use_new_zipfile_serialization=False)

buffer = io.BytesIO()
torch.save({"net": model.state_dict(), "from": "memory"}, buffer)
Path("out/from_buffer.pt").write_bytes(buffer.getvalue())

os.chdir("out")
torch.save(model.state_dict(), "é ö.pt")
model.scale.data += 1
torch.save(model.state_dict(), "./../out/é ö.pt")
os.chdir("..")

again = torch.load("out/whole.pt", weights_only=False)
print(type(again).__name__, again.scale.tolist())
print(torch.load("out/legacy.pt")["scale"].tolist(), torch.load("out/é ö.pt")["scale"].tolist())
print(torch.load("out/from_buffer.pt")["net"]["scale"].tolist(), torch.load("out/file.pt")["scale"].tolist())
print(torch.serialization.load("out/by_module.pt").keys())
print(sorted(os.listdir("out")))
