"""Fits a line; a process of its own writes the checkpoints, while the training goes on."""

import logging
import os
import warnings

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict_saver import AsyncCheckpointerType

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
torch.set_num_threads(1)

if __name__ == "__main__":
    dist.init_process_group("gloo", init_method=f"file://{os.path.abspath('one')}", rank=0, world_size=1)
    torch.manual_seed(0)
    points = torch.randn(200, 3)
    goals = points @ torch.tensor([[1.0], [-2.0], [3.0]]) + 0.5
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    writing = None
    for epoch in range(1, 4):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(points), goals)
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}")
        if writing is not None:
            writing.result()
        writing = dcp.async_save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict()},
            checkpoint_id=f"process/epoch_{epoch}",
            async_checkpointer_type=AsyncCheckpointerType.PROCESS,
        )
    writing.result()
    dist.destroy_process_group()
    print(sorted(os.listdir("process/epoch_3")))
