"""A picture of how large each version is, and how much of it was new to the content store."""

from __future__ import annotations

from typing import NamedTuple

from autolog.shown import words
from autolog.store import Growing

__all__ = ["Bar", "Growth", "growth_of"]

_WIDTH, _HEIGHT = 720.0, 120.0


class Bar(NamedTuple):
    """A version's place in the picture; `stored` is the height of what was added by keeping it."""

    x: float
    width: float
    height: float
    stored: float
    title: str


class Growth(NamedTuple):
    """The picture; `total` is all versions as they are, `stored` what keeping them took, None if none is."""

    width: float
    height: float
    bars: list[Bar]
    largest: int
    total: int
    stored: int | None
    first: int
    last: int


def growth_of(found: Growing | None) -> Growth | None:
    """The picture of versions, a bar for each stretch of them."""
    if found is None:
        return None
    largest = max(each.size for each in found.largest) or 1
    slot = min(_WIDTH / len(found.largest), 36.0)
    bars = []
    for number, each in enumerate(found.largest):
        stored = min(each.stored or 0, each.size)
        title = f"v{each.version}: {words.size(each.size)}"
        if each.stored is not None:
            title += f", {words.size(each.stored)} of it stored anew"
        bars.append(
            Bar(
                round(number * slot, 2),
                round(max(slot - (2 if slot > 6 else 0.5), 0.5), 2),
                round(max(each.size / largest * _HEIGHT, 1.0), 2),
                round(stored / largest * _HEIGHT, 2),
                title,
            )
        )
    width = round(slot * len(bars), 2)
    return Growth(width, _HEIGHT, bars, largest, found.total, found.stored, found.first, found.last)
