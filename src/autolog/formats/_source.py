"""Reading forward through a file that may lie about its lengths.

Every length in a weights file was written by somebody else. `Source` never reserves memory for a
promised length: it checks the promise against the bytes that are left, steps over what nobody needs,
and says in one line where a file ends too early.
"""

from __future__ import annotations

from typing import Protocol

from autolog.errors import UnreadableWeights

__all__ = ["Enough", "FileSource", "Readable", "Seekable", "Source", "origin_of"]

_PIECE = 1 << 16


class Readable(Protocol):
    """What we need of a file or a decompressor: the up to `size` next bytes, none at the end."""

    def read(self, size: int, /) -> bytes: ...


class Seekable(Readable, Protocol):
    """A file whose bytes we may step over."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...


def origin_of(file: Readable) -> int | None:
    """Where in the file on disk that file begins which we read: 0 but for files inside others.

    None where its bytes aren't those on disk, because they were compressed.
    """
    origin: int | None = getattr(file, "origin", 0)
    return origin


class Enough(Exception):
    """A bound of ours was reached on a file that may be sound; the message says which bound."""


class Source:
    """The bytes that `file` yields, read forward, once: a stream that can't seek.

    Its length is unknown unless `end` tells it; at most about `limit` bytes are drawn from it before
    `Enough` is raised. Bytes missing at the end raise `UnreadableWeights`.
    """

    def __init__(self, file: Readable, end: int | None = None, limit: int = 0) -> None:
        self._file = file
        self._end = end
        self._limit = limit
        self._held = b""
        self._at = 0
        self._before = 0  # where in the file the held bytes begin

    @property
    def position(self) -> int:
        """How many bytes lie before the next one: an offset in the file, or in the stream."""
        return self._before + self._at

    @property
    def place(self) -> int | None:
        """Where the next byte lies in the file on disk; None where it was decompressed."""
        return None

    @property
    def left(self) -> int | None:
        """How many bytes there still are; None for a stream, which doesn't know."""
        return None if self._end is None else max(0, self._end - self.position)

    def byte(self) -> int:
        """The next byte."""
        if self._at >= len(self._held):
            self._fill(1)
        value = self._held[self._at]
        self._at += 1
        return value

    def peek(self) -> int | None:
        """The next byte without taking it; None at the end."""
        if self._at >= len(self._held) and not self._more():
            return None
        return self._held[self._at]

    def take(self, count: int) -> bytes:
        """The next `count` bytes; meant for counts that fit into memory."""
        if self._at + count > len(self._held):
            self._fill(count)
        value = self._held[self._at : self._at + count]
        self._at += count
        return value

    def line(self, longest: int) -> bytes:
        """The bytes up to the next newline, without it."""
        return self.until(b"\n", longest)

    def until(self, end: bytes, longest: int) -> bytes:
        """The bytes before the next byte `end`, which is taken too; at most `longest` of them."""
        searched = 0
        while (found := self._held.find(end, self._at + searched)) < 0:
            searched = len(self._held) - self._at
            if searched > longest:
                break
            if not self._more():
                raise self._ends_early()
        if found < 0 or found - self._at > longest:
            raise UnreadableWeights(f"a text at byte {self.position} is longer than {longest} bytes")
        value = self._held[self._at : found]
        self._at = found + 1
        return value

    def some_until(self, end: bytes) -> tuple[bytes, bool]:
        """The bytes before the next byte `end`, which is taken too; or those at hand, if it isn't among them.

        The second value says whether it was.
        """
        if self._at >= len(self._held) and not self._more():
            raise self._ends_early()
        found = self._held.find(end, self._at)
        stop = found if found >= 0 else len(self._held)
        value = self._held[self._at : stop]
        self._at = stop + 1 if found >= 0 else stop
        return value, found >= 0

    def rest(self, most: int | None = None) -> bytes:
        """The bytes at hand, at most `most`, none only at the end; they stay to be taken."""
        if self._at >= len(self._held):
            self._more()
        return self._held[self._at : None if most is None else self._at + most]

    def skip(self, count: int) -> None:
        """Step over `count` bytes, which may be far more than memory holds."""
        here = min(count, len(self._held) - self._at)
        self._at += here
        count -= here
        if count and self.left is not None and count > self.left:
            raise self._ends_early()
        while count:
            if not self._more():
                raise self._ends_early()
            here = min(count, len(self._held) - self._at)
            self._at += here
            count -= here

    def _fill(self, count: int) -> None:
        if self.left is not None and count > self.left:
            raise self._ends_early()
        while len(self._held) - self._at < count:
            if not self._more():
                raise self._ends_early()

    def _more(self) -> bool:
        """Read one more piece behind the held bytes, and drop those already taken."""
        if self._end is None and self._before + len(self._held) >= self._limit:
            raise Enough(f"more than {self._limit} bytes when decompressed")
        piece = self._read()
        self._before += self._at
        self._held = self._held[self._at :] + piece
        self._at = 0
        return bool(piece)

    def _read(self) -> bytes:
        size = _PIECE
        if self._end is not None:
            size = min(size, self._end - self._before - len(self._held))
        return self._file.read(size) if size > 0 else b""

    def _ends_early(self) -> UnreadableWeights:
        return UnreadableWeights(f"truncated: something that begins before byte {self.position} is cut off")


class FileSource(Source):
    """The bytes of a seekable file from offset `start` to offset `end`; stepping over some costs nothing."""

    def __init__(self, file: Seekable, start: int, end: int) -> None:
        super().__init__(file, end)
        self._seekable = file
        self._origin = origin_of(file)
        self._before = start
        file.seek(start)

    @property
    def place(self) -> int | None:
        """Where the next byte lies in the file on disk; None where it was decompressed."""
        return None if self._origin is None else self._origin + self.position

    def skip(self, count: int) -> None:
        """Step over `count` bytes at no cost."""
        if count <= len(self._held) - self._at:
            self._at += count
            return
        if self._end is None or count > self._end - self.position:
            raise self._ends_early()
        self._before = self.position + count
        self._held = b""
        self._at = 0
        self._seekable.seek(self._before)
