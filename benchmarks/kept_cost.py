"""What keeping every version costs: bytes, time, the agent's CPU; and how fast versions come back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .peers import AUTOLOG, BARE, KEEPERS, KEEPING, Tool
from .processes import Sandbox
from .rounds import Cell, Say, interleaved

__all__ = ["measure"]

MB = 1000**2
SIZE, QUICK_SIZE = 200 * MB, 40 * MB
SAVES = 10
RESTORING = Path(__file__).resolve().parent / "restoring.py"

#: What is saved: the share of the weights that is frozen, and what the weights are; two tensors of 1 MB and
#: 2 KB for each layer, or what `layers` says.
CASES = {
    "trained": {"kind": "float32", "frozen": 0.0},
    "frozen": {"kind": "float32", "frozen": 0.95},
    "bfloat16": {"kind": "bfloat16", "frozen": 0.0},
    "with Adam": {"kind": "adam", "frozen": 0.0},
    "random": {"kind": "random", "frozen": 0.0},
    "one layer": {"kind": "float32", "frozen": 0.0, "layers": 1},
}
#: Those that only autolog is asked for.
OWN = ("bfloat16", "with Adam", "random")


def measure(sandbox: Sandbox, rounds: int, quick: bool, say: Say) -> dict[str, Any]:
    """Ten saves over one path with each tool, what they left, and how fast autolog keeps and restores."""
    size = QUICK_SIZE if quick else SIZE
    looking = _Looking(sandbox, size, say)
    looking.learn(("trained", "frozen", *OWN))
    cost = interleaved(sandbox, "kept", looking.cells("trained", KEEPERS), rounds, say, looking.look)
    apart = [looking.cells("frozen", [each for each in KEEPERS if each not in (BARE, AUTOLOG)])]
    apart += [looking.cells(case, [KEEPING]) for case in OWN]
    others = [cell for cells in apart for cell in cells]
    found = interleaved(sandbox, "kept", others, 1, say, looking.look)
    rates = interleaved(sandbox, "kept", _watched(size, quick), rounds, say)
    return {
        "size": size,
        "saves": SAVES,
        "left": looking.left,
        "apart": found,
        "rates": rates,
        "watched": _watched_saves(quick),
        **cost,
    }


def _plan(case: str, size: int, **more: Any) -> dict[str, Any]:
    plan = {"size": size, "saves": SAVES, "layers": 0, "digests": False, "watch": False, "keeps": False}
    return {**plan, **CASES[case], **more}


def _watched_saves(quick: bool) -> int:
    return 4 if quick else 6


def _watched(size: int, quick: bool) -> list[Cell]:
    """Saves that are waited for; of many and of one, whose difference is what the agent uses for a save."""
    cells = []
    wanted = [(AUTOLOG, "one layer"), (AUTOLOG, "trained"), (KEEPING, "trained"), (KEEPING, "frozen")]
    for tool, case in wanted:
        for count in (1, _watched_saves(quick)):
            plan = _plan(case, size, watch=True, saves=count, keeps=tool is KEEPING)
            cells.append(Cell(f"{tool.name}: {case} x{count}", tool, plan))
    return cells


class _Looking:
    """Looks at what the tools have left: how many bytes, and which of the saves they still have."""

    def __init__(self, sandbox: Sandbox, size: int, say: Say) -> None:
        self._sandbox = sandbox
        self._size = size
        self._say = say
        self._digests: dict[str, list[str]] = {}
        #: Case -> tool -> what it has left.
        self.left: dict[str, dict[str, dict[str, Any]]] = {}

    def learn(self, cases: Iterable[str]) -> None:
        """Have the script alone tell the digests of its saves, which are the same in every run."""
        for case in cases:
            self._say(f"kept: the digests of {case}")
            run = self._sandbox.run("kept", BARE, _plan(case, self._size, digests=True))
            self._digests[case] = run.result["digests"]

    def cells(self, case: str, tools: Iterable[Tool]) -> list[Cell]:
        """One cell for each tool that saves this case."""
        return [Cell(f"{tool.name}: {case}", tool, _plan(case, self._size)) for tool in tools]

    def look(self, cell: Cell) -> None:
        """Look at what a run has left, once for each tool and case. Raises Failed."""
        case = cell.label.rpartition(": ")[2]
        seen = self.left.setdefault(case, {})
        tool = cell.tool
        if tool.name in seen or tool in (BARE, AUTOLOG):
            return
        wanted, before = set(self._digests[case]), self._sandbox.laid_out
        self._say(f"kept: what {cell.label} has left")
        stored = self._stored(tool) - before
        if tool is not KEEPING:
            seen[tool.name] = {"stored": stored, "recovered": len(wanted & self._digests_left(tool))}
            return
        first = self._ask("restore", "verify")
        again = self._ask("repack")
        repacked = self._stored(tool) - before
        again |= self._ask("restore", "verify")
        seen[tool.name] = {
            "stored": stored,
            "recovered": len(wanted & {row["digest"] for row in first["restored"]}),
            "repacked": repacked,
            "recovered repacked": len(wanted & {row["digest"] for row in again["restored"]}),
            "first": first,
            "again": again,
        }

    def _ask(self, *what: str) -> dict[str, Any]:
        return self._sandbox.ask(KEEPING, RESTORING, {"do": what})

    def _files(self, tool: Tool) -> list[Path]:
        """What it left, without the file that the script itself has written."""
        own = self._sandbox.project / "weights.pt"
        return [path for path in self._sandbox.files(tool).values() if path != own]

    def _stored(self, tool: Tool) -> int:
        return sum(path.stat().st_size for path in self._files(tool))

    def _digests_left(self, tool: Tool) -> set[str]:
        """The digests of all files large enough to be one of the saves."""
        found = set()
        for path in self._files(tool):
            if path.stat().st_size >= self._size // 2:
                with open(path, "rb") as file:
                    found.add(hashlib.file_digest(file, "sha256").hexdigest())
        return found
