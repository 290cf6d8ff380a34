"""Trains on the digits in one process and keeps distributed checkpoints of every kind."""

import os
import warnings
from pathlib import Path

import torch
import torch.distributed.checkpoint as dcp
from _digits import Line, Training, digits, network, step
from torch.distributed.checkpoint._fsspec_filesystem import FsspecWriter
from torch.distributed.checkpoint.state_dict import get_model_state_dict, get_optimizer_state_dict

warnings.filterwarnings("ignore")
torch.manual_seed(0)
torch.set_num_threads(1)
images, labels = digits()
model = network()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
training = Training(model, optimizer)

waiting = None
for epoch in range(1, 4):
    for batch in torch.randperm(len(images)).split(100):
        loss = step(model, optimizer, images[batch], labels[batch])
    print(f"epoch {epoch}: loss {loss:.4f}")
    dcp.save({"training": training, "epoch": epoch}, checkpoint_id=f"checkpoints/step_{18 * epoch}")
    dcp.save(model.state_dict(), checkpoint_id=Path("last"))  # the same folder again and again
    if waiting is not None:
        waiting.result()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    waiting = dcp.async_save(state, checkpoint_id=f"async/epoch_{epoch}")
waiting.result()

# Three threads write at once, and one writer is used for two folders.
writer = dcp.FileSystemWriter("threads", thread_count=3)
dcp.save({"model": model, "optimizer": optimizer, "notes": {"by": "a person"}}, storage_writer=writer)
dcp.save({"model": model}, checkpoint_id="again", storage_writer=writer)
print(sorted(os.listdir("threads")), sorted(os.listdir("again")))

elsewhere = FsspecWriter("memory://bucket/step_54", sync_files=False)
dcp.save({"model": get_model_state_dict(model)}, storage_writer=elsewhere)
line = Line()
dcp.save(line.state_dict(), checkpoint_id="file://" + os.path.abspath("line"))
dcp.async_save(line.state_dict(), storage_writer=dcp.FileSystemWriter("line-async")).result()
dcp.save({"optimizer": optimizer}, checkpoint_id="only-optimizer")
flat = dcp.state_dict.StateDictOptions(flatten_optimizer_state_dict=True)
dcp.save(get_optimizer_state_dict(model, optimizer, options=flat), checkpoint_id="flat-optimizer")


class Broken:
    def __reduce__(self):
        raise RuntimeError("this can't be pickled")

    def __deepcopy__(self, memo):
        return self


for save in (dcp.save, dcp.async_save):
    try:
        done = save({"model": model.state_dict(), "more": Broken()}, checkpoint_id="broken")
        done.result()
    except dcp.api.CheckpointException as error:
        print(type(error).__name__)

# Back to the weights after two epochs.
dcp.load({"training": training}, checkpoint_id="checkpoints/step_36")
print(f"back at {step(model, optimizer, images, labels):.4f}")
state = get_model_state_dict(model)
dcp.load({"model": state}, checkpoint_id="memory://bucket/step_54")
model.load_state_dict(state)
print(f"and at {step(model, optimizer, images, labels):.4f}")
