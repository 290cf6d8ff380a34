"""Descriptors that we keep for a while, out of the script's way.

A script may close every descriptor it finds, as daemons do, and its next file then gets the number
that was ours. So ours have high numbers, which the script's own files don't reach, and each is looked
at before it is used or closed: we never write into, pass on or close a file that isn't ours.
"""

from __future__ import annotations

import fcntl
import os
import resource

__all__ = ["Kept", "limit", "room"]

#: Where our numbers begin, if the process may have that many open files.
_BASE = 512
#: Descriptors that we hold besides those of files: the journal, the connection, two signals.
_OTHERS = 4


def limit() -> int:
    """How many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


def room() -> tuple[int, int]:
    """How many files we may hold, for a little longer and until they are acknowledged.

    With the journal, the connection and what notes a signal they are DESIGN's min(64, an eighth of the
    soft limit).
    """
    room = min(64, limit() // 8) - _OTHERS
    recent = max(0, min(2, room // 3))
    return recent, max(1, room - recent)


class Kept:
    """A descriptor of ours, under a high number; takes over the one it is given."""

    __slots__ = ("_identity", "_number")

    def __init__(self, descriptor: int) -> None:
        try:
            high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, min(_BASE, limit() // 2))
        except OSError:  # no room up there: it stays where it is
            high = descriptor
        else:
            os.close(descriptor)
        self._number: int | None = high
        self._identity = _identity(high)

    @property
    def number(self) -> int | None:
        """The descriptor's number, None once it has been closed, by us or by the script."""
        number = self._number
        if number is not None and _identity(number) != self._identity:
            self._number = number = None
        return number

    def close(self) -> None:
        """Close it, if it is still ours."""
        number, self._number = self.number, None
        if number is not None:
            os.close(number)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
