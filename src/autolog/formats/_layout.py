"""Where in a file the raw elements of tensors lie, noted while the file is looked into."""

from __future__ import annotations

from collections.abc import Iterable

from autolog.formats._shape import Region

__all__ = ["Layout", "ordered"]


class Layout:
    """The places found so far in one file: `regions` in any order, `starts` of storages by their key.

    `big` says that the elements' bytes are in big-endian order where the format tells that for all of them.
    """

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.starts: dict[str, int] = {}
        self.big = False

    def add(self, start: int | None, length: int, itemsize: int | None, dtype: str) -> None:
        """Note that many bytes at offset `start` of the file; nothing where they aren't in it as they are."""
        if start is not None and length > 0:
            self.regions.append(Region(start, length, itemsize or 1, dtype))

    def storage(self, key: str, start: int | None, length: int, dtype: str, itemsize: int | None) -> None:
        """Note the place of a storage, once."""
        if start is not None and key not in self.starts:
            self.starts[key] = start
            self.add(start, length, itemsize, dtype)


def ordered(regions: Iterable[Region], size: int) -> tuple[Region, ...]:
    """The regions by offset; of those that overlap the first, none that reaches beyond `size` bytes."""
    found: list[Region] = []
    end = 0
    for region in sorted(regions, key=lambda region: (region.offset, -region.length)):
        if region.offset >= end and region.length > 0 and region.offset + region.length <= size:
            found.append(region)
            end = region.offset + region.length
    return tuple(found)
