"""Kept files as seekable ones, of which only what is asked for is fetched."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from autolog.content import Place, from_recipe
from autolog.errors import IntegrityError

from .reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from autolog.store import Kept, KeptRecord

__all__ = ["open_file"]

#: Bytes that are fetched at once where one byte is asked for: whoever reads on finds them there.
_AHEAD = 1 << 20
#: Bytes of decoded chunks that are held for whoever comes back.
_HELD = 32 << 20


def open_file(file: KeptRecord, kept: Kept, place: Place) -> io.BufferedReader:
    """A kept file, open for reading; looking at one tensor fetches the chunks that it lies in.

    Each chunk is verified as it is read. Reading raises IntegrityError and DestinationError.
    """
    if file.path is not None:
        path = file.path
        return io.BufferedReader(_Ranges(file.size, lambda at, size: place.read(path, at, size)), _AHEAD)
    assert file.recipe_id is not None  # a kept file has either
    chunks = _Chunks(kept.recipe(file.recipe_id), Reading(kept, file.place.id, place))
    if chunks.size != file.size:
        raise IntegrityError(f"its recipe gives {chunks.size} bytes instead of {file.size}")
    return io.BufferedReader(_Ranges(file.size, chunks.read), 1 << 16)


class _Ranges(io.RawIOBase):
    """A file of a known size whose bytes come from a function of offset and length."""

    def __init__(self, size: int, read: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size = size
        self._read = read
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("a position before the beginning of the file")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        count = max(0, min(len(buffer), self._size - self._at))
        if count:
            data = self._read(self._at, count)
            count = len(data)
            buffer[:count] = data
            self._at += count
        return count


class _Chunks:
    """The bytes of a recipe by offset; the latest chunks are held."""

    def __init__(self, recipe: bytes, reading: Reading) -> None:
        entries = list(from_recipe(recipe))
        self._digests = [digest for digest, _ in entries]
        self._starts: list[int] = []
        self.size = 0
        for _, size in entries:
            self._starts.append(self.size)
            self.size += size
        self._reading = reading
        self._records = reading.find(self._digests)
        self._held: OrderedDict[bytes, bytes] = OrderedDict()

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes at an offset: up to the end of the chunk that it lies in."""
        index = bisect_right(self._starts, offset) - 1
        data = self._chunk(self._digests[index])
        start = offset - self._starts[index]
        return data[start : start + length]

    def _chunk(self, digest: bytes) -> bytes:
        data = self._held.pop(digest, None)
        if data is None:
            ((_, found),) = self._reading.read((digest,), self._records)
            data = bytes(found)
        self._held[digest] = data
        while len(self._held) > 1 and sum(map(len, self._held.values())) > _HELD:
            self._held.popitem(last=False)
        return data
