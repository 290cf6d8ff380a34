"""Files of chunks that were put aside, each held by every snapshot that waits and needs something in it.

A snapshot's folder has a name of its own (a hard link) for each such file: the bytes are there as long as one
of them is, whatever becomes of the others and whoever takes these away, a kill included.
"""

from __future__ import annotations

import fcntl
import io
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from autolog.files import is_at

__all__ = ["Heap", "Heaps", "alone"]


class Heap:
    """One file of chunks, as the process that puts snapshots aside knows it.

    `names` are the folders of the snapshots that hold it, and the file's path there.
    """

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.names: dict[str, str] = {}
        #: Where chunks begin in it; forgotten when nobody holds it any more.
        self.offsets: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def lend(self, folder: str, path: str) -> bool:
        """Have another snapshot's folder hold it, too; False if nobody does any more, or it can't be."""
        with self._lock:
            for each in self.names.values():
                try:
                    os.link(each, path)
                except OSError:
                    continue  # just taken away; or this file system gives a file one name only
                self.names[folder] = path
                return True
        return False

    def let_go(self, folder: str) -> None:
        """A folder is gone, and its name with it."""
        with self._lock:
            self.names.pop(folder, None)
            if not self.names:
                self.offsets = {}


class Heaps(io.RawIOBase):
    """Several files `(path, size in bytes)` to be read as if they were one, one behind the other."""

    def __init__(self, files: Sequence[tuple[str, int]]) -> None:
        self._files = files
        self._open: dict[str, int] = {}
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET:
            raise io.UnsupportedOperation("only from the beginning")
        self._at = offset
        return offset

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # all that anybody gives it
        """Fill the buffer from one of the files; less than that where it is cut off. Raises OSError."""
        start = 0
        for path, size in self._files:
            if start <= self._at < start + size:
                if path not in self._open:
                    self._open[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                done = 0
                while done < len(buffer) and (
                    count := os.preadv(self._open[path], [buffer[done:]], self._at - start + done)
                ):
                    done += count
                self._at += done
                return done
            start += size
        return 0

    def close(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open = {}
        super().close()


@contextmanager
def alone(folder: str, *, wait: bool = False) -> Iterator[bool]:
    """Hold what is put aside in a folder, so that nobody else takes it on meanwhile.

    False if somebody holds it, or if it is gone. To `wait` for it means that it is made, and that whoever
    holds it is waited for. Raises OSError.
    """
    path = os.path.join(folder, "lock")
    while True:
        if wait:
            os.makedirs(folder, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            if wait:
                continue  # whoever had it has just taken it away
            yield False
            return
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            if is_at(path, descriptor):
                yield True
                return
            if not wait:
                yield False
                return
        finally:
            os.close(descriptor)
