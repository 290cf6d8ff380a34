"""One process's part in a run: what hooked calls are told to, and what it tells the agent.

Everything here runs on the thread that saves or loads: open, `fstat`, a line in the spool, a message
to the agent. No network, no fsync, nothing that grows with the file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from autolog import _guard
from autolog.config import Settings
from autolog.events import (
    Bound,
    Event,
    Failed,
    FileFacts,
    Finished,
    Loaded,
    Opened,
    Saved,
    Skipped,
    Started,
    to_line,
)

from . import memory
from .link import AgentLink, Message
from .progress import Progress
from .spool import Journal

__all__ = ["Process", "Session"]

#: A barrier lasts at most this long, or as long as reading takes at this many bytes a second.
_BARRIER_SECONDS, _BARRIER_SPEED = 5.0, 20e6
#: How long a save waits for acknowledgements when it holds as many descriptors as it may.
_ROOM_SECONDS = 0.05
#: How long the end of a script waits without any snapshot getting done: reading 100 GB takes minutes.
_PATIENCE_SECONDS = 300.0


class Process(NamedTuple):
    """What this process is in its run: `main`, `rank` or `child`, and its rank in a job."""

    role: str
    rank: int | None = None


class _Held:
    """An event that the agent has not acknowledged, and the descriptor that goes with it."""

    __slots__ = ("descriptor", "facts", "is_digested", "message")

    def __init__(self, message: dict[str, Any], descriptor: int | None, facts: FileFacts | None) -> None:
        self.message = message
        self.descriptor = descriptor
        self.facts = facts
        self.is_digested = False


class Session:
    """Writes this process's events to the spool and sees them through to the agent."""

    def __init__(self, settings: Settings, started: Started, process: Process) -> None:
        self.settings = settings
        self.started = started
        self.process = process
        self.folder = os.path.join(settings.spool, started.task_id)
        self.pid = os.getpid()
        self._journal: Journal | None = None
        self._link = self._new_link()
        self._held: dict[str, _Held] = {}
        self._reading: dict[tuple[int, int], str] = {}
        self._room = _descriptor_room()
        self._stalled: str | None = None
        #: Called before the first file event, to tell which hooks applied.
        self.bound: Callable[[], tuple[dict[str, str], dict[str, str]]] = lambda: ({}, {})
        self._is_bound = False
        self._forget_faults = _guard.report_to(self._record_fault)

    def open(self) -> None:
        """Write the first lines of the journal. Raises OSError where the spool can't be written."""
        self._write(self.started)
        self._write(Opened(time.time(), self.pid, self.process.role, self.process.rank))

    # -- what the recorder calls --------------------------------------------------------------

    def next_id(self) -> str:
        """An id for a new event."""
        return self._journal_here().next_id()

    def submit(self, event: Saved | Loaded, descriptor: int | None = None) -> None:
        """Record an event and pass it to the agent; the descriptor becomes ours to close."""
        if not self._is_bound:
            self._is_bound = True
            with _guard.guard("record which hooks applied"):
                self._note_bound()
        facts = event.facts
        held = _Held(self._write_or_carry(event), descriptor, facts)
        if descriptor is not None:
            self._make_room()
        self._held[event.id] = held
        if facts is not None and descriptor is not None and not getattr(event, "skip", None):
            self._reading[facts.device, facts.inode] = event.id
        self._link.send(held.message, descriptor)

    def skip(self, path: str, rule: str, function: str) -> None:
        """Note that a save was seen and not captured."""
        self._write(Skipped(self.next_id(), path, rule, function))

    def drain(self) -> None:
        """Take in what the agent has said; never waits."""
        for notice in self._link.notices():
            self._take(notice)
        self._link.flush()

    def barrier(self, key: tuple[int, int], size: int) -> None:
        """Wait while the agent still reads the file with this (device, inode); `size` in bytes."""
        event = self._reading.get(key)
        if event is None:
            return
        deadline = time.monotonic() + _BARRIER_SECONDS + size / _BARRIER_SPEED
        while self._reading.get(key) == event and self._stalled is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._link.wait(min(left, 1.0))
            self.drain()

    # -- the end ------------------------------------------------------------------------------

    def finish(self, status: str, reason: str, *, wait: bool) -> None:
        """The process ends as `status` says; see its events through, then close everything."""
        memory.join()
        self._forget_faults()
        if self._journal is None and not self._held:
            return
        if not self._is_bound:
            with _guard.guard("record which hooks applied"):
                self._note_bound()
        finished = Finished(self.next_id(), time.time(), status, reason)
        message = self._write_or_carry(finished)
        if self._link.is_open or self._held:
            self._held[finished.id] = _Held(message, None, None)
            self._link.send(message)
            if wait:
                self._wait_for_all()
        self.close()

    def settle(self, seconds: float) -> bool:
        """Wait until everything so far is in the store; False if it took longer than `seconds`."""
        memory.join()
        deadline = time.monotonic() + seconds
        while self._held and self._stalled is None and time.monotonic() < deadline:
            self._link.wait(min(0.25, max(0.0, deadline - time.monotonic())))
            self.drain()
        return not self._held

    def close(self) -> None:
        """Let go of everything that this process holds, without another word to the agent."""
        self._forget_faults()
        self._link.close()
        for held in self._held.values():
            _close(held.descriptor)
        self._held.clear()
        self._reading.clear()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def become_child(self) -> None:
        """After a fork: nothing the parent holds is ours, and we join its task as a child."""
        descriptors = [held.descriptor for held in self._held.values()]
        self._held.clear()
        self._reading.clear()
        for descriptor in descriptors:
            _close(descriptor)
        self._link.close()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self.pid = os.getpid()
        self.process = Process("child", self.process.rank)
        self._link = self._new_link()
        self._stalled = None

    # -- inside -------------------------------------------------------------------------------

    def _new_link(self) -> AgentLink:
        environment = {**os.environ, "AUTOLOG_AGENT_STORE": self.settings.store}
        link = AgentLink(self.folder, environment, os.path.join(self.settings.home, "agent.log"))
        link.unacknowledged = self._unacknowledged
        return link

    def _unacknowledged(self) -> Iterable[Message]:
        return [(held.message, held.descriptor) for held in tuple(self._held.values())]

    def _journal_here(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self.folder)
            if self.process.role == "child":
                self._journal.write(Opened(time.time(), self.pid, "child", self.process.rank))
        return self._journal

    def _write(self, event: Event) -> None:
        self._journal_here().write(event)

    def _write_or_carry(self, event: Saved | Loaded | Finished) -> dict[str, Any]:
        """The message that tells the agent of an event; it carries the line if the spool can't."""
        try:
            self._write(event)
        except OSError as error:
            _guard.note("write to the spool", error)
            return {"id": event.id, "line": to_line(event).decode("ascii")}
        return {"id": event.id}

    def _note_bound(self) -> None:
        targets, versions = self.bound()
        self._is_bound = True
        self._write(Bound(self.next_id(), targets, versions))

    def _record_fault(self, fault: _guard.Fault) -> None:
        if self._journal is not None:
            self._write(Failed(self.next_id(), fault.time, fault.where, fault.error, fault.traceback))

    def _take(self, notice: dict[str, Any]) -> None:
        kind, event = notice["kind"], notice.get("id", "")
        if kind == "stalled":
            self._stalled = str(notice["reason"])
            _guard.complain(self._stalled)
            return
        held = self._held.get(event)
        if held is not None:
            held.is_digested = True
        if held is not None and held.facts is not None:
            key = (held.facts.device, held.facts.inode)
            if self._reading.get(key) == event:
                del self._reading[key]
        if kind == "failed" and held is not None:
            _guard.complain("the agent could not record a snapshot; `autolog doctor` has more.")
        if kind in ("recorded", "failed") and self._held.pop(event, None) is not None and held is not None:
            _close(held.descriptor)

    def _make_room(self) -> None:
        """Never hold more descriptors than we may.

        Those whose digest is in the spool go first: they would only serve to look into the file again if
        the agent died. Is that not enough, wait a little, then give up the oldest ones: the agent has
        copies of its own, so even these only matter if it dies.
        """
        deadline = time.monotonic() + _ROOM_SECONDS
        while len(holding := self._holding()) >= self._room:
            read = [each for each in holding if each.is_digested]
            left = deadline - time.monotonic()
            if read or left <= 0:
                for each in read or holding[: len(holding) - self._room + 1]:
                    descriptor, each.descriptor = each.descriptor, None
                    _close(descriptor)
            else:
                self._link.wait(left)
                self.drain()

    def _holding(self) -> list[_Held]:
        return [each for each in tuple(self._held.values()) if each.descriptor is not None]

    def _wait_for_all(self) -> None:
        progress = Progress(len(self._held))
        left, since = len(self._held), time.monotonic()
        try:
            while self._held and self._stalled is None:
                self._link.wait(0.25)
                self.drain()
                progress.show(len(self._held))
                if len(self._held) != left:
                    left, since = len(self._held), time.monotonic()
                elif time.monotonic() - since > _PATIENCE_SECONDS:
                    _guard.complain("the agent is still at work; it goes on by itself.")
                    return
        except KeyboardInterrupt:
            pass  # the user won't wait; the agent goes on by itself
        finally:
            progress.clear()


def _descriptor_room() -> int:
    """How many descriptors we may hold: DESIGN's min(64, an eighth of the soft limit)."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 64 if soft == resource.RLIM_INFINITY else max(1, min(64, soft // 8))


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        try:
            os.close(descriptor)
        except OSError:
            pass  # closed by somebody else (a daemonising script closes all it finds)
