"""What one line at the top of a script costs: CPU of fresh processes that start the tool and end."""

from __future__ import annotations

from typing import Any

from .peers import FRAMEWORKS, STARTED
from .processes import Sandbox
from .rounds import Cell, Say, interleaved

__all__ = ["measure"]


def measure(sandbox: Sandbox, rounds: int, say: Say) -> dict[str, Any]:
    """CPU seconds of each start, and which frameworks' modules are loaded after it."""
    found = interleaved(sandbox, "start", [Cell(tool.name, tool) for tool in STARTED], rounds, say)
    found["frameworks"] = {
        label: [name for name in FRAMEWORKS if name in runs[-1]["result"]["modules"].split()]
        for label, runs in found["runs"].items()
        if runs
    }
    return found
