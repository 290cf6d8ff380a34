"""Which test shows a row of the checklist of the pages (rows.txt): `@covers_row("Model table", "sort")`.

python tests/browser/rows.py      prints the rows and their tests
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

__all__ = ["ROWS", "Row", "covered", "covers_row"]

HERE = Path(__file__).resolve().parent
_F = TypeVar("_F", bound=Callable[..., object])


class Row(NamedTuple):
    """One line of rows.txt, without what it is to do."""

    room: str
    name: str


def _read() -> dict[Row, str]:
    found = {}
    for line in (HERE / "rows.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            room, name, does = (each.strip() for each in line.split("|"))
            found[Row(room, name)] = does
    return found


#: The row -> what it is to do.
ROWS = _read()


def covers_row(room: str, name: str) -> Callable[[_F], _F]:
    """The test below shows what this row says. Raises KeyError for a row that isn't in rows.txt."""
    ROWS[Row(room, name)]
    return lambda test: test


def covered() -> dict[Row, list[str]]:
    """The tests of each row, as the files of tests say: whichever of them run now."""
    found: dict[Row, list[str]] = {each: [] for each in ROWS}
    for path in sorted(HERE.glob("test_*.py")):
        for test in ast.parse(path.read_text("utf-8")).body:
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                for row in _rows_of(test):
                    found[row].append(f"{path.stem}.{test.name}")
    return found


def _rows_of(test: ast.FunctionDef) -> list[Row]:
    return [
        Row(*(ast.literal_eval(each) for each in mark.args))
        for mark in test.decorator_list
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "covers_row"
    ]


if __name__ == "__main__":
    for row, tests in covered().items():
        print(f"{row.room}, {row.name}: {', '.join(tests) or 'NONE'}")
