"""Trains a two-layer network of 20 MB on random data and saves it every few steps, each time elsewhere."""

import json
import os
import time

import torch

# tool: start

with open(os.environ["BENCH_SPEC"]) as file:
    plan = json.load(file)

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(1024, 2560), torch.nn.ReLU(), torch.nn.Linear(2560, 1024))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)


def train(steps, save_every):
    saving = 0.0
    for step in range(1, steps + 1):
        batch = torch.rand(64, 1024)
        loss = torch.nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if save_every and step % save_every == 0:
            start = time.perf_counter()
            path = f"checkpoint_step_{step}.pt"
            torch.save(model.state_dict(), path)
            # tool: after a save
            saving += time.perf_counter() - start
    return saving


train(plan["warm_up"], 0)
start = time.perf_counter()
saving = train(plan["steps"], plan["save_every"])
took = time.perf_counter() - start

with open(os.environ["BENCH_RESULT"], "w") as file:
    json.dump({"loop": took, "saving": saving}, file)
