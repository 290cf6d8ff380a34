"""Jobs whose ranks write one distributed checkpoint together, launched as people launch them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from later import needs

pytestmark = needs("torch")

JOB = """
import logging, os, warnings
import autolog
autolog.init()
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict import get_model_state_dict
from torch.distributed.checkpoint.state_dict_saver import AsyncCheckpointerType
from torch.distributed.fsdp import fully_shard

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
torch.set_num_threads(1)

if __name__ == "__main__":
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    model = torch.nn.Linear(8, 4)
    if dist.get_rank() == 0:
        torch.save(model.state_dict(), "start.pt")
    fully_shard(model, mesh=dist.device_mesh.init_device_mesh("cpu", (2,)))
    state = {"model": get_model_state_dict(model)}
    for step in (1, 2):
        dcp.save(state, checkpoint_id=f"steps/step-{step}")
    for step in (3, 4):
        dcp.async_save(
            state, checkpoint_id=f"steps/step-{step}", async_checkpointer_type=AsyncCheckpointerType.PROCESS
        ).result()
    dcp.load(state, checkpoint_id="steps/step-1")
    dist.barrier()
    dist.destroy_process_group()
"""


def test_torchrun(lab: Any) -> None:
    """Also the processes that the ranks start to write for them belong to the one task of the job."""
    script = str(lab.script(JOB, prelude="", name="train.py"))
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script],
        cwd=lab.work,
        env=lab.environment(OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "autolog:" not in done.stderr
    lab.quiet()
    lab.settle()
    task = lab.task()
    assert (task.name, task.status, task.faults, task.skipped) == ("train", "completed", (), ())
    assert task.job == {"launcher": "torchrun", "size": 2}
    start, steps = sorted(lab.models(), key=lambda model: model.name)
    assert [each.rank for each in start.snapshots] == [0]
    assert [each.iteration for each in steps.snapshots] == [1, 2, 3, 4]
    for snapshot in steps.snapshots:
        assert (snapshot.state, snapshot.rank) == ("at_path", 0)
        assert {part.name for part in snapshot.parts} == set(os.listdir(snapshot.uri))
        assert {"__0_0.distcp", "__1_0.distcp", ".metadata"} == set(os.listdir(snapshot.uri))
    (used,) = task.inputs
    assert (used.model_id, used.version, used.own, used.count) == (steps.id, 1, True, 1)
