"""Sorted-string tables as LevelDB and TensorFlow write them: sorted keys, and a value for each.

A footer of 48 bytes points to an index block, whose values point to data blocks. In a block each entry says
how many bytes of the key it shares with the one before, how many follow, and how long its value is.
(https://github.com/google/leveldb, `doc/table_format.md`.)
"""

from __future__ import annotations

from collections.abc import Iterator

from autolog.errors import UnreadableWeights
from autolog.formats._pages import Pages
from autolog.formats._source import Enough

__all__ = ["FOOTER", "MAGIC", "entries"]

FOOTER = 48
MAGIC = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
_LARGEST_BLOCK = 1 << 24
_LONGEST_KEY = 1 << 14


def entries(pages: Pages) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a table, in its order, which is that of the keys.

    That also keeps a table from listing one block again and again.
    """
    footer = pages.take(pages.size - FOOTER, FOOTER)
    if footer[-8:] != MAGIC:
        raise UnreadableWeights("truncated or malformed: a table without its end")
    at = 0
    numbers: list[int] = []
    while len(numbers) < 4:
        number, at = _varint(footer, at)
        numbers.append(number)
    last: bytes | None = None
    for _, place in _block(pages, numbers[2], numbers[3]):
        offset, at = _varint(place, 0)
        length, _ = _varint(place, at)
        for key, value in _block(pages, offset, length):
            if last is not None and key <= last:
                raise UnreadableWeights("malformed: the keys of a table aren't in order")
            last = key
            yield key, value


def _block(pages: Pages, offset: int, length: int) -> Iterator[tuple[bytes, bytes]]:
    if length > _LARGEST_BLOCK:
        raise Enough(f"a block of {length} bytes in a table")
    data = pages.take(offset, length + 5)  # the type of compression and a checksum follow
    if data[length]:
        raise Enough("a table that is compressed")
    data = data[:length]
    if length < 4:
        raise UnreadableWeights("malformed: a block of a table is cut off")
    restarts = int.from_bytes(data[-4:], "little")
    end = length - 4 - 4 * restarts
    if end < 0:
        raise UnreadableWeights("malformed: a block of a table has no place for its own index")
    key, at = b"", 0
    while at < end:
        shared, at = _varint(data, at)
        more, at = _varint(data, at)
        size, at = _varint(data, at)
        if shared > len(key) or at + more + size > end or shared + more > _LONGEST_KEY:
            raise UnreadableWeights("malformed: an entry of a table is cut off")
        pages.spend(shared + more)  # what it shares with the key before is made once more
        key = key[:shared] + data[at : at + more]
        yield key, data[at + more : at + more + size]
        at += more + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift <= 63:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise UnreadableWeights("malformed: a number in a table is cut off")
