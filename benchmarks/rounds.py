"""Interleaved rounds: A B C, B C A, C A B ..., so that a slow minute of the machine hits every tool alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .peers import Tool
from .processes import Failed, Sandbox

__all__ = ["Cell", "Say", "interleaved"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing measured once a round: a tool with what its workload is told to do."""

    label: str
    tool: Tool
    plan: Mapping[str, Any] = field(default_factory=dict)


def interleaved(
    sandbox: Sandbox,
    workload: str,
    cells: Sequence[Cell],
    rounds: int,
    say: Say,
    look: Callable[[Cell], None] = lambda cell: None,
) -> dict[str, Any]:
    """Warm every tool up, then run every cell `rounds` times; the runs by label, and what failed.

    A tool that fails once is left out from then on, and its last words are in the report. `look` is called
    after each run, while what it has left is still there.
    """
    runs: dict[str, list[dict[str, Any]]] = {cell.label: [] for cell in cells}
    failed: dict[str, str] = {}
    counts: dict[str, list[int | None]] = {}
    for tool in {cell.tool.name: cell.tool for cell in cells}.values():
        say(f"{workload}: {tool.name} is warm, or is made so")
        try:
            sandbox.warm_up(tool)
        except Failed as error:
            failed[tool.name] = str(error)
    for number in range(rounds):
        shift = number % len(cells)
        for cell in [*cells[shift:], *cells[:shift]]:
            if cell.tool.name in failed:
                continue
            say(f"{workload}: round {number + 1} of {rounds}, {cell.label}")
            try:
                run = sandbox.run(workload, cell.tool, cell.plan)
                look(cell)
            except Failed as error:
                failed[cell.tool.name] = str(error)
                continue
            runs[cell.label].append(asdict(run))
            if cell.tool.count:
                counts.setdefault(cell.label, []).append(sandbox.count(cell.tool))
    return {"runs": runs, "failed": failed, "counts": counts}
