"""Reading protocol buffers field by field, stepping over what nobody needs.

A message is a sequence of fields: a number that tells which and how it is written, then a value; texts,
bytes and messages begin with their length. Nothing tells where a message is one: who reads must know.
(https://protobuf.dev/programming-guides/encoding)
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

from autolog.errors import UnreadableWeights
from autolog.formats._source import Enough, FileSource, Source

__all__ = ["Field", "Wire", "signed", "varints"]

_MOST_FIELDS = 3_000_000
_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5


class Field(NamedTuple):
    """One field: its number, and its value if that is a plain number, else its `length`, -1 for none.

    The source then stands at the first of the `length` bytes.
    """

    number: int
    value: int
    length: int = -1


class Wire:
    """Reads messages from `source`; all together at most three million fields."""

    def __init__(self, source: Source, most: int = _MOST_FIELDS) -> None:
        self.source = source
        self._left = most

    @classmethod
    def of(cls, data: bytes) -> Wire:
        """One that reads from memory."""
        return cls(FileSource(io.BytesIO(data), 0, len(data)))

    def fields(self, length: int) -> Iterator[Field]:
        """The fields of the message in the next `length` bytes; what nobody takes is stepped over."""
        source = self.source
        end = source.position + length
        while source.position < end:
            self._left -= 1
            if self._left < 0:
                raise Enough("more fields than we read")
            key = self._varint()
            number, kind = key >> 3, key & 7
            if kind == _VARINT:
                yield Field(number, self._varint())
            elif kind == _SIZED:
                size = self._varint()
                after = source.position + size
                if after > end:
                    raise UnreadableWeights(f"malformed before byte {source.position}: a field is too long")
                yield Field(number, 0, size)
                source.skip(after - source.position)
            elif kind in (_EIGHT, _FOUR):
                yield Field(number, int.from_bytes(source.take(8 if kind == _EIGHT else 4), "little"))
            else:
                raise UnreadableWeights(f"malformed before byte {source.position}: a field of no known kind")
        if source.position != end:
            raise UnreadableWeights(f"malformed before byte {source.position}: a field is too long")

    def text(self, field: Field, longest: int = 1_000) -> str:
        """The text of a field, its beginning if it is longer than `longest` bytes; empty for a number."""
        data = self.source.take(min(max(0, field.length), longest))
        return data.decode("utf-8", "ignore")

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.source.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF
            shift += 7
            if shift > 63:
                raise UnreadableWeights(f"malformed before byte {self.source.position}: an endless number")


def varints(data: bytes) -> list[int]:
    """The numbers in a packed field, signed as `int64` writes them."""
    found: list[int] = []
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(signed(value))
            value = shift = 0
        elif shift > 63:
            raise UnreadableWeights("malformed: an endless number")
    return found


def signed(value: int) -> int:
    """A 64-bit number as `int64` means it."""
    value &= 0xFFFF_FFFF_FFFF_FFFF
    return value - (1 << 64) if value >= 1 << 63 else value
