"""Room on the disk, asked for before a file is written: then writing needn't look for it page by page.

That is a third of what writing costs the processor. Where a file system can't do it nothing happens: the
write itself says whether there is room.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

__all__ = ["Ahead", "reserve"]

#: A file that stays below this many bytes is written as it comes; a larger one is a step ahead of what was
#: written, at most so many bytes.
_SMALL, _STEP = 1 << 20, 32 << 20


def reserve(descriptor: int, offset: int, length: int) -> None:
    """Ask for room for a range of an open file, which becomes that long; its new bytes are zeros."""
    if length > 0:
        _fallocate()(descriptor, 0, offset, length)


class Ahead:
    """Asks for room ahead of somebody who writes a file from its beginning to its end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._reserved = 0

    def before(self, end: int) -> None:
        """The file is to be written up to this byte."""
        if end > max(self._reserved, _SMALL):
            length = min(end, _STEP) + end - self._reserved
            reserve(self._descriptor, self._reserved, length)
            self._reserved += length

    def end(self, size: int) -> None:
        """The file is written: give back what it didn't need. Raises OSError."""
        if self._reserved > size:
            os.ftruncate(self._descriptor, size)
        self._reserved = 0


@cache
def _fallocate() -> Callable[[int, int, int, int], int]:
    # Not `os.posix_fallocate`: where the file system can't, glibc writes into every block instead.
    import ctypes

    try:
        library = ctypes.CDLL(None)
        function = getattr(library, "fallocate64", None) or library.fallocate
    except (OSError, AttributeError):
        return lambda descriptor, mode, offset, length: -1
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    found: Callable[[int, int, int, int], int] = function
    return found
