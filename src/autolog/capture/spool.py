"""The spool: one journal of events per process, in one folder per task.

A line is one `write` with O_APPEND, so threads need no lock and a killed process leaves whole lines.
The journal's own lock says whether the process is alive: the kernel drops it with the process, also
across containers and after a reboot, where process ids say nothing.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os

from autolog.events import Event, to_line

from .descriptors import Kept

__all__ = ["Journal"]


class Journal:
    """This process's journal in the task's folder."""

    def __init__(self, folder: str, first: tuple[Event, ...]) -> None:
        self.folder = folder
        self.name = f"{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self.path = os.path.join(folder, self.name)
        self._first = first
        self._numbers = itertools.count(1)
        self._is_torn = False
        self._is_closed = False
        self._kept = self._open()

    def next_id(self) -> str:
        """An id for an event, unique among all events of all processes."""
        return f"{self.name[:-6]}-{next(self._numbers)}"

    def write(self, event: Event) -> None:
        """Append one event. Raises OSError (disk full)."""
        if self._is_closed:
            raise OSError("the journal is closed")
        descriptor = self._kept.number
        if descriptor is None:  # the script has closed every descriptor that it found
            self._kept = self._open()
            descriptor = self._kept.number
        self._append(descriptor, to_line(event))

    def close(self) -> None:
        """Close the journal, which also says that this process is done."""
        self._is_closed = True
        self._kept.close()

    def _open(self) -> Kept:
        """Open the file and lock it; a new one begins with what tells whose it is."""
        while True:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            try:
                descriptor = os.open(self.path, flags, 0o600)
            except FileNotFoundError:
                continue  # an agent of this task has just ended, and is clearing its folder away
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(self.path):
                break
            os.close(descriptor)
        try:
            if os.fstat(descriptor).st_size == 0:
                self._append(descriptor, b"".join(to_line(event) for event in self._first))
        except BaseException:
            os.close(descriptor)
            raise
        return Kept(descriptor)

    def _append(self, descriptor: int | None, lines: bytes) -> None:
        if descriptor is None:
            raise OSError(errno.EBADF, "the journal was closed by the script", self.path)
        if self._is_torn:
            os.write(descriptor, b"\n")
            self._is_torn = False
        if os.write(descriptor, lines) != len(lines):  # the disk filled up in the middle
            self._is_torn = True
            raise OSError(errno.ENOSPC, "no space left for the spool", self.path)
