"""The agent's two working threads: one reads files, one writes to the store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autolog import _guard
from autolog.events import Digested, Finished, Loaded, Moved, Recorded, Saved
from autolog.files import whole_path

from .digest import find_file, path_of
from .jobs import Following, Job
from .journals import AgentJournal
from .reading import Read, read_file, read_parts
from .scribe import File, Scribe
from .worker import Worker, step_back

if TYPE_CHECKING:
    from .aside import Aside
    from .keeper import Keeper

__all__ = ["Reader", "Recorder"]

#: A loaded file larger than this many bytes is looked up by its stat before it is read.
_LOOK_UP_BYTES = 64 << 20
#: A saved file above this many bytes is read once more for its weights only while nothing else is to be done.
_WEIGH_BYTES = 64 << 20
#: A script that ends waits this long, and the attempt under way, before it leaves a store that is away.
_PATIENCE_SECONDS = 2.0
#: So many loads of what is no model are recorded together.
_TOGETHER = 200
_RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0)


def _is_passed_over(item: Any) -> bool:
    """Whether this is a load of what is no model, from a file of a size that no snapshot has."""
    event = getattr(item, "event", None)
    return (
        isinstance(event, Loaded) and event.skip is not None and item.found is None and event.digest is None
    )


def _file_of(item: Job) -> File:
    from autolog.formats import Seen

    return File(item.descriptor, item.data, item.parts, item.seen or Seen())


class Reader(Worker):
    """Reads files and hashes them, saves before loads: a save's file may be overwritten any moment."""

    def __init__(self, recorder: Recorder, notes: AgentJournal, wake: Callable[[], None]) -> None:
        super().__init__("reader")
        self._recorder = recorder
        self._notes = notes
        self._wake = wake
        #: Puts the bytes of saves aside, if they are to be kept.
        self.aside: Aside | None = None

    def add(self, job: Job) -> None:
        """Queue an event's file."""
        self.put(job)

    def _next(self) -> Any:
        for index, job in enumerate(self._queue):
            if isinstance(job.event, Saved):
                del self._queue[index]
                return job
            if job.event is None:
                break  # who asks to settle asks for everything before it
        return self._queue.popleft()

    def work(self, item: Job) -> None:
        """Read one file; its digest is in the spool before the barrier opens."""
        event = item.event
        if isinstance(event, (Saved, Loaded)) and event.place == "file" and event.facts is not None:
            with _guard.guard(f"read {event.path}"):
                try:
                    self._look(item, event)
                except OSError as error:  # a disk or a network filesystem that fails
                    lost = f"it could not be read ({error.strerror})"
                    item.found = Digested(event.id, None, lost=lost)
        if isinstance(event, (Saved, Loaded)):
            item.tell({"kind": "digested", "id": event.id}, self._wake)
        self._recorder.put(item)

    def _look(self, item: Job, event: Saved | Loaded) -> None:
        known = self._notes.digested.get(event.id)
        is_wanted = self.aside is not None and self.aside.wants(event)
        earlier = self.aside.earlier(event.id) if self.aside is not None and known is not None else None
        if event.parts:
            if known is not None and known.digest and (earlier is not None or not is_wanted):
                item.take(Read(known, staged=earlier))
            else:
                item.take(read_parts(event, item.parts, self.aside), known, is_wanted=is_wanted)
            self._see_place(item, event)
            self._note(item)
            return
        if item.descriptor is not None and event.facts is not None:
            status = os.fstat(item.descriptor)
            if (status.st_dev, status.st_ino) != (event.facts.device, event.facts.inode):
                item.release()  # its number was given to another file while it was being sent
        if item.descriptor is None and event.facts is not None and event.path is not None:
            held = find_file(event.path, event.facts)
            item.descriptor = None if held is None else held[0]
        if isinstance(event, Loaded) and event.facts is not None:
            if event.skip is not None and not self._recorder.could_be_known(event.facts.size):
                return
            if event.facts.size > _LOOK_UP_BYTES:
                digest = self._recorder.known_digest(event.facts)
                if digest is not None and item.descriptor is not None:
                    path, links = path_of(item.descriptor)
                    item.found = Digested(event.id, digest, path=path, links=links)
                    return
        if known is not None and known.digest and earlier is not None:
            item.take(Read(known, staged=earlier))
        else:
            item.take(read_file(event, item.descriptor, self.aside), known, is_wanted=is_wanted)
        self._note(item)

    def _note(self, item: Job) -> None:
        if item.found is not None:
            self._notes.add(item.found)

    @staticmethod
    def _see_place(item: Job, event: Saved | Loaded) -> None:
        """Note where several files are now, by their folder or their leading part."""
        if item.found is not None and item.descriptor is not None:
            path, links = path_of(item.descriptor)
            item.found = item.found._replace(path=whole_path(path, event), links=links)


