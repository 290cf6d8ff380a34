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

__all__ = ["Journal"]


class Journal:
    """This process's journal in the task's folder."""

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.folder = folder
        self.name = f"{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self.path = os.path.join(folder, self.name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor: int | None = os.open(self.path, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._numbers = itertools.count(1)
        self._is_torn = False

    def next_id(self) -> str:
        """An id for an event, unique among all events of all processes."""
        return f"{self.name[:-6]}-{next(self._numbers)}"

    def write(self, event: Event) -> None:
        """Append one event. Raises OSError (disk full)."""
        line = to_line(event)
        if self._descriptor is None:
            raise OSError("the journal is closed")
        if self._is_torn:
            os.write(self._descriptor, b"\n")
            self._is_torn = False
        if os.write(self._descriptor, line) != len(line):  # the disk filled up in the middle
            self._is_torn = True
            raise OSError(errno.ENOSPC, "no space left for the spool", self.path)

    def close(self) -> None:
        """Close the journal, which also says that this process is done."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
