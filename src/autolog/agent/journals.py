"""Reading the spool of one task: the journals of its processes, and the agent's own."""

from __future__ import annotations

import os
from collections.abc import Iterator

from autolog.events import (
    Bound,
    Digested,
    Event,
    Failed,
    Finished,
    Loaded,
    Moved,
    Opened,
    Recorded,
    Saved,
    Skipped,
    Started,
    from_line,
    to_line,
)
from autolog.locks import is_locked

__all__ = ["AgentJournal", "Journals", "ProcessJournal", "clear"]

AGENT_FILE = "agent.jsonl"


def clear(folder: str) -> bool:
    """Take the folder of a task that is all in the store away; False if a process has just come back to it.

    It is put aside first, so that nobody can open a journal in it unseen: whoever did looks afterwards
    whether his journal is still where he opened it (`autolog.capture.spool`).
    """
    import shutil

    aside = f"{folder}.done"
    try:
        os.rename(folder, aside)
        names = os.listdir(aside)
    except OSError:
        return True  # somebody else has taken it away
    if any(_journal_of(name) and ProcessJournal(os.path.join(aside, name)).is_alive for name in names):
        try:
            os.rename(aside, folder)
        except OSError:
            pass  # there is a new one already; the next command replays what is aside
        return False
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _journal_of(name: str) -> bool:
    """Whether a file in a task's folder is the journal of a process."""
    return name.endswith(".jsonl") and name != AGENT_FILE


class ProcessJournal:
    """One process's journal: what it said of itself, and whether it still lives."""

    __slots__ = ("finished", "offset", "opened", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.opened: Opened | None = None
        self.finished: Finished | None = None
        self.offset = 0

    @property
    def role(self) -> str:
        """`main`, `rank` or `child`."""
        return "child" if self.opened is None else self.opened.role

    @property
    def is_alive(self) -> bool:
        """Whether its process holds the journal's lock."""
        return is_locked(self.path)


class Journals:
    """All journals in a task's folder, read on as they grow."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.processes: dict[str, ProcessJournal] = {}
        self.started: Started | None = None
        #: events that concern the store, by id, in the order they were read
        self.events: dict[str, Saved | Loaded | Skipped | Failed | Bound | Finished] = {}
        #: where a process has seen the file of an earlier save, by that save's id; and each sight of it
        self.seen_at: dict[str, str] = {}
        self.sights: list[str] = []

    def read(self) -> list[Event]:
        """Take in the lines that were added since the last time, and give these."""
        new: list[Event] = []
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return new
        for name in names:
            if _journal_of(name):
                journal = self.processes.setdefault(name, ProcessJournal(os.path.join(self.folder, name)))
                for event in self._new_events(journal):
                    self._take(event, journal)
                    new.append(event)
        return new

    @property
    def principals(self) -> list[ProcessJournal]:
        """The processes whose end is the end of the run: the main one, or the ranks of a job.

        A spawned worker's journal counts only where there is no other.
        """
        everybody = list(self.processes.values())
        return [each for each in everybody if each.role != "child"] or everybody

    def _new_events(self, journal: ProcessJournal) -> Iterator[Event]:
        try:
            with open(journal.path, "rb") as file:
                file.seek(journal.offset)
                data = file.read()
        except OSError:
            return
        end = data.rfind(b"\n") + 1  # a line that is still being written waits for the next time
        journal.offset += end
        for line in data[:end].splitlines():
            event = from_line(line)
            if event is not None:
                yield event

    def _take(self, event: Event, journal: ProcessJournal) -> None:
        if isinstance(event, Started):
            self.started = self.started or event
        elif isinstance(event, Opened):
            journal.opened = event
        elif isinstance(event, Moved):
            self.seen_at[event.id] = event.path
            self.sights.append(event.id)
        elif isinstance(event, (Saved, Loaded, Skipped, Failed, Bound, Finished)):
            if isinstance(event, Finished):
                journal.finished = event
            self.events[event.id] = event


class AgentJournal:
    """What agents of this task have found and recorded, now and earlier."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, AGENT_FILE)
        self.digested: dict[str, Digested] = {}
        self.recorded: set[str] = set()
        self.moved: dict[str, str] = {}
        self._read()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)

    def add(self, event: Digested | Recorded | Moved) -> None:
        """Write one line. A full disk loses the line, not the work: the store knows what it holds."""
        if isinstance(event, Digested):
            self.digested[event.id] = event
        elif isinstance(event, Recorded):
            self.recorded.add(event.id)
        else:
            self.moved[event.id] = event.path
        try:
            os.write(self._descriptor, to_line(event))
        except OSError:
            return

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _read(self) -> None:
        try:
            with open(self._path, "rb") as file:
                lines = file.read().splitlines()
        except OSError:
            return
        for line in lines:
            event = from_line(line)
            if isinstance(event, Digested):
                self.digested[event.id] = event
            elif isinstance(event, Recorded):
                self.recorded.add(event.id)
            elif isinstance(event, Moved):
                self.moved[event.id] = event.path
