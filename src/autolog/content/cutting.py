"""Where a weights file is cut into chunks, so that what did not change between two saves is found again.

At the boundaries of its tensors, where the format shows them: a tensor that was not trained gives the same
chunks wherever it lies. Elsewhere by FastCDC, which cuts where the content says so: a forest that got one
more tree keeps the chunks of the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

__all__ = ["Piece", "Span", "cut"]

#: The largest piece of a tensor in bytes. Looking at one tensor fetches no more than what it needs; a row of
#: an embedding that changed brings a megabyte of new chunks along.
PIECE = 1 << 20
#: A tensor below this size goes with what is around it: chunks of a few bytes cost more than they save.
_SMALL = 1 << 14
#: What lies between tensors is one chunk up to this size.
_WHOLE = 1 << 16
#: A file above this many bytes is cut into larger pieces by FastCDC, so that its list of chunks stays short.
_LARGE_FILE = 256 << 20


class Span(Protocol):
    """A range of a file that holds the raw elements of an array."""

    @property
    def offset(self) -> int:
        """Its first byte."""

    @property
    def length(self) -> int:
        """How many bytes."""

    @property
    def itemsize(self) -> int:
        """The size of one element in bytes."""


class Piece(NamedTuple):
    """One chunk of a file; `itemsize` is 1 where it is no array."""

    offset: int
    data: bytes
    itemsize: int


def cut(descriptor: int, size: int, spans: Sequence[Span]) -> Iterator[Piece]:
    """The pieces of an open file of `size` bytes, from its first byte to its last, without a gap.

    `spans` are sorted and don't overlap. A file that has become shorter ends early: whoever asks has to
    compare the digest.
    """
    at = 0
    for span in spans:
        if span.length < _SMALL or span.offset < at or span.offset + span.length > size:
            continue
        yield from _between(descriptor, at, span.offset, size)
        at = span.offset + span.length
        step = PIECE - PIECE % max(1, span.itemsize)
        for offset in range(span.offset, at, step):
            data = read_at(descriptor, offset, min(step, at - offset))
            if data:
                yield Piece(offset, data, span.itemsize)
    yield from _between(descriptor, at, size, size)


def _between(descriptor: int, start: int, end: int, size: int) -> Iterator[Piece]:
    if end - start <= _WHOLE:
        data = read_at(descriptor, start, end - start)
        if data:
            yield Piece(start, data, 1)
        return
    from pyfastcdc import FastCDC

    average = 1 << 14 if size <= _LARGE_FILE else 1 << 16
    cutter = FastCDC(avg_size=average, min_size=average // 4, max_size=average * 8)
    offset = start
    for chunk in cutter.cut_stream(_Range(descriptor, start, end)):
        data = bytes(chunk.data)
        yield Piece(offset, data, 1)
        offset += len(data)


class _Range:
    """A range of a file as a stream.

    A description of its own: the file's position belongs to somebody else.
    """

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        self._descriptor = descriptor
        self._at = start
        self._end = end

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer with the next bytes; how many there were."""
        count = min(len(buffer), self._end - self._at)
        if count <= 0:
            return 0
        done = os.preadv(self._descriptor, [buffer[:count]], self._at)
        self._at += done
        return done


def read_at(descriptor: int, offset: int, count: int) -> bytes:
    """`count` bytes at an offset, fewer where the file ends."""
    data = os.pread(descriptor, count, offset)
    while len(data) < count:
        more = os.pread(descriptor, count - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data
