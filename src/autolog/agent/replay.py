"""Brings what the spool still holds into the store, when no agent is left to do it.

Every `autolog` command does this first. A file is taken only if it still is what was saved; what was
unlinked or overwritten before anyone read it is marked lost.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from autolog import _guard
from autolog.config import Settings, mask
from autolog.errors import StoreError, StoreRefused
from autolog.events import Finished, Loaded, Recorded, Saved, Started
from autolog.locks import locked

from .aside import Aside
from .digest import find_file, path_of
from .jobs import Job
from .journals import AgentJournal, Journals, clear
from .outcome import outcome
from .reading import Read, read_file, read_parts
from .scribe import File, Scribe
from .told import Told
from .waiting import send_leftovers

__all__ = ["Settled", "replay", "settle"]


#: A folder without a word in it may be that of a process which is just starting.
_NEW_SECONDS = 60.0


class Settled(NamedTuple):
    """What is left after settling: events that are not in the store yet, and why.

    `waiting` is how many snapshots' bytes are not where they are to be kept, and `reason` why.
    """

    pending: int = 0
    problems: tuple[str, ...] = ()
    waiting: int = 0
    reason: str = ""


def settle(settings: Settings, wait: float = 10.0) -> Settled:
    """Bring everything in the spool into the store; wait at most `wait` seconds for living agents.

    Raises StoreError if the configured store can't be opened and something has to go there.
    """
    deadline = time.monotonic() + wait
    pending = 0
    problems: list[str] = []
    try:
        tasks = sorted(os.listdir(settings.spool))
    except (FileNotFoundError, NotADirectoryError):
        tasks = []
    except OSError as error:
        raise StoreError(
            f"the spool {settings.spool} can't be read ({error.strerror}); set AUTOLOG_HOME"
        ) from error
    for task in tasks:
        folder = os.path.join(settings.spool, task)
        while os.path.isdir(folder):
            with locked(os.path.join(folder, "lock")) as is_ours:
                if is_ours:
                    left, problem = _replay_folder(folder, settings)
                    pending += left
                    problems += [problem] if problem else []
                    break
            answer = _ask(folder, deadline)
            if answer:
                break
            if time.monotonic() > deadline:
                pending += 1
                problems.append(f"the agent of task {task[:8]} is still working")
                break
            time.sleep(0.01)
    waiting, why = send_leftovers(settings.home, Told.of_settings(settings), deadline)
    return Settled(pending, tuple(problems), waiting, why)


def replay(scribe: Scribe, journals: Journals, notes: AgentJournal, aside: Aside | None = None) -> int:
    """Record every event of dead processes that is not recorded yet; returns how many could not be.

    Bytes of saves that are to be kept are put `aside`. Raises StoreError.
    """
    failed = 0
    replaying = _Replay(scribe, notes, journals.seen_at, aside)
    alive = {name for name, journal in journals.processes.items() if journal.is_alive}
    for event in sorted(journals.events.values(), key=lambda each: getattr(each, "time", 0.0)):
        if event.id in notes.recorded:
            continue
        owner = f"{event.id.rpartition('-')[0]}.jsonl"
        if owner in alive and isinstance(event, (Saved, Loaded)):
            continue  # its process holds the file and will hand it to the next agent
        if isinstance(event, (Saved, Loaded)):
            action = partial(replaying.file, event)
        else:
            action = partial(scribe.record, event)
        if _attempt("record an event of the spool", action):
            notes.add(Recorded(event.id))
        else:
            failed += 1
    return failed


def _attempt(what: str, action: Callable[[], None]) -> bool:
    """Do it; False if it failed for good, which is noted. Raises StoreError if the store is to blame."""
    away: StoreError | None = None
    with _guard.guard(what):
        try:
            action()
            return True
        except StoreRefused:
            raise  # a fault of this event's; the store may take the others
        except StoreError as error:
            away = error
    if away is not None:
        raise away
    return False


class _Replay(NamedTuple):
    """What replaying one task's files takes."""

    scribe: Scribe
    notes: AgentJournal
    seen_at: dict[str, str]
    aside: Aside | None

    def file(self, event: Saved | Loaded) -> None:
        """Record a save or a load, reading its file if nobody has."""
        if event.place != "file" or event.facts is None or event.digest is not None:
            self.scribe.record(event)
        elif event.parts:
            self._parts(event)
        else:
            self._single(event)

    def _parts(self, event: Saved | Loaded) -> None:
        job = Job(event, {}, None)
        self._read(job, lambda: read_parts(event, {}, self.aside))
        assert job.found is not None  # it has just been read
        is_there = os.path.exists(event.path or "") or os.path.exists(event.base + event.lead)
        seen_at = self.seen_at.get(event.id)
        links = 1 if is_there or seen_at else 0
        found = job.found._replace(path=seen_at or job.found.path, links=links)
        self.scribe.record(event, found, keeping=job.keeping)

    def _single(self, event: Saved | Loaded) -> None:
        assert event.facts is not None  # `file` has seen to that
        held = find_file(event.path or "", event.facts)
        descriptor = None if held is None else held[0]
        job = Job(event, {}, None)
        try:
            if not self._read(job, lambda: read_file(event, descriptor, self.aside)):
                # It has been read already; only its place may be another by now.
                path, links = (None, 0) if descriptor is None else path_of(descriptor)
                assert job.found is not None  # what was known
                job.found = job.found._replace(path=path or job.found.path, links=links)
            assert job.found is not None  # it has just been read
            found = job.found
            if not found.links:
                found = found._replace(path=self.seen_at.get(event.id) or found.path)
            self.scribe.record(event, found, File(descriptor, job.data, seen=job.seen), job.keeping)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _read(self, job: Job, read: Callable[[], Read]) -> bool:
        """Read an event's file, unless an agent has done all that it takes; whether it was read."""
        known = self.notes.digested.get(job.event.id)
        is_wanted = self.aside is not None and self.aside.wants(job.event)
        if known is not None and known.digest is not None:
            staged = self.aside.earlier(job.event.id) if self.aside is not None else None
            if staged is not None or not is_wanted:
                job.take(Read(known, staged=staged))
                return False
        job.take(read(), known, is_wanted=is_wanted)
        assert job.found is not None  # what was read
        self.notes.add(job.found)
        return True


