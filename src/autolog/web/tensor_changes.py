"""What became of the tensors of one version in another: worked out when it is asked for, and remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from autolog.errors import AutologError, StoreError
from autolog.keeping import tensor_changes
from autolog.store import ContentsRecord, SnapshotRecord

from .comparing import Side
from .site import Site

if TYPE_CHECKING:
    from autolog.formats import Change

__all__ = ["ORDERS", "Against", "TensorRow", "changes_of", "rows_of"]

#: Of more bytes than that, both versions together, the numbers are only worked out when somebody says so,
_AT_ONCE = 512_000_000
#: and of more than that not by a page at all: nobody waits for it, and a command does it as well.
_MOST = 32_000_000_000
_HELD = 24
ORDERS = ("name", "norm", "relative", "largest", "share")
#: One at a time: it takes processor time.
_working = threading.Lock()
_found: OrderedDict[tuple[str, str], tuple[Change, ...]] = OrderedDict()


class Cell(NamedTuple):
    """What became of a tensor in one version, as in `formats.Change`; `kind` is empty if nobody looked."""

    kind: str
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    norm: float | None = None
    relative: float | None = None
    largest: float | None = None
    share: float | None = None
    nonfinite: int | None = None


class Against(NamedTuple):
    """A version beside the base: its tensors by name, and `problem` if their bytes could not be compared.

    `waits` are the bytes that would have to be read, if that is for somebody to say; `is_too_much` if a page
    doesn't do it at all. `has_numbers` is false where only names, shapes and types were compared.
    """

    side: Side
    cells: dict[str, Cell]
    problem: str = ""
    waits: int = 0
    is_too_much: bool = False
    has_numbers: bool = False
    is_identical: bool = False
    changes: tuple[Change, ...] = ()


class TensorRow(NamedTuple):
    """A tensor of the base, if it has it, and what became of it in each of the others."""

    name: str
    shape: tuple[int, ...] | None
    dtype: str
    cells: tuple[Cell, ...]

    @property
    def is_same(self) -> bool:
        """Whether it is the same everywhere."""
        return all(each.kind == "unchanged" for each in self.cells)

    def largest(self, order: str) -> float:
        """The largest of a number among the others, to sort by; those added and removed come first."""
        if any(each.kind in ("added", "removed", "reshaped") for each in self.cells):
            return float("inf")
        return max(
            (value for each in self.cells if (value := getattr(each, order)) is not None), default=-1.0
        )


def changes_of(site: Site, base: Side, other: Side, *, wanted: bool) -> Against:
    """What became of the base's tensors in another version. Raises StoreError.

    Where the bytes are too many to be read unasked, or can't be read, the recorded tables of tensors are
    compared.
    """
    old, new = base.snapshot, other.snapshot
    if old is None or new is None:
        return Against(other, {}, "one of them has no version")
    if old.digest is not None and old.digest == new.digest:
        listed = _recorded(site, old)
        same = {name: Cell("unchanged", shape, dtype) for name, (shape, dtype) in listed.items()}
        return Against(other, same, has_numbers=True, is_identical=True)
    key = (old.digest or f"#{old.id}", new.digest or f"#{new.id}")
    # What needs no work doesn't wait for those that do.
    changes = _found.get(key)
    if changes is None:
        size = (old.size or 0) + (new.size or 0)
        if size > _MOST or (size > _AT_ONCE and not wanted):
            cells = _by_tables(_recorded(site, old), _recorded(site, new))
            return Against(other, cells, waits=size, is_too_much=size > _MOST)
        try:
            changes = _worked_out(site, key, old, new)
        except StoreError:
            raise
        except AutologError as error:
            cells = _by_tables(_recorded(site, old), _recorded(site, new))
            return Against(other, cells, problem=str(error))
    return Against(other, {each.name: _cell(each) for each in changes}, has_numbers=True, changes=changes)


def _worked_out(
    site: Site, key: tuple[str, str], old: SnapshotRecord, new: SnapshotRecord
) -> tuple[Change, ...]:
    with _working:
        changes = _found.get(key)
        if changes is None:
            changes = _found[key] = tensor_changes(old, new, site.kept, site.settings)
            while len(_found) > _HELD:
                _found.popitem(last=False)
        return changes


def rows_of(site: Site, base: Side, found: Sequence[Against], order: str) -> list[TensorRow]:
    """A row for each tensor, by name, or by the largest of a number first."""
    old: dict[str, tuple[tuple[int, ...], str]] = {}
    if base.snapshot is not None and any(not each.changes for each in found):
        old = _recorded(site, base.snapshot)
    for each in found:
        for change in each.changes:
            if change.old is not None:
                old[change.name] = (change.old.shape, change.old.dtype)
    names = sorted({*old, *(name for each in found for name in each.cells)})
    rows = []
    for name in names:
        shape, dtype = old.get(name, (None, ""))
        cells = tuple(each.cells.get(name) or Cell("" if name in old else "missing") for each in found)
        rows.append(TensorRow(name, shape, dtype, cells))
    if order in ORDERS[1:]:
        rows.sort(key=lambda row: (-row.largest(order), row.name))
    return rows


def _cell(change: Change) -> Cell:
    after = change.new
    return Cell(
        change.kind,
        None if after is None else after.shape,
        "" if after is None else after.dtype,
        change.norm,
        change.relative,
        change.largest,
        change.share,
        change.nonfinite,
    )


def _recorded(site: Site, snapshot: SnapshotRecord) -> dict[str, tuple[tuple[int, ...], str]]:
    """The tensors of a version as they were recorded."""
    contents: ContentsRecord | None = None
    if snapshot.digest is not None:
        contents = site.store.contents(snapshot.digest)
    return {name: (shape, dtype) for name, shape, dtype in (contents.tensors if contents else ())}


def _by_tables(
    old: dict[str, tuple[tuple[int, ...], str]], new: dict[str, tuple[tuple[int, ...], str]]
) -> dict[str, Cell]:
    """What names, shapes and types tell."""
    found = {}
    for name in {*old, *new}:
        if name not in new:
            found[name] = Cell("removed")
        elif name not in old:
            found[name] = Cell("added", *new[name])
        elif old[name][0] != new[name][0]:
            found[name] = Cell("reshaped", *new[name])
        else:
            found[name] = Cell("retyped" if old[name][1] != new[name][1] else "unseen", *new[name])
    return found