class Recorder(Worker):
    """Writes to the store; the only thread that does."""

    def __init__(
        self, scribe: Scribe, notes: AgentJournal, following: Following, wake: Callable[[], None]
    ) -> None:
        super().__init__("recorder")
        self._scribe = scribe
        self._notes = notes
        self._following = following
        self._wake = wake
        self._has_asked_git = False
        #: Files seen elsewhere that the store could not be told of yet.
        self._unsaid_moves: list[tuple[Saved, str | None]] = []
        #: Why the store can't be written just now, if it can't.
        self.is_stalled = False
        self.stalled: Callable[[dict[str, Any]], None] = lambda notice: None
        self.ended: Callable[[], tuple[str, str, float] | None] = lambda: None
        #: Where processes of the run have seen the files of their saves, by event.
        self.seen_at: dict[str, str] = {}
        #: Takes what was put aside to where it is kept.
        self.keeper: Keeper | None = None

    @property
    def task_id(self) -> str:
        """The task that is recorded."""
        return self._scribe.task_id

    def add(self, job: Job) -> None:
        """Queue an event."""
        self.put(job)

    def beat(self) -> None:
        """Queue a heartbeat."""
        self.put(lambda: self._scribe.writer.heartbeat(self._scribe.task_id, time.time()))

    def move(self) -> None:
        """Queue a look at where the followed files are now, unless one is queued."""
        with self._some:
            if self._move in self._queue:
                return
        self.put(self._move)

    def seen(self, event: Saved) -> None:
        """Queue the news that a process of the run has seen a file elsewhere."""

        def record() -> None:
            if self._following.has(event):
                self._move()
            elif event.id not in self._notes.moved:
                self._scribe.moved([(event, self.seen_at[event.id], False)])

        self.put(record)

    def _move(self) -> None:
        # Asked here and not where it was queued: between the two, a file may be recorded at the place that
        # another one has left.
        from autolog.errors import StoreRefused

        changes = self._unsaid_moves = self._unsaid_moves or self._following.changes()
        if not changes:
            return
        try:
            self._scribe.moved(
                [(event, path or self.seen_at.get(event.id), path is None) for event, path in changes]
            )
        except StoreRefused:
            self._unsaid_moves = []  # said again they would keep all later ones from being said
            raise
        for event, path in changes:
            if path is not None:
                self._notes.add(Moved(event.id, path))
        self._unsaid_moves = []

    def finish(self) -> None:
        """Record how the run ended, and wait until that is done (or can't be)."""
        self.put(self._record_end)
        while not self.is_idle and not self.is_stalled:
            time.sleep(0.002)

    def could_be_known(self, size: int) -> bool:
        """Whether the store has a snapshot of this size. Asked from the reader's thread."""
        from autolog.errors import StoreError

        if self.is_stalled:
            return True  # a save must not wait in the reader's queue for a server that doesn't answer
        try:
            return self._scribe.writer.could_be_known(size)
        except StoreError:
            return True

    def known_digest(self, facts: Any) -> str | None:
        """The digest of an untouched file. Asked from the reader's thread."""
        from autolog.errors import StoreError

        if self.is_stalled:
            return None
        try:
            return self._scribe.writer.known_digest(facts)
        except StoreError:
            return None

    def run(self) -> None:
        """Work at a lower priority than the training."""
        step_back(5)
        super().run()

    def work(self, item: Any) -> None:
        """Record one event, waiting for the store as long as it takes."""
        if not isinstance(item, Job):
            self._persist(item)
            return
        if item.event is None:
            if self.keeper is None:
                item.tell({"kind": "settled"}, self._wake)
            else:
                self.keeper.settle(item)
            return
        if _is_passed_over(item):
            self._pass_over([item, *self._others_to_pass_over()])
            return
        event_id = item.event.id
        if item.found is not None and item.descriptor is not None:
            path, links = path_of(item.descriptor)  # it may have been renamed since it was read
            path = whole_path(path, item.event)
            path = path or self.seen_at.get(event_id) or item.found.path
            item.found = item.found._replace(path=path, links=links)
        if isinstance(item.event, Saved):
            # What was at this path before may have been renamed since we last looked. Asked after this file's
            # own place: then nothing that is still said to be there was there when this one was.
            with _guard.guard("record where files have been put"):
                self._persist(self._move)
        recorded = False
        file = _file_of(item)
        with _guard.guard(f"record a {type(item.event).__name__} event"):
            self._persist(lambda: self._scribe.record(item.event, item.found, file, item.keeping))
            if isinstance(item.event, Finished):
                self._persist(self._record_end)
            recorded = True
        if not recorded:
            item.done({"kind": "failed", "id": event_id}, self._wake)
            return
        self._notes.add(Recorded(event_id))
        staged, connection = item.staged, item.connection
        is_keeping = staged is not None and self.keeper is not None
        item.tell({"kind": "recorded", "id": event_id, "keeping": is_keeping}, self._wake)
        if staged is not None and self.keeper is not None:
            self.keeper.send(staged, connection)
        self._weigh(item, file)
        self._keep_following(item)
        item.finish()
        if not self._has_asked_git:
            self._has_asked_git = True
            self.put(self._scribe.ask_git)

    def _others_to_pass_over(self) -> list[Job]:
        """What comes next in the queue and is of this kind: scripts load thousands of samples in a row."""
        others: list[Job] = []
        with self._some:
            while self._queue and len(others) < _TOGETHER and _is_passed_over(self._queue[0]):
                others.append(self._queue[0])
                self._withdraw(self._queue[0])
        return others

    def _pass_over(self, items: list[Job]) -> None:
        """Record loads of what is no model and can't be a snapshot, in one transaction."""
        recorded = False
        with _guard.guard("record loads of what is no model"):
            self._persist(lambda: self._scribe.pass_over([item.event for item in items]))
            recorded = True
        if not recorded and len(items) > 1:
            for item in items:  # one that is refused takes no other along
                self._pass_over([item])
            return
        for item in items:
            if recorded:
                self._notes.add(Recorded(item.event.id))
            item.done({"kind": "recorded" if recorded else "failed", "id": item.event.id}, self._wake)

    def rested(self) -> None:
        """The main thread looks whether everything is done."""
        if self.is_idle:
            self._wake()

    def _weigh(self, item: Job, file: File) -> None:
        """Find out which weights are in a saved file, unless that takes long and others wait."""
        event = item.event
        if not isinstance(event, Saved) or item.found is None or item.found.digest is None:
            return
        size = sum(part.facts.size for part in event.parts) or (event.size or 0)
        if size > _WEIGH_BYTES and self._queue:
            return
        path = item.found.path or event.path or ""
        with _guard.guard(f"tell the weights in {os.path.basename(path)}", quiet=True):
            self._persist(lambda: self._scribe.weigh(event, file, path))

    def _keep_following(self, item: Job) -> None:
        found = item.found
        if (
            isinstance(item.event, Saved)
            and item.descriptor is not None
            and found is not None
            and found.links
        ):
            descriptor, item.descriptor = item.descriptor, None
            self._following.add(item.event, descriptor, found.path)

    def _record_end(self) -> None:
        end = self.ended()
        if end is not None:
            self._scribe.writer.ended(self._scribe.task_id, *end)

    def _persist(self, action: Callable[[], None]) -> None:
        """Do it, again and again while the store is locked or away. Raises StoreRefused."""
        from autolog.errors import StoreError, StoreRefused

        began = time.monotonic()
        for attempt in range(1_000_000):
            try:
                action()
            except StoreRefused:
                raise  # it would be refused for ever, and keep everything behind it waiting
            except StoreError as error:
                is_long = attempt >= 2 or time.monotonic() - began > _PATIENCE_SECONDS
                if is_long and not self.is_stalled:
                    self.is_stalled = True
                    _guard.note("write to the store", error)
                    self.stalled(
                        {"kind": "stalled", "reason": f"{error}. What was captured waits in the spool."}
                    )
                    self._wake()
                time.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
            else:
                self.is_stalled = False
                return
