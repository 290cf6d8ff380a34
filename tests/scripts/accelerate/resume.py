"""Goes on from the last state, and loads all that the training saved."""

import os
from pathlib import Path

import torch
from _digits import accuracy, batches, network
from accelerate import Accelerator, load_checkpoint_and_dispatch, load_checkpoint_in_model
from accelerate.utils import ProjectConfiguration, set_seed

torch.set_num_threads(1)
set_seed(1)
project = ProjectConfiguration(project_dir="digits", automatic_checkpoint_naming=True, iteration=4)
accelerator = Accelerator(cpu=True, project_config=project)
model = network()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
model, optimizer, scheduler, data = accelerator.prepare(model, optimizer, scheduler, batches())
accelerator.load_state()
print(accuracy(model), optimizer.param_groups[0]["lr"])
accelerator.load_state("digits/checkpoints/checkpoint_2")
print(accuracy(model), optimizer.param_groups[0]["lr"])
for images, labels in data:
    accelerator.backward(torch.nn.functional.cross_entropy(model(images), labels))
    optimizer.step()
    optimizer.zero_grad()
accelerator.save_state()
print(accuracy(model), sorted(os.listdir("digits/checkpoints")))

both = Accelerator(cpu=True)
one, two = both.prepare(network(), network())
adam = both.prepare(torch.optim.Adam([*one.parameters(), *two.parameters()], lr=0.01))
for step in (1, 2):
    both.load_state(input_dir=Path(f"pairs/step_{step}"))
    print(accuracy(lambda images: one(images) + two(images)))

for path in ("whole", Path("sharded"), "pickled", "sharded/model.safetensors.index.json", "weights.pt"):
    fresh = network()
    load_checkpoint_in_model(fresh, path)
    print(path, accuracy(fresh))
print(accuracy(load_checkpoint_and_dispatch(network(), checkpoint="weights.safetensors")))

for missing in ("nowhere", "digits/checkpoints"):
    try:
        load_checkpoint_in_model(network(), missing)
    except ValueError as error:
        print(str(error)[:40])
try:
    both.load_state("nowhere")
except ValueError as error:
    print(error)