def _replay_folder(folder: str, settings: Settings) -> tuple[int, str]:
    """Replay one task's spool, whose lock we hold; `(events left, why)`."""
    journals = Journals(folder)
    journals.read()
    if journals.started is None:
        # Nothing was ever said here; or a process is just about to say its first word.
        if not any(each.is_alive for each in journals.processes.values()) and _is_old(folder):
            clear(folder)
        return 0, ""
    notes = AgentJournal(folder)
    scribe = _open_store(journals.started, _store_of(journals, settings), settings)
    try:
        left = 0
        try:
            _ = scribe.writer  # first of all the task: without it none of its events can be in the store
            _take_sights(journals, scribe, notes)
            told = Told.of_command(journals.started, settings, _store_of(journals, settings))
            left = replay(scribe, journals, notes, Aside(settings.home, told, scribe.task_id))
            end = outcome(journals)
            writer = scribe.writer
            if end is None:
                writer.heartbeat(scribe.task_id, time.time())
                return 0, ""
            _follow_moves(journals, scribe, notes)
            writer.ended(scribe.task_id, *end)
        except StoreError as error:
            # What is refused is a fault of this task's: others, and the command, go on without it.
            if _store_of(journals, settings) == settings.store and not isinstance(error, StoreRefused):
                raise
            waiting = sum(event.id not in notes.recorded for event in journals.events.values())
            return max(1, waiting), f"task {scribe.task_id[:8]}: {error}"
        if any(each.is_alive for each in journals.processes.values()):
            return 0, ""
        if not left:
            clear(folder)
        return left, f"{left} events could not be recorded" if left else ""
    finally:
        scribe.close()
        notes.close()


def _take_sights(journals: Journals, scribe: Scribe, notes: AgentJournal) -> None:
    """Where processes have seen their files after these were recorded, if no agent has looked since."""
    moves: list[tuple[Saved, str | None, bool]] = []
    for event_id, path in journals.seen_at.items():
        event = journals.events.get(event_id)
        if isinstance(event, Saved) and event_id in notes.recorded and event_id not in notes.moved:
            moves.append((event, path, False))
    if moves:
        _attempt("record where files were seen", partial(scribe.moved, moves))


def _follow_moves(journals: Journals, scribe: Scribe, notes: AgentJournal) -> None:
    """Files that were renamed after they had been recorded, with nobody left to see it."""
    if any(isinstance(each, Finished) for each in journals.events.values()):
        return  # the run ended in order, and its agent looked then
    moves: list[tuple[Saved, str | None, bool]] = []
    for event in journals.events.values():
        if not isinstance(event, Saved) or event.facts is None or event.path is None or event.parts:
            continue
        held = find_file(event.path, event.facts)
        if held is not None:
            os.close(held[0])
            moves.append((event, held[1], False))
    if moves:
        _attempt("follow renamed files", partial(scribe.moved, moves))


def _store_of(journals: Journals, settings: Settings) -> str:
    """The store that the run chose; its password is only in our own settings."""
    chosen = journals.started.store if journals.started is not None else ""
    return settings.store if not chosen or chosen == mask(settings.store) or "***" in chosen else chosen


def _open_store(started: Started, chosen: str, settings: Settings) -> Scribe:
    """The run's store; the configured one if the run's can never be used: a typing error, no such driver."""
    scribe = Scribe(chosen, started)
    if chosen != settings.store:
        try:
            _ = scribe.writer
        except StoreError as error:
            kind = type(error.__cause__).__name__
            if kind in ("ArgumentError", "NoSuchModuleError", "ModuleNotFoundError"):
                return Scribe(settings.store, started)
    return scribe


def _is_old(folder: str) -> bool:
    """Whether nothing has changed in the folder for a while."""
    try:
        return time.time() - os.path.getmtime(folder) > _NEW_SECONDS
    except OSError:
        return False


def _ask(folder: str, deadline: float) -> bool:
    """Ask a living agent to record what it has; True when it says so, False if it ended or is away."""
    try:
        directory = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC) as connection:
        try:
            connection.connect(f"/proc/self/fd/{directory}/socket")
            connection.send(json.dumps({"settle": True}).encode("ascii"))
        except OSError:
            return False
        finally:
            os.close(directory)
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([connection], [], [], left)[0]:
                return False
            try:
                answer = connection.recv(65536)
            except OSError:
                return False
            if not answer:
                return False
            if any(notice["kind"] in ("settled", "stalled") for notice in json.loads(answer)):
                return True
    return False
