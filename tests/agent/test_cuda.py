"""Models on a GPU: captured like others, and nothing of ours touches the device."""

import os

import pytest

if not any(
    map(os.path.exists, ("/dev/nvidiactl", "/dev/dxg"))
):  # told without the import of torch, which takes seconds
    pytest.skip("there is no GPU here", allow_module_level=True)
torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("torch sees no GPU here", allow_module_level=True)

_TRAIN = """
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 4)).cuda()
optimizer = torch.optim.Adam(model.parameters())
scaler = torch.amp.GradScaler()
for epoch in range(3):
    with torch.autocast("cuda", dtype=torch.float16):
        loss = model(torch.randn(64, 256, device="cuda")).square().mean()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "last.pt")
    print(f"{loss.item():.6f}", torch.cuda.get_rng_state().sum().item(), torch.cuda.memory_allocated())
torch.save(model.state_dict(), "gpu.pt")
torch.save({name: each.cpu() for name, each in model.state_dict().items()}, "cpu.pt")
"""
_LOAD = """
state = torch.load("gpu.pt", map_location="cpu")
assert not state["0.weight"].is_cuda
again = torch.load("gpu.pt")
assert again["0.weight"].is_cuda
"""
_INIT = "import autolog\nautolog.init()\n"


def test_a_run_on_a_gpu_is_the_same_and_captured(lab):
    bare = lab.run(_TRAIN, prelude="", name="bare.py")
    ours = lab.run(_TRAIN, prelude=_INIT, name="train.py", AUTOLOG_OUTPUT_URI="true")
    assert ours.out == bare.out
    assert ours.err == bare.err
    found = {model.name: model for model in lab.models()}
    assert sorted(found) == ["train - cpu", "train - gpu", "train - last"]
    assert [each.iteration for each in found["train - last"].snapshots] == [0, 1, 2]
    assert all(each.keeping == "kept" for model in found.values() for each in model.snapshots)
    assert "Linear(in_features=256" in found["train - gpu"].design
    # The same weights, wherever they were when they were saved.
    gpu, cpu = (found[f"train - {name}"].snapshots[0] for name in ("gpu", "cpu"))
    assert gpu.digest != cpu.digest
    assert gpu.weights_digest == cpu.weights_digest is not None


def test_a_load_to_either_device_is_one_input(lab):
    lab.run(_TRAIN, prelude=_INIT, name="train.py")
    lab.run(_LOAD, prelude=_INIT + "import torch\n", name="infer.py")
    (used,) = lab.tasks()[-1].inputs
    assert used.model_name == "train - gpu"
    assert used.count == 2


def test_init_wakes_no_gpu(lab):
    done = lab.run("import torch\nprint(torch.cuda.is_initialized())\n", prelude=_INIT)
    assert done.out == "False\n"
