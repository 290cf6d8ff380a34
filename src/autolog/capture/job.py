"""Processes that belong to one task: the ranks of a distributed job, and spawned workers.

Ranks compute the same task id from what their launcher told them, so that they need not talk to each
other. A worker spawned by `multiprocessing` joins the task of its living parent, and so does a rank that the
first one started by running its own script once more, as Lightning does where nobody else starts them.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from autolog.locks import is_locked

__all__ = ["describe", "parent_task", "task_id"]

#: launcher -> (variables that name the job, its rank, its size, ranks on this host)
_LAUNCHERS: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "torchrun": (
        ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT"), "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE",
    ),
    "slurm": (("SLURM_JOB_ID", "SLURM_STEP_ID"), "SLURM_PROCID", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE"),
    "openmpi": (
        ("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"),
        "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE",
    ),
    "mpich": (("PMI_ID", "PMI_PORT", "MPI_JOBID"), "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"),
}  # fmt: skip


def describe() -> dict[str, Any]:
    """`{"launcher", "rank", "size", "key"}` if this process is a rank of a job, else empty.

    `key` is equal in all ranks of one job and different in every other job.
    """
    for launcher, (names, rank, size, local) in _LAUNCHERS.items():
        value = os.environ.get(rank, "")
        total = os.environ.get(size, "")
        parts = [os.environ[name] for name in names if os.environ.get(name)]
        if not (value.isdigit() and total.isdigit() and int(total) > 1 and parts):
            continue
        if launcher == "slurm" and not os.environ.get("SLURM_STEP_ID", "").isdigit():
            continue  # the batch script itself, not one of its tasks
        if os.environ.get(local) == total:
            # All on one host: the launcher's own process tells two jobs with equal settings apart
            # (torchrun's run id is "none" and its port 29500 unless somebody sets them).
            parts.append(_started(os.getppid()))
        elif launcher == "torchrun":
            parts.append(os.environ.get("TORCHELASTIC_RESTART_COUNT", "") and "several hosts")
        return {"launcher": launcher, "rank": int(value), "size": int(total), "key": "|".join(parts)}
    return {}


def task_id(job: dict[str, Any]) -> str:
    """The task's id: 32 hex digits, equal in all ranks of a job, random for a single process."""
    if not job:
        return os.urandom(16).hex()
    import hashlib  # it brings OpenSSL along, which a single process has no use for

    return hashlib.sha256(f"{job['launcher']}|{job['key']}".encode()).hexdigest()[:32]


def parent_task(spool: str, likely: str = "") -> str | None:
    """The task of the process that made this one to work with it, if that one is being captured.

    The `likely` one is looked at first: there may be many.
    """
    parent = _multiprocessing_parent() or _first_rank()
    if parent is None or not os.path.isdir(spool):
        return None
    if likely and _is_captured(parent, os.path.join(spool, likely)):
        return likely
    return next((task for task in os.listdir(spool) if _is_captured(parent, os.path.join(spool, task))), None)


def _is_captured(pid: int, folder: str) -> bool:
    """Whether a living process writes to the task of this folder."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(name.startswith(f"{pid}-") and is_locked(os.path.join(folder, name)) for name in names)


def _multiprocessing_parent() -> int | None:
    """The process id of the parent, if this process is a worker of `multiprocessing`."""
    process: Any = sys.modules.get("multiprocessing.process")
    if process is None:
        return None
    if getattr(process.current_process(), "_inheriting", False):
        # A worker that is just importing the main module again. Where a fork server made it, that one's
        # parent is meant: what the server itself knows is nothing but how to fork.
        parent = os.getppid()
        return _parent_of(parent) if _is_fork_server(parent) else parent
    known = process.parent_process()
    return None if known is None else int(known.pid)


def _is_fork_server(pid: int) -> bool:
    """Whether a process is a fork server of `multiprocessing`."""
    return any("from multiprocessing.forkserver import" in each for each in _command_of(pid))


def _first_rank() -> int | None:
    """The process id of the parent, if it runs this very script and this process is a rank beside it."""
    rank, size = os.environ.get("LOCAL_RANK", ""), os.environ.get("WORLD_SIZE", "")
    if not (rank.isdigit() and size.isdigit() and int(rank) > 0 and int(size) > 1):
        return None
    parent = os.getppid()
    script = next((each for each in sys.orig_argv[1:] if not each.startswith("-")), None)
    line = _command_of(parent)
    # It may have been called by a relative path there, and by its full one here.
    return parent if script and os.path.basename(script) in map(os.path.basename, line) else None


def _command_of(pid: int) -> list[str]:
    """The command line of a process; empty if there is none."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return os.fsdecode(file.read()).split("\0")
    except OSError:
        return []


def _started(pid: int) -> str:
    """A process and its start time in clock ticks since boot: unlike the id, never used twice."""
    facts = _facts_of(pid)
    return f"{pid}@{facts[19]}" if len(facts) > 19 else str(pid)


def _parent_of(pid: int) -> int | None:
    """The process id of a process's parent."""
    facts = _facts_of(pid)
    return int(facts[1]) if len(facts) > 1 else None


def _facts_of(pid: int) -> list[str]:
    """What the kernel tells of a process, from its state on; empty if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].decode().split()
    except OSError:
        return []
