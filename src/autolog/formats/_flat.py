"""Reading FlatBuffers: tables of fields that are found by offsets, in any order.

A table begins with how far back its list of offsets lies; a vector with its length; a text is a vector of
bytes. All is little-endian, and every offset is checked. (https://flatbuffers.dev/internals)
"""

from __future__ import annotations

from collections.abc import Iterator

from autolog.errors import UnreadableWeights
from autolog.formats._pages import Pages

__all__ = ["Table", "root"]

_LONGEST_VECTOR = 1 << 24  # elements that are walked through


class Table:
    """One table at offset `at`; fields are numbered as the schema lists them."""

    def __init__(self, pages: Pages, at: int) -> None:
        self._pages = pages
        self._at = at
        back = at - pages.number(at, 4, signed=True)
        length = pages.number(back, 2)
        if length < 4 or length % 2:
            raise UnreadableWeights("malformed FlatBuffer: a table without its fields")
        #: two bytes a field
        self._offsets = pages.take(back + 4, length - 4)

    def number(self, field: int, width: int = 4, signed: bool = False, missing: int = 0) -> int:
        """A number of that many bytes."""
        place = self._place(field)
        return missing if place is None else self._pages.number(place, width, signed)

    def table(self, field: int) -> Table | None:
        """The table that a field points to."""
        place = self._place(field)
        return None if place is None else Table(self._pages, self._follow(place))

    def vector(self, field: int, width: int) -> tuple[int, int]:
        """Where a vector's elements of `width` bytes begin, and how many there are, which the file holds."""
        place = self._place(field)
        if place is None:
            return 0, 0
        at = self._follow(place)
        count = self._pages.number(at, 4)
        if at + 4 + count * width > self._pages.size:
            raise UnreadableWeights("truncated: a FlatBuffer's vector reaches beyond the file")
        return at + 4, count

    def numbers(self, field: int, width: int, most: int, signed: bool = True) -> list[int]:
        """At most `most` integers of a vector."""
        at, count = self.vector(field, width)
        data = self._pages.take(at, min(count, most) * width) if count else b""
        steps = range(0, len(data), width)
        return [int.from_bytes(data[step : step + width], "little", signed=signed) for step in steps]

    def tables(self, field: int, most: int) -> Iterator[Table]:
        """At most `most` tables of a vector of them."""
        at, count = self.vector(field, 4)
        for index in range(min(count, most, _LONGEST_VECTOR)):
            yield Table(self._pages, self._follow(at + 4 * index))

    def text(self, field: int, longest: int = 1_000) -> str:
        """A text, its beginning if it is longer than `longest` bytes; empty where there is none."""
        at, count = self.vector(field, 1)
        return self._pages.take(at, min(count, longest)).decode("utf-8", "ignore") if count else ""

    def _place(self, field: int) -> int | None:
        offset = int.from_bytes(self._offsets[2 * field : 2 * field + 2], "little")
        return self._at + offset if offset else None

    def _follow(self, place: int) -> int:
        return place + self._pages.number(place, 4)


def root(pages: Pages) -> Table:
    """The table that the buffer at the beginning of `pages` is."""
    return Table(pages, pages.number(0, 4))
