"""Two processes train one sharded model (FSDP) and write their checkpoints together."""

import os
import warnings
from pathlib import Path

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp
from _digits import Training, digits, network, step
from torch.distributed.checkpoint.state_dict import get_model_state_dict, set_model_state_dict
from torch.distributed.fsdp import fully_shard

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


def work(rank):
    dist.init_process_group("gloo", init_method=f"file://{os.path.abspath('ranks')}", rank=rank, world_size=2)
    torch.manual_seed(0)
    images, labels = (part[rank::2] for part in digits())
    model = network()
    for layer in (model[0], model[2], model):
        fully_shard(layer, mesh=dist.device_mesh.init_device_mesh("cpu", (2,)))
    weights = get_model_state_dict(model)
    dcp.load({"model": weights}, checkpoint_id="start")
    set_model_state_dict(model, weights)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for number in range(1, 3):
        for _ in range(2):
            step(model, optimizer, images, labels)
        state = {"model": get_model_state_dict(model), "number": number}
        dcp.save(state, checkpoint_id=f"sharded/step-{number}")
    dcp.save(
        {"training": Training(model, optimizer)},
        storage_writer=dcp.FileSystemWriter("threads-of-ranks", thread_count=2),
    )
    dcp.async_save({"training": Training(model, optimizer)}, checkpoint_id="later").result()
    dcp.save(get_model_state_dict(model), checkpoint_id="apart", use_collectives=False)
    dcp.load({"training": Training(model, optimizer)}, checkpoint_id="threads-of-ranks")
    if rank == 0:
        dcp.save({"model": network()}, checkpoint_id="alone", no_dist=True)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.manual_seed(0)
    dcp.save({"model": network()}, checkpoint_id="start")
    mp.start_processes(work, nprocs=2, start_method="fork")
    Path("ranks").unlink(missing_ok=True)
    for folder in ("sharded/step-1", "threads-of-ranks", "later", "apart"):
        print(folder, sorted(os.listdir(folder)))

    whole = {"model": network().state_dict(), "number": 0}
    dcp.load(whole, checkpoint_id="sharded/step-2")
    print(whole["number"], f"{whole['model']['0.weight'].sum().item():.4f}")
