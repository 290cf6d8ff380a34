"""Brings what the spool still holds into the store, when no agent is left to do it.

Every `autolog` command does this first. A file is taken only if it still is what was saved; what was
unlinked or overwritten before anyone read it is marked lost.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from autolog import _guard
from autolog.config import Settings, mask
from autolog.errors import StoreError, StoreRefused
from autolog.events import Digested, Finished, Loaded, Recorded, Saved, Started

from .digest import OVERWRITTEN, digest_file, digest_of_parts, find_file, path_of
from .journals import AgentJournal, Journals, clear
from .outcome import outcome
from .scribe import File, Scribe

__all__ = ["Settled", "read_file", "read_parts", "replay", "settle"]


#: A folder without a word in it may be that of a process which is just starting.
_NEW_SECONDS = 60.0


class Settled(NamedTuple):
    """What is left after settling: events that are not in the store yet, and why."""

    pending: int = 0
    problems: tuple[str, ...] = ()


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
        return Settled()
    except OSError as error:
        raise StoreError(
            f"the spool {settings.spool} can't be read ({error.strerror}); set AUTOLOG_HOME"
        ) from error
    for task in tasks:
        folder = os.path.join(settings.spool, task)
        while os.path.isdir(folder):
            with _lock(folder) as is_ours:
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
    return Settled(pending, tuple(problems))


def replay(scribe: Scribe, journals: Journals, notes: AgentJournal) -> int:
    """Record every event of dead processes that is not recorded yet; returns how many could not be.

    Raises StoreError.
    """
    failed = 0
    alive = {name for name, journal in journals.processes.items() if journal.is_alive}
    for event in sorted(journals.events.values(), key=lambda each: getattr(each, "time", 0.0)):
        if event.id in notes.recorded:
            continue
        owner = f"{event.id.rpartition('-')[0]}.jsonl"
        if owner in alive and isinstance(event, (Saved, Loaded)):
            continue  # its process holds the file and will hand it to the next agent
        if isinstance(event, (Saved, Loaded)):
            action = partial(_replay_file, event, scribe, notes, journals.seen_at.get(event.id))
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


def read_file(event: Saved | Loaded, descriptor: int | None) -> tuple[Digested, bytes | None]:
    """Read the file of an event through its descriptor: what and where it is, its bytes if few."""
    if descriptor is None or event.facts is None:
        return Digested(event.id, None, lost="it was unlinked before it could be read"), None
    digest, data = digest_file(descriptor, event.facts)
    path, links = path_of(descriptor)
    lost = None if digest is not None else OVERWRITTEN
    return Digested(event.id, digest, path=path, lost=lost, links=links), data


def read_parts(event: Saved | Loaded, descriptors: dict[int, int]) -> Digested:
    """Read the several files of an event, through descriptors (by their place) or by their paths.

    A file that is no part of the weights and was written again at once (a tokenizer beside a model) is left
    out; its digest is empty then.
    """
    digests: list[str] = []
    for index, part in enumerate(event.parts):
        descriptor = descriptors.get(index)
        if descriptor is None:
            held = find_file(event.base + part.name, part.facts)
            if held is None and not part.weights:
                digests.append("")
                continue
            if held is None:
                return Digested(
                    event.id, None, lost=f"{part.name or 'a file'} was gone before it could be read"
                )
            descriptor = held[0]
        try:
            digest = digest_file(descriptor, part.facts)[0]
        finally:
            if index not in descriptors:
                os.close(descriptor)
        if digest is None and part.weights:
            return Digested(
                event.id, None, lost=f"{part.name or 'a file'} was overwritten before it was read"
            )
        digests.append(digest or "")
    return Digested(event.id, digest_of_parts(event.parts, digests), parts=tuple(digests), links=1)


def _replay_parts(event: Saved | Loaded, scribe: Scribe, notes: AgentJournal, seen_at: str | None) -> None:
    found = notes.digested.get(event.id)
    if found is None or found.digest is None:
        found = read_parts(event, {})
        notes.add(found)
    is_there = os.path.exists(event.path or "") or os.path.exists(event.base + event.lead)
    scribe.record(event, found._replace(path=seen_at or found.path, links=1 if is_there or seen_at else 0))


def _replay_file(event: Saved | Loaded, scribe: Scribe, notes: AgentJournal, seen_at: str | None) -> None:
    if event.place != "file" or event.facts is None or event.digest is not None:
        scribe.record(event)
        return
    if event.parts:
        _replay_parts(event, scribe, notes, seen_at)
        return
    found, data = notes.digested.get(event.id), None
    held = find_file(event.path or "", event.facts)
    descriptor = None if held is None else held[0]
    try:
        if found is None or found.digest is None:
            earlier = found
            found, data = read_file(event, descriptor)
            if found.digest is None and earlier is not None:
                found = earlier
            notes.add(found)
        elif descriptor is not None:
            # It has been read already; only its place may be another by now.
            path, links = path_of(descriptor)
            found = Digested(event.id, found.digest, path=path or found.path, links=links)
        else:
            found = Digested(event.id, found.digest, path=found.path, links=0)
        if not found.links:
            found = found._replace(path=seen_at or found.path)
        scribe.record(event, found, File(descriptor, data))
    finally:
        if descriptor is not None:
            os.close(descriptor)


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
            _take_sights(journals, scribe, notes)
            left = replay(scribe, journals, notes)
            end = outcome(journals)
            writer = scribe.writer
            if end is None:
                writer.heartbeat(scribe.task_id, time.time())
                return 0, ""
            _follow_moves(journals, scribe, notes)
            writer.ended(scribe.task_id, *end)
        except StoreError as error:
            waiting = sum(event.id not in notes.recorded for event in journals.events.values())
            if _store_of(journals, settings) == settings.store:
                raise
            return max(1, waiting), str(error)
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


@contextmanager
def _lock(folder: str) -> Iterator[bool]:
    try:
        descriptor = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


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
