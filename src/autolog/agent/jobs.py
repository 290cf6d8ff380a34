"""Events on their way through the agent, and the files that it keeps an eye on afterwards."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from autolog.events import Digested, Saved
from autolog.files import path_of, whole_path

if TYPE_CHECKING:
    from autolog.content import Staged
    from autolog.formats import Seen

    from .connection import Connection
    from .reading import Read

__all__ = ["Following", "Job"]

_TOO_LATE = "the agent ended before its bytes were put aside, and the file is another one by now"
#: Descriptors kept only to see where their files go.
_FOLLOWED = 256


class Job:
    """One event on its way: its descriptors (ours to close) and whom to tell. No event: a `settle`.

    `descriptor` is that of the file, or of the folder or leading part of several, whose own are in
    `parts`, by their place in the event.
    """

    __slots__ = (
        "connection",
        "data",
        "descriptor",
        "event",
        "found",
        "not_kept",
        "parts",
        "said",
        "seen",
        "staged",
    )

    def __init__(self, event: Any, descriptors: dict[int, int], connection: Connection | None) -> None:
        self.event = event
        self.descriptor = descriptors.pop(0, None)
        self.parts = {slot - 1: number for slot, number in descriptors.items()}
        self.connection = connection
        self.found: Digested | None = None
        self.data: bytes | None = None
        #: What was found in its files on the way, so that they need not be looked into again.
        self.seen: Seen | None = None
        #: What was put aside of its bytes, or why nothing was that should have been.
        self.staged: Staged | None = None
        self.not_kept = ""
        #: The last notice, for a process that lost its connection and comes again.
        self.said: dict[str, Any] | None = None

    @property
    def keeping(self) -> tuple[str, str]:
        """What becomes of its bytes, and why."""
        if self.staged is not None:
            return "waiting", ""
        return ("failed", self.not_kept) if self.not_kept else ("", "")

    def take(self, read: Read, known: Digested | None = None, *, is_wanted: bool = False) -> None:
        """Take what reading gave.

        `known` is what was found earlier, which counts if the file is another one now; then its bytes, if
        they were to be kept (`is_wanted`), are not at hand any more.
        """
        self.found, self.data, self.staged, self.not_kept, self.seen = read
        if self.found.digest is None:
            self.seen = None  # it was of another file
        if self.found.digest is None and known is not None and known.digest is not None:
            self.found = known
            self.not_kept = _TOO_LATE if is_wanted else ""

    @property
    def count(self) -> int:
        """How many descriptors it holds."""
        return (self.descriptor is not None) + len(self.parts)

    def tell(self, notice: dict[str, Any], wake: Callable[[], None]) -> None:
        """Send a notice to the process that the event came from."""
        self.said = notice
        if self.connection is not None:
            self.connection.tell(notice)
            wake()

    def release(self) -> None:
        """Close the descriptors."""
        descriptor, self.descriptor = self.descriptor, None
        parts, self.parts = self.parts, {}
        for number in (descriptor, *parts.values()):
            if number is not None:
                os.close(number)

    def finish(self) -> None:
        """Let go of all that it holds; what it has said stays, for a process that comes again."""
        self.release()
        self.data = self.seen = self.staged = None

    def done(self, notice: dict[str, Any], wake: Callable[[], None]) -> None:
        """The end of this job."""
        self.finish()
        self.tell(notice, wake)


class Following:
    """Descriptors of recorded files, to see them renamed; those with no name left are dropped.

    Holding one also keeps its inode number from being given to another file.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[int, int], tuple[Saved, int, str | None]] = {}
        self._lock = threading.Lock()
        self._limit = min(_FOLLOWED, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)

    def add(self, event: Saved, descriptor: int, path: str | None) -> None:
        """Follow a file for its newest snapshot; the oldest one is let go beyond the limit."""
        assert event.facts is not None
        key = (event.facts.device, event.facts.inode)
        with self._lock:
            if key in self._held:
                os.close(self._held.pop(key)[1])
            while len(self._held) >= self._limit:
                _, descriptor_of_oldest, _ = self._held.pop(next(iter(self._held)))
                os.close(descriptor_of_oldest)
            self._held[key] = (event, descriptor, path)

    def has(self, event: Saved) -> bool:
        """Whether this event's file is followed for it."""
        held = None if event.facts is None else self._held.get((event.facts.device, event.facts.inode))
        return held is not None and held[0].id == event.id

    def has_changed(self) -> bool:
        """Whether a file has another path than at the last look, or none any more."""
        with self._lock:
            return any(True for _ in self._look())

    def changes(self) -> list[tuple[Saved, str | None]]:
        """Files with another path than at the last look; None if they have none any more.

        Whoever asks has to record them at once: nobody is told a second time.
        """
        found: list[tuple[Saved, str | None]] = []
        with self._lock:
            for key, path in tuple(self._look()):
                event, descriptor, _ = self._held[key]
                if path is None:
                    del self._held[key]
                    os.close(descriptor)
                else:
                    self._held[key] = (event, descriptor, path)
                found.append((event, path))
        return found

    def _look(self) -> Iterator[tuple[tuple[int, int], str | None]]:
        for key, (event, descriptor, known) in self._held.items():
            try:
                path, links = path_of(descriptor)
            except OSError:
                continue
            if links == 0:
                yield key, None
            elif path is not None and (path := whole_path(path, event)) is not None and path != known:
                yield key, path
