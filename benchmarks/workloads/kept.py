"""Trains a stack of layers and saves it over one path again and again, without a pause.

The same plan gives the same bytes in every process, so one run can tell the digests for all. Of every kind
one step takes hardly longer than the memory it goes through: gradients are slices of noise that was drawn
before. `watch` is for autolog, whose work goes on beside the script: after each save it is waited for
until that is in the store. Times are in seconds.
"""

import hashlib
import json
import os
import sqlite3
import time

import torch

# tool: start

with open(os.environ["BENCH_SPEC"]) as file:
    plan = json.load(file)

SIDE = 512
ITEMSIZE = {"float32": 4, "bfloat16": 2, "adam": 12, "random": 4}
kind, path = plan["kind"], "weights.pt"
torch.manual_seed(0)
torch.set_num_threads(1)
layers = plan["layers"] or max(1, round(plan["size"] / ITEMSIZE[kind] / SIDE**2))
width = round(plan["size"] / ITEMSIZE[kind] / SIDE / layers) if plan["layers"] else SIDE
model = torch.nn.Sequential(*(torch.nn.Linear(SIDE, width) for _ in range(layers)))
if kind == "bfloat16":
    model = model.to(torch.bfloat16)
for index, layer in enumerate(model):
    layer.requires_grad_(index >= min(round(plan["frozen"] * layers), layers - 1))
trained = [each for each in model.parameters() if each.requires_grad]
optimizer = (torch.optim.Adam if kind == "adam" else torch.optim.SGD)(trained, lr=1e-5)
length = SIDE * width + 4 * SIDE**2
noise = torch.randn(length, dtype=trained[0].dtype)
bits = torch.randint(-(2**31), 2**31 - 1, (length,), dtype=torch.int32).view(torch.float32)


def slice_of(source, number, each):
    """As many elements as a tensor has, other ones for every `number`, and its shape."""
    start = number * 7919 % (len(source) - each.numel())
    return source[start : start + each.numel()].view_as(each)


def step(number):
    """One training step."""
    for index, each in enumerate(trained, number * len(trained)):
        if kind == "random":
            each.data.copy_(slice_of(bits, index, each))
        else:
            each.grad = slice_of(noise, index, each)
    if kind != "random":
        optimizer.step()


def state():
    weights = model.state_dict()
    return {"model": weights, "optimizer": optimizer.state_dict()} if kind == "adam" else weights


def digest():
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recorded(database):
    """How many versions the store has, and how many of them are kept."""
    query = "SELECT count(*), coalesce(sum(keeping = 'kept'), 0) FROM snapshots"
    return database.execute(query).fetchone()


def read_and_hash():
    from blake3 import blake3

    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    hasher = blake3()
    start = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(view[:count])
    return time.perf_counter() - start


def watch(database, before, returned):
    """When the save was recorded and its bytes were kept, after its return; and the file hashed alone."""
    times = {"recorded": None, "kept": None}
    while None in times.values():
        now = recorded(database)
        for name, count, earlier in zip(times, now, before, strict=True):
            if times[name] is None and count > earlier:
                times[name] = time.perf_counter() - returned
        if not plan["keeps"] and times["recorded"] is not None:
            break
        time.sleep(0.0005)
    time.sleep(0.2 + plan["size"] / 2e8)  # the agent reads it once more for its weights
    times["alone"] = sorted(read_and_hash() for _ in range(3))[1]
    return times


saves, watched, digests = [], [], []
database = None
if plan["watch"]:
    start = time.perf_counter()
    torch.save({"layer.weight": torch.zeros(4, 4), "layer.bias": torch.zeros(4)}, "small.pt")
    saves.append(time.perf_counter() - start)
    time.sleep(2)  # the agent has started then
    database = sqlite3.connect(os.path.join(os.environ["AUTOLOG_HOME"], "autolog.db"))
begun = time.perf_counter()
for number in range(plan["saves"]):
    step(number)
    weights = state()
    before = recorded(database) if plan["watch"] else None
    start = time.perf_counter()
    torch.save(weights, path)
    # tool: after a save
    returned = time.perf_counter()
    saves.append(returned - start)
    if plan["watch"]:
        watched.append(watch(database, before, returned))
    if plan["digests"]:
        digests.append(digest())
took = time.perf_counter() - begun
# tool: end

with open(os.environ["BENCH_RESULT"], "w") as file:
    json.dump(
        {
            "saves": saves,
            "took": took,
            "watched": watched,
            "digests": digests,
            "size": os.path.getsize(path),
        },
        file,
    )
