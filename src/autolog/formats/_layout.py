"""Where in a file the raw elements of tensors lie, noted while the file is looked into."""

from __future__ import annotations

from collections.abc import Iterable

from autolog.formats._arrays import Storage, element_bytes
from autolog.formats._shape import Place, Region

__all__ = ["Layout", "ordered"]


class Layout:
    """The places found so far in one file: `regions` in any order, the storages of PyTorch's by their keys.

    `big` says that the elements' bytes are in big-endian order where the format tells that for all of them.
    """

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.big = False
        self._storages: dict[str, Storage] = {}
        self._starts: dict[str, int] = {}
        self._doubtful: set[str] = set()

    def add(self, start: int | None, length: int, itemsize: int | None, dtype: str) -> None:
        """Note that many bytes at offset `start` of the file; nothing where they aren't in it as they are."""
        if start is not None and length > 0:
            self.regions.append(Region(start, length, itemsize or 1, dtype))

    def meet(self, storage: Storage, doubtful: bool = False) -> bool:
        """Note that a storage was named, wherever it lies; whether it is the first time.

        One named once more with another type or length leaves open what is loaded, so its place isn't told.
        """
        known = self._storages.setdefault(storage.key, storage)
        if doubtful or known != storage:
            self._doubtful.add(storage.key)
        return known is storage

    def put(self, storage: Storage, start: int | None, length: int) -> bool:
        """Note that a storage's `length` bytes lie at that offset; whether it had no place before."""
        if start is None:
            return True
        self.add(start, length, element_bytes(storage.dtype), storage.dtype)
        first = self._starts.setdefault(storage.key, start) == start
        if not first:
            self._doubtful.add(storage.key)
        return first

    def place(self, key: str, dtype: str, shape: tuple[int, ...], piece: tuple[int, ...]) -> Place | None:
        """Where a tensor lies that shows a piece of a storage: its offset and strides in elements."""
        start, itemsize = self._starts.get(key), element_bytes(dtype)
        if start is None or itemsize is None or key in self._doubtful:
            return None
        strides = piece[1:]
        return Place(start + piece[0] * itemsize, () if _row_major(shape, strides) else strides, self.big)


def _row_major(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether the elements lie one after the other in the order of the indices."""
    expected = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length != 1 and stride != expected:
            return False
        expected *= length
    return True


def ordered(regions: Iterable[Region], size: int) -> tuple[Region, ...]:
    """The regions by offset; of those that overlap the first, none that reaches beyond `size` bytes."""
    found: list[Region] = []
    end = 0
    for region in sorted(regions, key=lambda region: (region.offset, -region.length)):
        if region.offset >= end and region.length > 0 and region.offset + region.length <= size:
            found.append(region)
            end = region.offset + region.length
    return tuple(found)
