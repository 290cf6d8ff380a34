"""Uses the checkpoints of train.py: goes on from one, looks into a copy of another, converts both ways."""

import logging
import os
import shutil
import warnings

import torch
import torch.distributed.checkpoint as dcp
from _digits import Line, Training, digits, network, step
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save, torch_save_to_dcp

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
torch.manual_seed(1)
torch.set_num_threads(1)
images, labels = digits()
model = network()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

state = {"training": Training(model, optimizer), "epoch": 0}
dcp.load(state, storage_reader=dcp.FileSystemReader("checkpoints/step_54"))
print(f"after epoch {state['epoch']}: loss {step(model, optimizer, images, labels):.4f}")
dcp.save({"training": Training(model, optimizer), "epoch": 4}, checkpoint_id="checkpoints/step_72")

shutil.copytree("checkpoints/step_18", "elsewhere/first")
dcp.load({"training": Training(model, optimizer)}, checkpoint_id="elsewhere/first")
line = Line().state_dict()
dcp.load(line, checkpoint_id="line")
print(line["slope"].sum().item())

dcp_to_torch_save("async/epoch_3", "converted.pt")
weights = torch.load("converted.pt", weights_only=True)["model"]
print(sorted(weights), f"{weights['0.weight'].sum().item():.4f}")
torch_save_to_dcp("converted.pt", "converted-back")
print(sorted(os.listdir("converted-back")))

optimizers = {"optimizer": optimizer}
dcp.load(optimizers, checkpoint_id="only-optimizer")
try:
    dcp.load({"model": model}, checkpoint_id="nowhere")
except dcp.api.CheckpointException as error:
    print(type(error).__name__)
