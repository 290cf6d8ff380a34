"""A picture of how large each version is, and how much of it was new to the content store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autolog.shown import words
from autolog.store import SnapshotRecord

__all__ = ["Bar", "Growth", "growth_of"]

_WIDTH, _HEIGHT = 720.0, 120.0
_MOST_BARS = 180


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


def growth_of(snapshots: Sequence[SnapshotRecord]) -> Growth | None:
    """The picture of versions, oldest first; None for fewer than two whose size is known.

    Of very many versions several share a bar: the largest of them is drawn.
    """
    known = [each for each in snapshots if each.size is not None]
    if len(known) < 2:
        return None
    step = -(-len(known) // _MOST_BARS)
    groups = [known[start : start + step] for start in range(0, len(known), step)]
    largest = max(each.size or 0 for each in known) or 1
    slot = min(_WIDTH / len(groups), 36.0)
    bars = []
    for number, group in enumerate(groups):
        top = max(group, key=lambda each: each.size or 0)
        size, stored = top.size or 0, min(top.stored or 0, top.size or 0)
        title = f"v{top.version}: {words.size(size)}"
        if top.stored is not None:
            title += f", {words.size(top.stored)} of it stored anew"
        bars.append(
            Bar(
                round(number * slot, 2),
                round(max(slot - (2 if slot > 6 else 0.5), 0.5), 2),
                round(max(size / largest * _HEIGHT, 1.0), 2),
                round(stored / largest * _HEIGHT, 2),
                title,
            )
        )
    added = [each.stored for each in known if each.stored is not None]
    total = sum(each.size or 0 for each in known)
    width = round(slot * len(groups), 2)
    return Growth(
        width,
        _HEIGHT,
        bars,
        largest,
        total,
        sum(added) if added else None,
        known[0].version,
        known[-1].version,
    )
