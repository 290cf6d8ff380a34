"""Saves state dicts of several sizes and times every save on the thread that makes it.

`torch.save` is replaced by a timer around the original before any tool starts, so that what a tool
adds is known save by save: the time of the statements in the script, less the time inside the
original. Times are in seconds, sizes in bytes, memory in bytes.
"""

import functools
import inspect
import json
import os
import time

import torch

with open(os.environ["BENCH_SPEC"]) as file:
    plan = json.load(file)

original = torch.save
inside = []


@functools.wraps(original)
def save(*args, **kwargs):
    cpu, start = time.thread_time(), time.perf_counter()
    try:
        return original(*args, **kwargs)
    finally:
        inside.append((start, time.perf_counter(), time.thread_time() - cpu))


save.__signature__ = inspect.signature(original)
del save.__wrapped__
torch.save = torch.serialization.save = save


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def state_dict(size):
    """Float32 tensors of `size` bytes in all, named and sized as a small network's are."""
    numbers = size // 4
    bias = min(numbers // 4, 1024)
    return {"layer.weight": torch.rand(numbers - bias), "layer.bias": torch.rand(bias)}


def timed(weights, path):
    inside.clear()
    cpu, start = time.thread_time(), time.perf_counter()
    torch.save(weights, path)
    # tool: after a save
    end, cpu = time.perf_counter(), time.thread_time() - cpu
    begun, ended, cpu_inside = inside[0]
    return {
        "before": begun - start,
        "inside": ended - begun,
        "after": end - ended,
        "cpu_inside": cpu_inside,
        "cpu_added": cpu - cpu_inside,
    }


memory = {"before": resident()}
# tool: start
memory["started"] = resident()

saves = []
for part in plan["parts"]:
    weights = state_dict(part["size"])
    time.sleep(part["settle"])  # until what came before is over
    for number in range(part["count"]):
        name = "weights.pt" if part["same_path"] else f"weights_{part['pattern']}_{part['size']}_{number}.pt"
        cpu = time.process_time()
        save = {"pattern": part["pattern"], "size": part["size"], **timed(weights, name)}
        time.sleep(part["pause"])
        save["cpu_process"] = time.process_time() - cpu  # with what other threads did in the pause
        saves.append(save)
        if len(saves) == 1:
            memory["saved"] = resident()
        if part["pause"]:
            os.unlink(name)
    for name in os.listdir():
        if name.endswith(".pt"):
            os.unlink(name)
    del weights

with open(os.environ["BENCH_RESULT"], "w") as file:
    json.dump({"saves": saves, "memory": memory}, file)
