"""One process's part in a run: what hooked calls are told to, and what it tells the agent.

Everything here runs on the thread that saves or loads: open, `fstat`, a line in the spool, a message
to the agent. No network, no fsync, nothing that grows with the file.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from autolog import _guard
from autolog.config import Settings
from autolog.events import (
    Bound,
    Event,
    Failed,
    Finished,
    Loaded,
    Opened,
    Saved,
    Skipped,
    Started,
    to_line,
)

from . import memory
from .descriptors import Kept, room
from .held import Held, Unacknowledged
from .link import AgentLink, Message
from .progress import Progress
from .recent import Latest
from .spool import Journal

__all__ = ["Process", "Session"]

#: A barrier lasts at most this long, or as long as reading takes at this many bytes a second.
_BARRIER_SECONDS, _BARRIER_SPEED = 5.0, 20e6
#: The first word of an agent takes longer: on a machine with dozens of runs it gets to its start late. One
#: that dies meanwhile is noticed by its connection, so that only one that hangs is waited for in vain.
_START_SECONDS = 30.0
#: How long a save waits for acknowledgements when it holds as many descriptors as it may.
_ROOM_SECONDS = 0.05
#: How long the end of a script waits without any snapshot getting done: reading 100 GB takes minutes.
_PATIENCE_SECONDS = 300.0


class Process(NamedTuple):
    """What this process is in its run: `main`, `rank` or `child`, and its rank in a job."""

    role: str
    rank: int | None = None


class Session:
    """Writes this process's events to the spool and sees them through to the agent."""

    def __init__(self, settings: Settings, started: Started, process: Process) -> None:
        self.settings = settings
        self.started = started
        self.process = process
        self.folder = os.path.join(settings.spool, started.task_id)
        self.pid = os.getpid()
        self._journal: Journal | None = None
        #: Events whose snapshots are recorded, and whose bytes are on their way to where they are kept.
        self._keeping: set[str] = set()
        #: Events whose bytes wait for a destination that is away.
        self._waiting: set[str] = set()
        self._link = self._new_link()
        self._held = Unacknowledged()
        self._reading: dict[tuple[int, int], str] = {}
        recent_room, self._room = room()
        self._latest = Latest(recent_room)
        self._stalled: str | None = None
        #: Faults that the spool had no room for.
        self._unsaid: list[Event] = []
        #: Where weights go from now on, if somebody has changed that; see `NOWHERE`.
        self.output_uri = ""
        #: How the run ended, if it has: exit functions that run after ours may still save.
        self._ended: tuple[str, str] | None = None
        #: Whether a barrier has waited for the agent in vain, and whether a save that wanted room has, and
        #: nothing was heard since. The second wait is so short that any busy machine exceeds it: it says
        #: nothing about what a barrier may hope for.
        self._is_silent = False
        self._is_full = False
        #: Whether an agent has ever said anything.
        self._is_met = False
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

    def submit(self, event: Saved | Loaded, descriptors: Sequence[int | None] = ()) -> None:
        """Record an event and pass it to the agent; the descriptors become ours to close.

        The first is that of the event's file, or of the folder or leading part of several files, whose
        own come after it.
        """
        if not self._is_bound:
            self._is_bound = True
            with _guard.guard("record which hooks applied"):
                self._note_bound()
        kept = [None if each is None else Kept(each) for each in descriptors]
        first = kept[0] if kept else None
        read = [part.facts for part in event.parts] or ([] if event.facts is None else [event.facts])
        if not any(kept) or getattr(event, "skip", None):
            read = []
        files = ((each.device, each.inode) for each in read)
        held = Held(self._write_or_carry(event), kept, files, is_save=isinstance(event, Saved))
        if held.count:
            self._make_room(held)
        self._held.add(event.id, held)
        self._reading.update(dict.fromkeys(held.files, event.id))
        if first is not None and isinstance(event, Saved):
            self._latest.add(event, first)
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
            self._is_silent = self._is_full = False
            self._is_met = True
            self._take(notice)
        self._link.flush()

    def see_moves(self) -> None:
        """Note where the files of the latest saves have been put since."""
        for moved in self._latest.moves():
            self._write(moved)

    @property
    def is_reading(self) -> bool:
        """Whether the agent has still to read any file."""
        return bool(self._reading)

    def barrier(self, key: tuple[int, int], size: int) -> None:
        """Wait while the agent still reads the file with this (device, inode); `size` in bytes."""
        event = self._reading.get(key)
        if event is None:
            return
        bound = (_BARRIER_SECONDS if self._is_met else _START_SECONDS) + size / _BARRIER_SPEED
        deadline = time.monotonic() + (_ROOM_SECONDS if self._is_silent else bound)
        while self._reading.get(key) == event:
            left = deadline - time.monotonic()
            if self._link.has_given_up:
                self._reading.clear()  # no agent will ever say that it has read anything
            elif left <= 0:
                self._is_silent = True
                return
            else:
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
            self._held.add(finished.id, Held(message, []))
            self._link.send(message)
            if wait:
                self._wait_for_all()
        self._ended = (status, reason)
        self.close()

    def settle(self, seconds: float) -> bool:
        """Wait until everything so far is in the store; False if it took longer than `seconds`."""
        memory.join()
        deadline = time.monotonic() + seconds
        while self._left and self._is_heard and time.monotonic() < deadline:
            self._link.wait(min(0.25, max(0.0, deadline - time.monotonic())))
            self.drain()
        return not self._left

    @property
    def has_waiting(self) -> bool:
        """Whether bytes of something that this process saved wait for a destination that is away."""
        self.drain()
        return bool(self._waiting)

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
        self._is_met = False
        self._stalled = None

    # -- inside -------------------------------------------------------------------------------

    def _let_go(self) -> None:
        """Close what is held of files."""
        self._held.clear()
        self._keeping.clear()
        self._waiting.clear()
        self._reading.clear()
        self._latest.clear()

    def _new_link(self) -> AgentLink:
        chosen = self.settings
        # Not in the spool: passwords may be in them.
        places = {
            "store": chosen.store,
            "output_uri": chosen.output_uri,
            "content_store": chosen.content_store,
        }
        rest = {key: getattr(chosen, key) for key in ("waiting_limit", "repack", "git_diff")}
        reach = {
            "storage_options": chosen.storage_options,
            "upload_retries": chosen.upload_retries,
            "upload_workers": chosen.upload_workers,
        }
        told = json.dumps({**places, **rest, **reach})
        environment = {**os.environ, "AUTOLOG_AGENT": told}
        if chosen.strict:
            environment["AUTOLOG_STRICT"] = "1"
        link = AgentLink(self.folder, environment, os.path.join(self.settings.home, "agent.log"))
        link.unacknowledged = self._unacknowledged
        link.lost = self._keeping.clear
        return link

    def _unacknowledged(self) -> Iterable[Message]:
        return [(held.message, held.kept) for held in self._held.every()]

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
        if kind in ("kept", "waiting"):
            self._keeping.discard(event)
            self._waiting.discard(event)
            if kind == "waiting":
                self._waiting.add(event)
                self._tell(f"{notice['reason']}. Weights wait in {self.settings.home} and go there later.")
            return
        self._stalled = self._stalled if kind == "digested" else None
        held = self._held.get(event)
        if held is not None:
            held.is_digested = True
            for key in held.files:
                if self._reading.get(key) == event:
                    del self._reading[key]
        if kind == "failed" and held is not None:
            self._tell("the agent could not record a snapshot; `autolog doctor` has more.")
        if notice.get("keeping"):
            self._keeping.add(event)
        if kind in ("recorded", "failed"):
            self._held.acknowledged(event)

    @staticmethod
    def _tell(line: str) -> None:
        """Say what is wrong, unless a fault has been told: one line is enough."""
        if not _guard.faults:
            _guard.complain(line)

    def _make_room(self, new: Held) -> None:
        """Never hold more descriptors than we may; those of `new` are about to be.

        Those whose digest is in the spool go first: they would only serve to look into the file again if
        the agent died. Is that not enough, a save waits a little, but not again for an agent that stays
        silent; then the oldest ones are given up: the agent has copies of its own, so even these only
        matter if it dies. A load waits for nothing and takes nothing from a save: its file is still at its
        path most likely, and scripts load thousands.
        """
        deadline = time.monotonic() + _ROOM_SECONDS
        while (held := self._held.with_descriptors()) and self._room < sum(
            each.count for each in (*held, new)
        ):
            left = 0.0 if self._is_silent or self._is_full else deadline - time.monotonic()
            if read := [each for each in held if each.is_digested]:
                for each in read:
                    each.let_go()
            elif not new.is_save:
                loads = [each for each in held if not each.is_save]
                (loads or [new])[0].let_go()
                if not loads:
                    return
            elif left <= 0:
                self._is_full = True
                held[0].let_go()
            else:
                self._link.wait(left)
                self.drain()

    @property
    def _is_heard(self) -> bool:
        """Whether there is any sense in waiting for the agent."""
        return self._stalled is None and not self._link.has_given_up

    @property
    def _left(self) -> int:
        """How many events are not recorded yet, or not kept."""
        return len(self._held) + len(self._keeping)

    def _wait_for_all(self) -> None:
        progress = Progress(self._left)
        left, since = self._left, time.monotonic()
        try:
            while self._left and self._is_heard:
                self._link.wait(0.25)
                self.drain()
                progress.show(self._left)
                if self._left != left:
                    left, since = self._left, time.monotonic()
                elif time.monotonic() - since > _PATIENCE_SECONDS:
                    _guard.complain("the agent is still at work; it goes on by itself.")
                    return
        except KeyboardInterrupt:
            pass  # the user won't wait; the agent goes on by itself
        finally:
            progress.clear()
