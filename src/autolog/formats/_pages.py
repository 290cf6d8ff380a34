"""Reading here and there in a file whose offsets may lie.

HDF5, FlatBuffers and sorted-string tables point from place to place. `Pages` checks every offset and
length against the file and bounds how much is read altogether, so that a file can't send us in circles
for long; `Span` is a file inside a file, such as an entry of an archive that isn't compressed, and `Held` one
that was.
"""

from __future__ import annotations

import io
import os

from autolog.errors import UnreadableWeights
from autolog.formats._source import Enough, Seekable, origin_of

__all__ = ["Held", "Pages", "Span"]

_BUDGET = 1 << 27  # bytes
_AT_LEAST = 1 << 22
_TIMES = 256  # a small table is read in a dozen tiny reads, a large one but once
_PER_READ = 64  # what a read costs besides its bytes, so that endless tiny reads are bounded too


class Pages:
    """Random reads of the first `size` bytes of `file`: `budget` bytes in all, fewer of a small file."""

    def __init__(self, file: Seekable, size: int, budget: int = _BUDGET) -> None:
        self._file = file
        self.size = size
        #: where the first byte lies in the file on disk; None where it was decompressed
        self.origin = origin_of(file)
        self._left = min(budget, _AT_LEAST + _TIMES * size)

    def take(self, at: int, count: int) -> bytes:
        """The `count` bytes at offset `at`; `UnreadableWeights` where the file hasn't got them."""
        if at < 0 or count < 0 or at + count > self.size:
            raise UnreadableWeights(f"truncated or malformed: it points to byte {at + count} of {self.size}")
        self.spend(count + _PER_READ)
        self._file.seek(at)
        data = self._file.read(count)
        if len(data) != count:
            raise UnreadableWeights(f"truncated: nothing is at byte {at + len(data)}")
        return data

    def spend(self, count: int) -> None:
        """Account for `count` bytes that are held in memory, though not read once more."""
        self._left -= count
        if self._left < 0:
            raise Enough("more structure than we read")

    def number(self, at: int, width: int, signed: bool = False) -> int:
        """The little-endian integer of `width` bytes at offset `at`."""
        return int.from_bytes(self.take(at, width), "little", signed=signed)


class Span:
    """The bytes of `file` from `start` on, `length` of them, as a file of its own."""

    def __init__(self, file: Seekable, start: int, length: int) -> None:
        self._file = file
        self._start = start
        self._length = length
        self._at = 0
        outer = origin_of(file)
        self.origin = None if outer is None else outer + start

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` next bytes; all that are left if it is negative."""
        left = max(0, self._length - self._at)
        size = left if size < 0 else min(size, left)
        self._file.seek(self._start + self._at)
        data = self._file.read(size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to an offset; as with other files one may go beyond the end."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise io.UnsupportedOperation("negative seek")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """The offset of the next byte."""
        return self._at

    def seekable(self) -> bool:
        """True; `zipfile` asks for it where an entry is compressed."""
        return True


class Held(io.BytesIO):
    """Decompressed bytes in memory, as a file of its own."""

    origin = None
