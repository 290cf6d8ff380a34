"""Two processes train one network by tensor parallelism and write its checkpoints together."""

import os
import warnings
from pathlib import Path

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp
from _digits import digits, network, step
from torch.distributed.checkpoint.state_dict import get_model_state_dict, set_model_state_dict
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


def work(rank):
    dist.init_process_group("gloo", init_method=f"file://{os.path.abspath('ranks')}", rank=rank, world_size=2)
    torch.manual_seed(0)
    images, labels = digits()
    mesh = dist.device_mesh.init_device_mesh("cpu", (2,))
    model = parallelize_module(network(), mesh, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    weights = get_model_state_dict(model)
    dcp.load({"model": weights}, checkpoint_id="start")
    set_model_state_dict(model, weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(1, 4):
        loss = step(model, optimizer, images, labels)
        state = {"model": get_model_state_dict(model), "epoch": epoch}
        dcp.save(state, checkpoint_id=f"columns/epoch_{epoch}")
    if rank == 0:
        print(f"loss {loss:.3f}")
    weights = get_model_state_dict(model)
    dcp.load({"model": weights}, checkpoint_id="columns/epoch_2")
    set_model_state_dict(model, weights)
    dcp.async_save({"model": get_model_state_dict(model)}, checkpoint_id="later").result()
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.manual_seed(0)
    dcp.save({"model": network()}, checkpoint_id="start")
    mp.start_processes(work, nprocs=2, start_method="fork")
    Path("ranks").unlink(missing_ok=True)
    print(sorted(os.listdir("columns/epoch_3")), sorted(os.listdir("later")))
    whole = {"model": network().state_dict()}
    dcp.load(whole, checkpoint_id="columns/epoch_3")
    print(f"{whole['model']['0.weight'].sum().item():.4f}")
