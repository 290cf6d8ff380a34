"""Texts beside each other, line by line: what is the same stands in one row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from .differing import stretches

__all__ = ["Cell", "Line", "aligned", "laid_out"]

#: Longer texts are compared as far as that.
_LINES = 50_000
#: For all sides together; see `stretches`.
_STEPS = 4_000_000


class Cell(NamedTuple):
    """A line of one of the texts; `kind` is `same`, `changed`, `added`, `removed` or `missing`.

    A `missing` one is not in this text, while it is in another that isn't the base. `number` counts from 1.
    """

    kind: str
    text: str = ""
    number: int | None = None


class Line(NamedTuple):
    """A row: the base's cell first."""

    cells: tuple[Cell, ...]

    @property
    def is_same(self) -> bool:
        """Whether all texts have this line."""
        return all(each.kind == "same" for each in self.cells)


class _Against(NamedTuple):
    """One text by the lines of the base: what stands there, and what comes in before each of them."""

    there: list[Cell]
    before: list[list[Cell]]


def laid_out(design: str | None, most: int = _LINES) -> list[str]:
    """The first lines of a design; JSON in one line is laid out, so that it can be compared at all."""
    text = design or ""
    if text[:1] in ("{", "[") and text.count("\n") < 3:
        try:
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return text.splitlines()[:most]


def aligned(base: Sequence[str], others: Sequence[Sequence[str]]) -> list[Line]:
    """The lines of a base and of others, each of these compared with the base."""
    steps = _STEPS // max(1, len(others))
    sides = [_against(base, other, steps) for other in others]
    found: list[Line] = []
    for at in range(len(base) + 1):
        inserted = [side.before[at] for side in sides]
        for row in range(max(map(len, inserted), default=0)):
            cells = [each[row] if row < len(each) else Cell("missing") for each in inserted]
            found.append(Line((Cell("missing"), *cells)))
        if at < len(base):
            cells = [side.there[at] for side in sides]
            is_same = all(each.kind == "same" for each in cells)
            found.append(Line((Cell("same" if is_same else "changed", base[at], at + 1), *cells)))
    return found


def _against(base: Sequence[str], other: Sequence[str], steps: int) -> _Against:
    there = [Cell("removed")] * len(base)
    before: list[list[Cell]] = [[] for _ in range(len(base) + 1)]
    for is_same, i, j, k, m in stretches(base, other, steps):
        kind = "same" if is_same else "changed"
        paired = min(j - i, m - k)
        for step in range(paired):
            there[i + step] = Cell(kind, other[k + step], k + step + 1)
        before[j] += [Cell("added", other[at], at + 1) for at in range(k + paired, m)]
    return _Against(there, before)
