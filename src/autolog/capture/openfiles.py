"""Saves into a file object that is still open: the file is complete only when it is closed.

joblib writes its last bytes at close, and several dumps may go into one file. So the file is held
now, and sent when it is closed: seen by a `close` of ours on that very object, at the next hooked
call, when the object dies, or at exit. What is loaded from it before that, or from a copy of it, is sent
behind it: else nobody would know yet whose bytes these are.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from autolog._guard import guard
from autolog.events import Loaded
from autolog.files import facts_of, sample

from .pin import Pin

__all__ = ["OpenFiles"]

#: Loads from one file that is still open whose descriptors are held.
_MOST = 8


class OpenFile:
    """A file object that something was saved into; `pending` is what to send once it is closed.

    `loads` are to be sent behind it.
    """

    __slots__ = ("__weakref__", "file", "is_sent", "loads", "pending", "pin")

    def __init__(self, file: Any, pin: Pin, pending: Any) -> None:
        self.pin = pin
        self.pending = pending
        self.loads: list[tuple[Loaded, Pin]] = []
        self.is_sent = False
        self.file: weakref.ref[Any] | None
        try:
            self.file = weakref.ref(file)
        except TypeError:
            self.file = None

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can come from this file object."""
        if self.file is None:
            return False
        file = self.file()
        return file is None or bool(getattr(file, "closed", False))


class OpenFiles:
    """The file objects that were saved into and not seen closed yet."""

    def __init__(self, send: Callable[[OpenFile], None]) -> None:
        self._send = send
        self._open: dict[int, OpenFile] = {}
        self._lock = threading.Lock()

    def add(self, file: Any, pin: Pin, pending: Any) -> None:
        """Something was saved into `file`; an earlier save into the same object is superseded."""
        key = id(file)
        known = self._open.get(key)
        if known is not None and known.file is not None and known.file() is file:
            pin.release()
            known.pending = pending
            return
        entry = OpenFile(file, pin, pending)
        self._open[key] = entry
        self._watch_close(file, entry)
        weakref.finalize(file, self._finish, key, entry).atexit = False

    def holds_back(self, event: Loaded, pin: Pin) -> bool:
        """Take a load from a file that is still open for a save, or from its copy; False if it is another."""
        for entry in tuple(self._open.values()):
            if not _is_of(entry.pin, pin) or not self._lock.acquire(blocking=False):
                continue
            try:
                if not entry.is_sent:
                    if len(entry.loads) >= _MOST:
                        pin.release()  # its path tells as much; without one it has been loaded often enough
                    if pin.descriptor is not None or event.path is not None:
                        entry.loads.append((event, pin))
                    return True
            finally:
                self._lock.release()
        return False

    def collect(self) -> None:
        """Send every file that has been closed since."""
        for key, entry in tuple(self._open.items()):
            if entry.is_closed:
                self._finish(key, entry)

    def finish(self) -> None:
        """Send all of them now; what is still buffered is flushed first."""
        for key, entry in tuple(self._open.items()):
            file = None if entry.file is None else entry.file()
            if file is not None and not getattr(file, "closed", True):
                with guard("flush a file left open"):
                    file.flush()
            self._finish(key, entry)

    def forget(self) -> None:
        """Let go of everything (in a forked child, whose parent sends them)."""
        for entry in self._open.values():
            entry.is_sent = True
            for each in (entry.pin, *(pin for _, pin in entry.loads)):
                each.release()
        self._open.clear()
        self._lock = threading.Lock()

    def _finish(self, key: int, entry: OpenFile) -> None:
        # A finalizer may run anywhere, also inside this function: whoever sets the flag sends.
        if entry.is_sent or not self._lock.acquire(blocking=False):
            return
        try:
            if entry.is_sent:
                return
            entry.is_sent = True
        finally:
            self._lock.release()
        if self._open.get(key) is entry:
            del self._open[key]
        with guard("capture a closed file"):
            self._send(entry)

    def _watch_close(self, file: Any, entry: OpenFile) -> None:
        """Shadow `file.close` on this one object, so that a rewrite right after it is not missed."""
        key = id(file)
        kind = type(file)
        reference = weakref.ref(file)

        def close() -> Any:
            file = reference()
            if file is None:
                return None
            file.__dict__.pop("close", None)
            try:
                return kind.close(file)
            finally:
                self._finish(key, entry)

        if isinstance(getattr(file, "__dict__", None), dict) and "close" not in file.__dict__:
            file.__dict__["close"] = close


def _is_of(open_one: Pin, other: Pin) -> bool:
    """Whether two are of the same file, of which the first is still open, or the second is a copy of it."""
    if open_one.descriptor is None or other.facts is None:
        return False
    try:
        facts = facts_of(open_one.descriptor, sampled=False)
        if facts is None:
            return False
        if (facts.device, facts.inode) == (other.facts.device, other.facts.inode):
            return True
        if not facts.size or facts.size != other.facts.size or other.facts.sample is None:
            return False
        return sample(open_one.descriptor, facts.size) == other.facts.sample
    except OSError:
        return False  # the script has closed what isn't its own
