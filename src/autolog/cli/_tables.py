"""Tables: rich ones on a terminal, plain aligned text anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._out import emit, is_terminal, safe

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Column", "show_facts", "show_table", "show_title"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title; numbers stand to the right, `whole` ones are never broken. One that is `only_filled`
    is left out where all of its cells are empty.
    """

    title: str
    right: bool = False
    whole: bool = True
    only_filled: bool = False


def show_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], indent: int = 0) -> None:
    """Write a table to stdout."""
    clean = [[safe(cell).replace("\n", " ") for cell in row] for row in rows]
    shown = [at for at, each in enumerate(columns) if not each.only_filled or any(row[at] for row in clean)]
    columns = [columns[at] for at in shown]
    clean = [[row[at] for at in shown] for row in clean]
    if is_terminal():
        _show_rich(columns, clean, indent)
    else:
        emit("\n".join(_plain(columns, clean, indent)))


def show_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Write `name  value` lines, leaving out those without a value."""
    found = [(name, safe(value)) for name, value in facts if value]
    width = max((len(name) for name, _ in found), default=0)
    emit("\n".join(f"{name:<{width}}  {value}" for name, value in found))


def show_title(text: str) -> None:
    """Write a heading, an empty line before it."""
    if is_terminal():
        from rich.text import Text

        _console().print(Text(f"\n{safe(text)}", style="bold"))
    else:
        emit(f"\n{safe(text)}")


def _console() -> Console:
    from rich.console import Console

    # Colours off where NO_COLOR says so: rich looks at it by itself.
    return Console(highlight=False)


def _show_rich(columns: Sequence[Column], rows: list[list[str]], indent: int) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=column.whole,
            overflow="ellipsis" if column.whole else "fold",
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: brackets in a name are no markup
    _console().print(Padding(table, (0, 0, 0, indent)))


def _plain(columns: Sequence[Column], rows: list[list[str]], indent: int) -> Iterable[str]:
    widths = [
        max(len(column.title), *(len(row[at]) for row in rows)) if rows else len(column.title)
        for at, column in enumerate(columns)
    ]
    for row in ([column.title for column in columns], *rows):
        cells = (
            cell.rjust(width) if column.right else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        )
        yield " " * indent + "  ".join(cells).rstrip()
