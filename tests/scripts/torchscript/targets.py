"""Everything that TorchScript can save, to everything that it can be saved to."""

import io
import os
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.jit import save
from torch.jit.mobile import _load_for_lite_interpreter

warnings.filterwarnings("ignore", category=DeprecationWarning)
torch.manual_seed(0)
torch.set_num_threads(1)
Path("out/kept").mkdir(parents=True, exist_ok=True)
example = torch.ones(1, 4)


class Scale(nn.Module):
    def __init__(self, by=1.0):
        super().__init__()
        self.body = nn.Linear(4, 3)
        self.by = by

    def forward(self, x):
        return self.body(x) * self.by

    def halved(self, x):
        return self.forward(x) / 2


class Older(torch.jit.ScriptModule):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4))

    @torch.jit.script_method
    def forward(self, x):
        return x * self.weight


@torch.jit.script
def clipped(x, most: float = 1.0):
    return torch.clamp(x, 0.0, most)


def shifted(x):
    return x + torch.arange(4)


scripted = torch.jit.script(Scale())
traced = torch.jit.trace(Scale(2.0), example)
function = torch.jit.trace(shifted, example)

save(scripted, "out/path.pt")
save(m=traced, f=Path("out/pathlike.pt"), _extra_files={"labels.txt": "cat,dog"})
with open("out/file.pt", "wb") as file:
    torch.jit.save(torch.jit.script(Scale(3.0)), file)
buffer = io.BytesIO()
torch.jit.save(torch.jit.trace(Scale(4.0), example), buffer)
Path("out/from_buffer.pt").write_bytes(buffer.getvalue())

scripted.save("out/method.pt", _extra_files={"notes.txt": "by its method"})
traced.save(Path("out/traced.pt"))
Older().save("out/older.pt")
clipped.save("out/function.pt")
function.save(filename="out/traced_function.pt", _extra_files={})
torch.jit.save(clipped, "out/function_too.pt")
Path("out/bytes.pt").write_bytes(torch.jit.script(Scale(5.0)).save_to_buffer())
Path("out/function_bytes.pt").write_bytes(torch.jit.trace(shifted, torch.ones(2, 4)).save_to_buffer())

os.chdir("out")
torch.jit.trace_module(Scale(6.0), {"forward": example, "halved": example}).save("é ö.pt")
scripted.save("kept/moved.tmp")
os.replace("kept/moved.tmp", "kept/moved.pt")
os.chdir("..")

scripted._save_for_lite_interpreter("out/mobile.ptl")
traced._save_for_lite_interpreter("out/traced.ptl", _extra_files={"a": "b"})
torch.jit.save_jit_module_to_flatbuffer(traced, "out/mobile.ff")

extra = {"labels.txt": ""}
print(torch.jit.load("out/pathlike.pt", _extra_files=extra)(example).shape, extra)
print(torch.jit.load("out/é ö.pt").halved(example).shape, torch.jit.load("out/older.pt")(example).shape)
print(torch.jit.load("out/function.pt")(torch.tensor([-1.0, 5.0]), 1.0), function(example))
print(_load_for_lite_interpreter("out/mobile.ptl", None)(example).shape)
print(torch.jit.jit_module_from_flatbuffer("out/mobile.ff")(example).shape)
for attempt in (
    lambda: scripted.save("no/such/folder/model.pt"),
    lambda: clipped.save(),
    lambda: torch.jit.save(Scale(), "out/unscripted.pt"),
    lambda: torch.jit.load("missing.pt"),
    lambda: torch.jit.load(io.BytesIO(b"nothing that could be loaded")),
):
    try:
        attempt()
    except (RuntimeError, AttributeError, TypeError, ValueError) as error:
        print(type(error).__name__, error.__context__, str(error).splitlines()[0])
print(sorted(os.listdir("out")), sorted(os.listdir("out/kept")))
