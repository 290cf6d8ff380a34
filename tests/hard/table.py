"""The table of frameworks and hard cases in docs/hard-cases.md: `python tests/hard/table.py` writes it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["CASES", "PATH", "WITHOUT", "Driver", "drivers", "text"]

HERE = Path(__file__).resolve().parent
PATH = HERE.parent.parent / "docs" / "hard-cases.md"

#: case -> what it is
CASES = {
    "early": "`from x import save` before `init()`",
    "buffer": "into a `BytesIO`",
    "file": "into an open file",
    "pathlike": "to a `PathLike`",
    "chdir": "relative path, then `chdir`",
    "unicode": "unicode and very long name",
    "symlink": "through a symbolic link",
    "overwrite": "same name overwritten",
    "rename": "temporary name, then renamed",
    "raises": "a save that raises half way",
    "nested": "nested frameworks, one capture",
    "threads": "two threads at once",
    "fork": "in a forked child",
    "spawn": "in a spawned child",
    "deleted": "deleted at once",
    "folder_over": "folder saved over an existing one",
    "load_copied": "load of a renamed copy",
    "load_external": "load of an unknown external file",
    "load_fails": "a load that fails",
}

#: hooks that have no column of their own -> why
WITHOUT: dict[str, str] = {}


class Driver(NamedTuple):
    """What a driver's file says of itself; read without importing its framework."""

    key: str
    FRAMEWORK: str
    SUFFIX: str
    KIND: str
    IMPOSSIBLE: dict[str, str]
    READ_BACK: int = 0


def drivers() -> dict[str, Driver]:
    """The drivers by key."""
    found = {}
    for path in sorted((HERE / "drivers").glob("[!_]*.py")):
        said: dict[str, Any] = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            name = getattr(node.targets[0], "id", "") if isinstance(node, ast.Assign) else ""
            if isinstance(node, ast.Assign) and name in Driver._fields:
                said[name] = ast.literal_eval(node.value)
        found[path.stem] = Driver(path.stem, **said)
    return found


def text() -> str:
    """The table as Markdown."""
    known = drivers()
    lines = [
        "# Hard cases",
        "",
        "Made by `python tests/hard/table.py` from the drivers in `tests/hard/drivers`. A tick is the test",
        "`tests/hard/test_hard_cases.py::test_cell[<framework>-<case>]`, a number the fact of the",
        "framework's interface, below, that makes the case impossible.",
        "",
        "| case | " + " | ".join(known) + " |",
        "|---|" + "---|" * len(known),
    ]
    facts: dict[str, int] = {}
    for case, what in CASES.items():
        cells = []
        for driver in known.values():
            fact = driver.IMPOSSIBLE.get(case)
            cells.append("✓" if fact is None else f"({facts.setdefault(fact, len(facts) + 1)})")
        lines.append(f"| `{case}`: {what} | " + " | ".join(cells) + " |")
    lines += ["", *(f"{number}. {fact}." for fact, number in facts.items()), ""]
    if WITHOUT:
        lines += [f"Without a column: {', '.join(f'`{key}` ({why})' for key, why in WITHOUT.items())}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
