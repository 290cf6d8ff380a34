"""What became of each tensor from one snapshot of a model to another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import BinaryIO, NamedTuple

from autolog.formats._arrays import element_bytes
from autolog.formats._elements import PIECE, Allowance, evenly, pieces
from autolog.formats._numbers import as_numbers, can_calculate, differ
from autolog.formats._shape import Change, Contents, Place, Stored, Tensor
from autolog.formats._shards import Shard, prefixed
from autolog.formats._source import Enough

__all__ = ["Side", "compare"]

_ELEMENTS = PIECE // 8  # that are compared at once, as double precision


class Side:
    """The tensors of one snapshot by their names within the model; `close` closes what was opened."""

    def __init__(self, files: list[Shard]) -> None:
        self.tensors: dict[str, tuple[Stored, Shard]] = {}
        for prefix, shard in prefixed(files):
            for stored in _stored(shard.contents):
                self.tensors.setdefault(prefix + stored.key, (stored, shard))
        self._allowances = {shard.name: Allowance(shard.size) for shard in files}
        self._opened: tuple[Shard, BinaryIO] | None = None
        self._stack = ExitStack()

    def elements(self, key: str) -> Iterator[bytes]:
        """The bytes of that tensor, a piece at a time."""
        stored, shard = self.tensors[key]
        if self._opened is None or self._opened[0] is not shard:
            self.close()
            self._opened = shard, self._stack.enter_context(shard.opener())
        return pieces(self._opened[1], stored, self._allowances[shard.name])

    def close(self) -> None:
        """Close the file that is open."""
        self._stack.close()
        self._opened = None


def _stored(contents: Contents) -> tuple[Stored, ...]:
    """The model's tensors; of formats whose bytes we don't find, all names that are listed."""
    rows = contents.tensors
    return contents.stored or tuple(Stored(row.name, row.name, row.shape, row.dtype, 0, None) for row in rows)


class _Numbers(NamedTuple):
    """How far two tensors of one shape are apart, as `Change` has it; nothing if they are the same."""

    norm: float | None = None
    relative: float | None = None
    largest: float | None = None
    share: float | None = None
    nonfinite: int | None = None


def compare(old: Side, new: Side) -> tuple[Change, ...]:
    """What became of each tensor, by name; the files must be the ones that the sides were made of."""
    known: dict[tuple[object, ...], Change] = {}
    found: list[Change] = []
    for key in sorted({**old.tensors, **new.tensors}):
        before, after = _row(old.tensors, key), _row(new.tensors, key)
        if before is None or after is None:
            found.append(Change(key, "removed" if after is None else "added", before, after))
        elif before.shape != after.shape:
            found.append(Change(key, "reshaped", before, after))
        else:
            # Tied tensors are compared once.
            what = (before.shape, *_what(old, key), *_what(new, key))
            if what not in known:
                known[what] = _compared(old, new, key, Change(key, "unchanged", before, after))
            found.append(replace(known[what], name=key, old=before, new=after))
    return tuple(found)


def _row(tensors: Mapping[str, tuple[Stored, Shard]], key: str) -> Tensor | None:
    if key not in tensors:
        return None
    stored = tensors[key][0]
    return Tensor(stored.name, stored.shape, stored.dtype)


def _what(side: Side, key: str) -> tuple[str, Place | str, str]:
    stored, shard = side.tensors[key]
    return shard.name, stored.place or key, stored.dtype


def _compared(old: Side, new: Side, key: str, same: Change) -> Change:
    before, after = old.tensors[key][0], new.tensors[key][0]
    kind = "changed" if before.dtype == after.dtype else "retyped"
    if (before.place is None or after.place is None) and 0 not in before.shape:
        return replace(same, kind="unseen" if kind == "changed" else kind)
    try:
        if kind == "changed" and _is_same(old, new, key):
            return same
        if not can_calculate(before.dtype) or not can_calculate(after.dtype):
            return replace(same, kind=kind)
        numbers = _numbers(old, new, key)
    except Enough:
        return replace(same, kind="unseen" if kind == "changed" else kind)
    return Change(key, kind, same.old, same.new, *numbers)


def _is_same(old: Side, new: Side, key: str) -> bool:
    one, other = evenly(old.elements(key), PIECE), evenly(new.elements(key), PIECE)
    return all(piece == next(other, b"") for piece in one)


def _numbers(old: Side, new: Side, key: str) -> _Numbers:
    import numpy as np

    kinds = old.tensors[key][0].dtype, new.tensors[key][0].dtype
    sides = [
        evenly(side.elements(key), _ELEMENTS * (element_bytes(kind) or 1))
        for side, kind in zip((old, new), kinds, strict=True)
    ]
    squares = of_old = largest = 0.0
    count = changed = nonfinite = 0
    with np.errstate(all="ignore"):
        for one, other in zip(*sides, strict=False):
            before, after = as_numbers(one, kinds[0]), as_numbers(other, kinds[1])
            different = differ(one, other, kinds[0]) if kinds[0] == kinds[1] else before != after
            finite = np.isfinite(before) & np.isfinite(after)
            apart = np.abs(np.where(finite, after - before, 0))
            known = np.abs(np.where(np.isfinite(before), before, 0))
            squares += float(apart @ apart)
            of_old += float(known @ known)
            largest = max(largest, float(apart.max(initial=0)))
            count += len(before)
            changed += int(different.sum())
            nonfinite += int((different & ~finite).sum())
    norm, whole = math.sqrt(squares), math.sqrt(of_old)
    return _Numbers(norm, norm / whole if whole else None, largest, changed / max(1, count), nonfinite)
