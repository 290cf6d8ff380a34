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
    Moved,
    Opened,
    Saved,
    Skipped,
    Started,
    to_line,
)
from autolog.files import path_of

from . import memory
from .descriptors import Kept, limit
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
#: Only small files are held a little longer: a large one that the script removes must free its room on
#: the disk, and takes so long to write that the agent sees where it goes.
_RECENT_BYTES = 64 << 20
#: Descriptors that we hold besides those of files: the journal, the connection, two signals.
_OTHERS = 4


class Process(NamedTuple):
    """What this process is in its run: `main`, `rank` or `child`, and its rank in a job."""

    role: str
    rank: int | None = None


class _Held:
    """An event that the agent has not acknowledged, and the descriptor that goes with it."""

    __slots__ = ("facts", "is_digested", "kept", "message")

    def __init__(self, message: dict[str, Any], kept: Kept | None, facts: FileFacts | None) -> None:
        self.message = message
        self.kept = kept
        self.facts = facts
        self.is_digested = False


class _Recent(NamedTuple):
    """One of the latest saves: its event, its file, and where that was when we last looked."""

    event: str
    kept: Kept
    path: str


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
        self._recent: dict[str, _Recent] = {}
        self._recent_room, self._room = _descriptor_room()
        self._stalled: str | None = None
        #: Faults that the spool had no room for.
        self._unsaid: list[Event] = []
        #: How the run ended, if it has: exit functions that run after ours may still save.
        self._ended: tuple[str, str] | None = None
        #: Whether we have waited for the agent in vain, and heard nothing since.
        self._is_silent = False
        #: Called before the first file event, to tell which hooks applied.
        self.bound: Callable[[], tuple[dict[str, str], dict[str, str]]] = lambda: ({}, {})
        self._is_bound = False
        self._forget_faults = _guard.report_to(self._record_fault)

    def open(self) -> None:
        """Write the first lines of the journal. Raises OSError where the spool can't be written."""
        self._journal_here()

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
        kept = None if descriptor is None else Kept(descriptor)
        held = _Held(self._write_or_carry(event), kept, facts)
        if kept is not None:
            self._make_room()
        self._held[event.id] = held
        if facts is not None and kept is not None and not getattr(event, "skip", None):
            self._reading[facts.device, facts.inode] = event.id
        if kept is not None and isinstance(event, Saved):
            self._remember(event, kept)
        self._link.send(held.message, kept)
        if self._ended is not None:
            self._write(Finished(self.next_id(), time.time(), *self._ended))

    def skip(self, path: str, rule: str, function: str) -> None:
        """Note that a save was seen and not captured."""
        self._write(Skipped(self.next_id(), path, rule, function))

    def start_agent(self) -> None:
        """Have the agent started now: the original call, which comes next, takes longer than that."""
        self._link.start()

    def drain(self) -> None:
        """Take in what the agent has said; never waits."""
        for notice in self._link.notices():
            self._is_silent = False
            self._take(notice)
        self._link.flush()

    def see_moves(self) -> None:
        """Note where the files of the latest saves have been put since.

        The agent looks, too, but a file that is saved under a temporary name, put in its place and
        replaced by the next one may be gone before it comes to that.
        """
        for key, recent in tuple(self._recent.items()):
            number = recent.kept.number
            try:
                path, links = (None, 0) if number is None else path_of(number)
            except OSError:
                continue  # another thread has just closed it
            if number is not None and recent.kept.number is None:
                continue  # and so it has here: the number may be another file's by now
            if not links:
                self._forget(key)
            elif path is not None and path != recent.path:
                self._recent[key] = recent._replace(path=path)
                self._write(Moved(recent.event, path))

    def barrier(self, key: tuple[int, int], size: int) -> None:
        """Wait while the agent still reads the file with this (device, inode); `size` in bytes."""
        event = self._reading.get(key)
        if event is None:
            return
        bound = _ROOM_SECONDS if self._is_silent else _BARRIER_SECONDS + size / _BARRIER_SPEED
        deadline = time.monotonic() + bound
        while self._reading.get(key) == event:
            left = deadline - time.monotonic()
            if left <= 0:
                self._is_silent = True
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
        with _guard.guard("see where the last files are"):
            self.see_moves()
        finished = Finished(self.next_id(), time.time(), status, reason)
        message = self._write_or_carry(finished)
        if self._link.is_open or self._held:
            self._held[finished.id] = _Held(message, None, None)
            self._link.send(message)
            if wait:
                self._wait_for_all()
        self._ended = (status, reason)
        self.close()

    def settle(self, seconds: float) -> bool:
        """Wait until everything so far is in the store; False if it took longer than `seconds`."""
        memory.join()
        deadline = time.monotonic() + seconds
        while self._held and self._is_heard and time.monotonic() < deadline:
            self._link.wait(min(0.25, max(0.0, deadline - time.monotonic())))
            self.drain()
        return not self._held

    def close(self) -> None:
        """Let go of everything that this process holds, without another word to the agent."""
        self._forget_faults()
        self._link.close()
        self._let_go()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def become_child(self) -> None:
        """After a fork: nothing the parent holds is ours, and we join its task as a child."""
        self._let_go()
        self._link.close()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self.pid = os.getpid()
        self.process = Process("child", self.process.rank)
        self._link = self._new_link()
        self._stalled = None

    # -- inside -------------------------------------------------------------------------------

    def _let_go(self) -> None:
        """Close what is held of files."""
        for held in tuple(self._held.values()):
            if held.kept is not None:
                held.kept.close()
        self._held.clear()
        self._reading.clear()
        for key in tuple(self._recent):
            self._forget(key)

    def _remember(self, event: Saved, kept: Kept) -> None:
        """Hold the file of this save a little longer, in the place of the earliest one that is held."""
        if (event.size or 0) > _RECENT_BYTES:
            return
        key, number = event.path or "", kept.number
        if number is None or not self._recent_room:
            return
        try:
            path, copy = path_of(number)[0], Kept(os.dup(number))
        except OSError:
            return  # no descriptor is left, or another thread has just given this one up
        if path is None or kept.number is None:
            copy.close()
            return
        self._forget(key)
        while len(self._recent) >= self._recent_room:
            self._forget(next(iter(self._recent), ""))
        self._recent[key] = _Recent(event.id, copy, path)

    def _forget(self, key: str) -> None:
        recent = self._recent.pop(key, None)
        if recent is not None:
            recent.kept.close()

    def _new_link(self) -> AgentLink:
        environment = {**os.environ, "AUTOLOG_AGENT_STORE": self.settings.store}
        link = AgentLink(self.folder, environment, os.path.join(self.settings.home, "agent.log"))
        link.unacknowledged = self._unacknowledged
        return link

    def _unacknowledged(self) -> Iterable[Message]:
        return [(held.message, held.kept) for held in tuple(self._held.values())]

    def _journal_here(self) -> Journal:
        if self._journal is None:
            opened = Opened(time.time(), self.pid, self.process.role, self.process.rank)
            self._journal = Journal(self.folder, (self.started, opened))
        return self._journal

    def _write(self, event: Event) -> None:
        self._journal_here().write(event)
        while self._unsaid:
            self._journal_here().write(self._unsaid[0])
            del self._unsaid[0]

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
        if self._journal is None:
            return
        failed = Failed(self.next_id(), fault.time, fault.where, fault.error, fault.traceback)
        try:
            self._write(failed)
        except OSError:
            if len(self._unsaid) < 20:
                self._unsaid.append(failed)  # until there is room again

    def _take(self, notice: dict[str, Any]) -> None:
        kind, event = notice["kind"], notice.get("id", "")
        if kind == "stalled":
            self._stalled = str(notice["reason"])
            self._tell(self._stalled)
            return
        self._stalled = self._stalled if kind == "digested" else None
        held = self._held.get(event)
        if held is not None:
            held.is_digested = True
        if held is not None and held.facts is not None:
            key = (held.facts.device, held.facts.inode)
            if self._reading.get(key) == event:
                del self._reading[key]
        if kind == "failed" and held is not None:
            self._tell("the agent could not record a snapshot; `autolog doctor` has more.")
        if kind in ("recorded", "failed"):
            done = self._held.pop(event, None)
            if done is not None and done.kept is not None:
                done.kept.close()

    @staticmethod
    def _tell(line: str) -> None:
        """Say what is wrong, unless a fault has been told: one line is enough."""
        if not _guard.faults:
            _guard.complain(line)

    def _make_room(self) -> None:
        """Never hold more descriptors than we may.

        Those whose digest is in the spool go first: they would only serve to look into the file again if
        the agent died. Is that not enough, wait a little, but not again for an agent that stays silent,
        then give up the oldest ones: the agent has copies of its own, so even these only matter if it
        dies.
        """
        deadline = time.monotonic() + _ROOM_SECONDS
        while len(holding := self._holding()) >= self._room:
            read = [each for each in holding if each.is_digested]
            left = 0.0 if self._is_silent else deadline - time.monotonic()
            if read or left <= 0:
                self._is_silent = self._is_silent or not read
                for each in read or holding[: len(holding) - self._room + 1]:
                    kept, each.kept = each.kept, None
                    if kept is not None:
                        kept.close()
            else:
                self._link.wait(left)
                self.drain()

    def _holding(self) -> list[_Held]:
        return [each for each in tuple(self._held.values()) if each.kept is not None]

    @property
    def _is_heard(self) -> bool:
        """Whether there is any sense in waiting for the agent."""
        return self._stalled is None and not self._link.has_given_up

    def _wait_for_all(self) -> None:
        progress = Progress(len(self._held))
        left, since = len(self._held), time.monotonic()
        try:
            while self._held and self._is_heard:
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


def _descriptor_room() -> tuple[int, int]:
    """How many files we may hold, for a little longer and until they are acknowledged.

    With the journal, the connection and what notes a signal they are DESIGN's min(64, an eighth of the
    soft limit).
    """
    room = min(64, limit() // 8) - _OTHERS
    recent = max(0, min(2, room // 3))
    return recent, max(1, room - recent)
