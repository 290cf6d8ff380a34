"""Trains with Accelerate: a state for every epoch, of which two are kept, and the model in every format."""

import os
from pathlib import Path

import torch
from _digits import accuracy, batches, network
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration, set_seed

torch.set_num_threads(1)
set_seed(0)
project = ProjectConfiguration(project_dir="digits", automatic_checkpoint_naming=True, total_limit=2)
accelerator = Accelerator(cpu=True, project_config=project)
model = network()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
model, optimizer, scheduler, data = accelerator.prepare(model, optimizer, scheduler, batches())


def epoch():
    for images, labels in data:
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    scheduler.step()


for _ in range(4):
    epoch()
    accelerator.save_state()
    print(accuracy(model), sorted(os.listdir("digits/checkpoints")))
print(sorted(os.listdir("digits/checkpoints/checkpoint_3")))

accelerator.save_model(model, "whole")
accelerator.save_model(model, save_directory=Path("sharded"), max_shard_size="5KB")
accelerator.save_model(model, "pickled", safe_serialization=False)
for folder in ("whole", "sharded", "pickled"):
    print(folder, sorted(os.listdir(folder)))

bare = accelerator.unwrap_model(model)
accelerator.save(bare.state_dict(), "weights.pt")
accelerator.save(bare.state_dict(), f="weights.safetensors", safe_serialization=True)
accelerator.save({"accuracy": accuracy(model)}, "notes.pt")
accelerator.save(optimizer.state_dict(), "optimizer.pt")

# States under names of one's own, of two models that are trained side by side.
both = Accelerator(cpu=True)
one, two = both.prepare(network(), network())
adam = both.prepare(torch.optim.Adam([*one.parameters(), *two.parameters()], lr=0.01))
for step in range(1, 3):
    for images, labels in batches():
        loss = torch.nn.functional.cross_entropy(one(images) + two(images), labels)
        both.backward(loss)
        adam.step()
        adam.zero_grad()
    both.save_state(f"pairs/step_{step}", safe_serialization=step == 1)
    print(accuracy(lambda images: one(images) + two(images)), sorted(os.listdir(f"pairs/step_{step}")))

# A state without a model, and one that fails half way.
alone = Accelerator(cpu=True)
alone.prepare(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1))
alone.save_state("only-optimizer")


def stumble(models, weights, folder):
    raise RuntimeError("no more today")


both.register_save_state_pre_hook(stumble)
try:
    both.save_state("broken")
except RuntimeError as error:
    print(error, error.__context__)
print(sorted(os.listdir("only-optimizer")), os.listdir("broken"))
