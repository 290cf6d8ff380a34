"""What a save costs: on the training thread, in CPU of the whole process tree, in a training loop."""

from __future__ import annotations

from typing import Any

from .peers import AUTOLOG, BARE, CLEARML, MLFLOW, TOOLS, WANDB
from .processes import Sandbox
from .rounds import Cell, Say, interleaved

__all__ = ["SIZES", "measure_cpu", "measure_loop", "measure_thread"]

KB, MB, GIB = 1000, 1000**2, 1024**3

#: Saves per process: size in bytes, paced ones, ones in a tight loop.
SIZES = ((KB, 70, 70), (MB, 35, 35), (100 * MB, 5, 5), (GIB, 2, 2))
QUICK_SIZES = ((KB, 40, 40), (MB, 20, 20), (100 * MB, 3, 3), (GIB, 1, 0))

CPU_SIZE = 200 * MB
CPU_SAVES, QUICK_CPU_SAVES = 6, 4


def part(pattern: str, size: int, count: int) -> dict[str, Any]:
    """Saves of one size. Seconds: `settle` before the first, `pause` after each.

    `paced` has a pause about as long as a training step between two saves; `burst` and `same path`
    have none, and their files are cleared at the end.
    """
    return {
        "pattern": pattern,
        "size": size,
        "count": count,
        "same_path": pattern == "same path",
        "pause": 0.005 + size / 1e9 if pattern == "paced" else 0,
        "settle": 0.05 + size / 1e9,
    }


def measure_thread(sandbox: Sandbox, rounds: int, quick: bool, say: Say) -> dict[str, Any]:
    """What each tool adds to `torch.save` on the thread that calls it, save by save, and the memory.

    The tight loops are for autolog, whose work goes on beside them; the others have done theirs when
    the statement ends.
    """
    sizes = QUICK_SIZES if quick else SIZES
    paced = [part("paced", size, count) for size, count, _ in sizes]
    tight = [part(kind, size, count) for kind in ("burst", "same path") for size, _, count in sizes]
    cells = [Cell(tool.name, tool, {"parts": paced}) for tool in (BARE, WANDB, MLFLOW, CLEARML)]
    cells.insert(1, Cell(AUTOLOG.name, AUTOLOG, {"parts": paced + tight}))
    return interleaved(sandbox, "saves", cells, rounds, say)


def measure_cpu(sandbox: Sandbox, rounds: int, quick: bool, say: Say) -> dict[str, Any]:
    """Runs with one save of 200 MB and runs with several.

    Between the two lies what the helpers use a save, and the first is what a run costs once.
    """
    saves = QUICK_CPU_SAVES if quick else CPU_SAVES
    cells = [
        Cell(f"{tool.name} x{count}", tool, {"parts": [part("paced", CPU_SIZE, count)]})
        for tool in TOOLS
        for count in (1, saves)
    ]
    return {"saves": saves, "size": CPU_SIZE, **interleaved(sandbox, "saves", cells, rounds, say)}


def measure_loop(sandbox: Sandbox, rounds: int, quick: bool, say: Say) -> dict[str, Any]:
    """A small CPU training loop with a 20 MB checkpoint every 20 steps."""
    plan = {"warm_up": 10, "steps": 100 if quick else 160, "save_every": 20}
    cells = [Cell(tool.name, tool, plan) for tool in TOOLS]
    return {**plan, **interleaved(sandbox, "loop", cells, rounds, say)}
