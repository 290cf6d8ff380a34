"""The bytes of saves are put aside as they are read, before the script may write over them.

What is put aside lies in the folder `waiting` of the home until it is where it is kept. It may not grow
without bound while a destination is away: beyond the limit, earlier saves to the same path that still wait
are given up for the newest one, if that makes the room; else the new one is not kept. Both are recorded on
the snapshot. What a save needs of those before it, it holds, too (`autolog.content.heaps`): giving these up
loses none of its bytes, and frees only what nobody else holds.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autolog.errors import DestinationError
from autolog.events import NOWHERE, Saved

from .digest import hash_file

if TYPE_CHECKING:
    from autolog.content import Heap, Staged, Staging
    from autolog.formats import Region, Seen

    from .told import Told

__all__ = ["GIVEN_WAY", "Aside", "Putting", "waiting_folder", "waiting_size"]

GIVEN_WAY = "a newer save to the same path took its room while it waited (waiting_limit)"
#: Bytes that are left free for the spool and the records, or a tenth of a small disk.
_RESERVE = 256 << 20
#: Digests of chunks that are remembered: of 32 bytes each, and as many again for the set.
_REMEMBERED = 500_000


def waiting_folder(home: str) -> str:
    """Where everything lies that is on its way to where it is kept."""
    return os.path.join(home, "waiting")


def waiting_size(home: str) -> int:
    """How many bytes wait in a home."""
    held = {heap for heaps in _waiting_files(waiting_folder(home)).values() for heap in heaps}
    return sum(heap.size for heap in held)


def _waiting_files(folder: str) -> dict[str, tuple[Heap, ...]]:
    """The files of what waits, by the event of each save that they are of; several saves may hold one."""
    if not os.path.isdir(folder):
        return {}
    from autolog.content import Heap

    heaps: dict[tuple[int, int], Heap] = {}
    found: dict[str, tuple[Heap, ...]] = {}
    for here, _, names in os.walk(folder):
        event_id = os.path.relpath(here, folder).partition(os.sep)[0]
        for name in names if event_id != "." else ():
            path = os.path.join(here, name)
            try:
                status = os.stat(path)
            except OSError:
                continue  # it has just been sent
            heap = heaps.setdefault((status.st_dev, status.st_ino), Heap(status.st_size))
            heap.names[os.path.join(folder, event_id)] = path
            found[event_id] = (*found.get(event_id, ()), heap)
    return found


class Aside:
    """Puts a run's saves aside, as chunks or as whole files."""

    def __init__(self, home: str, told: Told, task_id: str) -> None:
        self.folder = waiting_folder(home)
        self._limit = told.waiting_limit
        self._told = told
        self._task_id = task_id
        #: Chunk -> the file of what waits that it is in; None for one that is where it is kept.
        self._seen: dict[bytes, Heap | None] = {}
        #: Event -> its path and the files that it holds; the path isn't known of those of earlier runs.
        self._waiting = {event: ("", heaps) for event, heaps in _waiting_files(self.folder).items()}
        self._lock = threading.Lock()
        #: Asked to give up what waits for these events, if those that it can give up are enough; these.
        self.give_up: Callable[[list[str], Callable[[list[str]], bool]], list[str]] = lambda _, is_enough: []

    def wants(self, event: object) -> bool:
        """Whether the bytes of this event are to be kept anywhere."""
        return isinstance(event, Saved) and self.output_uri(event) != ""

    def output_uri(self, event: Saved) -> str:
        """Where a save's bytes go: where it says, else where the run's go; empty for nowhere."""
        if event.output_uri == NOWHERE:
            return ""
        return event.output_uri or self._told.output_uri

    def facts(self, event: Saved) -> dict[str, Any]:
        """What goes with each item, for whoever takes it on."""
        from autolog.content import item_facts

        told = self._told
        run = item_facts(self._task_id, told.store, self.output_uri(event), told.content_store)
        return {
            **run,
            "event": event.id,
            "path": event.path or "",
            "time": event.time,
            "target": event.target,
        }

    def earlier(self, event_id: str) -> Staged | None:
        """What an earlier agent has put aside for an event."""
        from autolog.content import read_item

        staged = read_item(os.path.join(self.folder, event_id))
        if staged is None or staged.given_up:
            return None
        with self._lock:
            heaps = self._waiting.get(event_id, ("", ()))[1]
        self.waits(event_id, str(staged.facts.get("path") or ""), heaps)
        return staged

    def begin(self, event: Saved) -> Putting:
        """Begin to put an event's files aside."""
        from autolog.content import Staging

        path = event.path or ""
        with self._lock:
            earlier = [each for each, (at, _) in self._waiting.items() if path and at == path]
        size = sum(part.facts.size for part in event.parts) or (event.size or 0)
        if size > self._limit:
            return Putting(self, event, None, f"its {size} bytes are more than may wait (waiting_limit)")
        if self._bytes() + size > self._limit:
            self._forget_gone()
        if self._bytes() + size > self._limit:
            for each in self.give_up(earlier, lambda given: self._bytes(given) + size <= self._limit):
                self.done(each)
        if (waiting := self._bytes()) + size > self._limit:
            return Putting(self, event, None, f"{waiting} bytes wait to be kept already (waiting_limit)")
        if (free := self._free()) is not None and free < 2 * size:
            return Putting(self, event, None, f"the disk of {self.folder} has no room for it")
        if len(self._seen) > _REMEMBERED:
            self._seen.clear()
        folder = os.path.join(self.folder, event.id)
        shutil.rmtree(folder, ignore_errors=True)  # an earlier agent didn't come to its end
        self.done(event.id)
        try:
            return Putting(self, event, Staging(folder, self._seen), "")
        except DestinationError as error:
            return Putting(self, event, None, str(error))

    def _forget_gone(self) -> None:
        """Strike what others have taken to where it is kept, or given up: nobody tells us."""
        with self._lock:
            gone = [each for each in self._waiting if not os.path.isdir(os.path.join(self.folder, each))]
        for each in gone:
            self.done(each)

    def _bytes(self, without: Sequence[str] = ()) -> int:
        """How many bytes wait, or would without some events."""
        with self._lock:
            held = {
                heap for event, (_, heaps) in self._waiting.items() if event not in without for heap in heaps
            }
        return sum(heap.size for heap in held)

    def _free(self) -> int | None:
        """How many bytes may be put aside: it takes as many again to pack them, and the records need room."""
        try:
            disk = os.statvfs(os.path.dirname(self.folder))
        except OSError:
            return None  # putting aside will fail, and say why
        reserve = min(_RESERVE, disk.f_blocks * disk.f_frsize // 10)
        return disk.f_bavail * disk.f_frsize - reserve

    def waits(self, event_id: str, path: str, heaps: tuple[Heap, ...]) -> None:
        """Something was put aside."""
        with self._lock:
            self._waiting[event_id] = (path, heaps)

    def sent(self, staged: Staged) -> None:
        """It is where it is kept, and so are its chunks: later saves need not hold them."""
        self._seen.update(dict.fromkeys((d for file in staged.files for d, _, _ in file.chunks), None))

    def done(self, event_id: str) -> None:
        """What was put aside for it is away: it is where it is kept, or given up."""
        with self._lock:
            _, heaps = self._waiting.pop(event_id, ("", ()))
        for heap in heaps:
            heap.let_go(os.path.join(self.folder, event_id))

    def forget(self) -> None:
        """Something that was put aside is not kept after all: later saves can't count on its chunks."""
        self._seen.clear()


class Putting:
    """One event's files on their way aside; `problem` says why there are none."""

    def __init__(self, aside: Aside, event: Saved, staging: Staging | None, problem: str) -> None:
        from autolog.formats import Seen

        self._aside = aside
        self._event = event
        self._staging = staging
        self.problem = problem
        #: What was seen of the files on the way.
        self.seen: Seen = Seen()

    def read(self, name: str, path: str, descriptor: int, size: int) -> tuple[str, int]:
        """Read an open file and put it aside; `(digest, bytes)`, also where that can't be done."""
        if self._staging is not None:
            try:
                if self._aside.output_uri(self._event) != "true":
                    file = self._staging.add_whole(name, descriptor)
                else:
                    at = name or os.path.basename(path)
                    file = self._staging.add(name, descriptor, size, _spans(descriptor, at, self.seen))
                    self.seen.ranges[at] = file.ranges()
                return file.digest, file.size
            except DestinationError as error:
                self._abandon(str(error))
        return hash_file(descriptor)

    def leave_out(self, name: str) -> None:
        """A file that is no part of the weights changed while it was read."""
        if self._staging is not None:
            self._staging.leave_out(name)

    def end(self, *, is_whole: bool) -> Staged | None:
        """What was put aside, if all of it still was what was saved."""
        if self._staging is None:
            return None
        if not is_whole:
            self._abandon("")
            return None
        event = self._event
        try:
            staged = self._staging.finish(self._aside.facts(event))
        except DestinationError as error:
            self._abandon(str(error))
            return None
        self._aside.waits(event.id, event.path or "", self._staging.heaps)
        return staged

    def _abandon(self, problem: str) -> None:
        self.problem = problem
        if self._staging is not None:
            self._staging.abandon()
            self._staging = None


def _spans(descriptor: int, name: str, seen: Seen) -> tuple[Region, ...]:
    from autolog import _guard, formats

    with _guard.guard(f"find the tensors in {name}", quiet=True):
        # A description of its own: the trainer's shares its position with ours.
        with open(f"/proc/self/fd/{descriptor}", "rb", buffering=1 << 16) as file:
            return formats.regions(file, name, seen)
    return ()
