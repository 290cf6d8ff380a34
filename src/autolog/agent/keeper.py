"""Takes what was put aside to where it is kept, in its order, again and again while that place is away."""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from autolog import _guard
from autolog.config import mask

from .aside import GIVEN_WAY, Aside
from .jobs import Job
from .worker import Worker, step_back

if TYPE_CHECKING:
    from autolog.content import Staged
    from autolog.keeping import Destination
    from autolog.store import Store

    from .connection import Connection
    from .told import Told

__all__ = ["Keeper", "Outgoing"]

_RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0)
#: A run that is over and whose destination has been away for so long leaves what waits to the next one.
_LINGER_SECONDS = 600.0

_FLEETING = "{} is gone when the process ends that wrote there; name a folder, or a URL that lasts"
_TAKEN_AWAY = "somebody has taken away what was put aside of it"


@dataclass(frozen=True, eq=False)
class Outgoing:
    """What was put aside of one snapshot, and the process that it came from."""

    staged: Staged
    connection: Connection | None

    @property
    def event_id(self) -> str:
        """The id of the save."""
        return str(self.staged.facts["event"])

    @property
    def place(self) -> str:
        """Where it goes, as it is recorded: empty for where the run's bytes go."""
        return str(self.staged.facts.get("output_uri") or "")


class Keeper(Worker):
    """Sends snapshots' bytes, one after the other: a later one may share chunks with one before.

    While a destination is away all that goes there waits; whoever waits for us is told so.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        told: Told,
        aside: Aside,
        wake: Callable[[], None],
    ) -> None:
        super().__init__("keeper")
        self._store = store
        self._told = told
        self._aside = aside
        self._home = os.path.dirname(aside.folder)
        self._wake = wake
        #: Whether it is at what nobody waits for.
        self._is_tidying = False
        #: Why nothing can be sent just now, if so, and since when.
        self.blocked = ""
        self._since = 0.0
        #: Events whose bytes are being sent.
        self._under_way: set[str] = set()
        #: Events whose bytes were given up before they came here.
        self._unwanted: set[str] = set()
        #: Given up by threads that can't wait for the store to take a note of it.
        self._given_up: deque[Staged] = deque()
        aside.give_up = self._give_up

    def run(self) -> None:
        """Work at a much lower priority than the training."""
        step_back(10)
        super().run()

    def send(self, staged: Staged, connection: Connection | None) -> None:
        """Queue what was put aside."""
        item = Outgoing(staged, connection)
        if staged.given_up:
            self._let_go(item)  # by an earlier agent, which didn't come to say so
            return
        with self._some:
            is_wanted = item.event_id not in self._unwanted
            self._unwanted.discard(item.event_id)
            if is_wanted:
                self.put(item)
        if not is_wanted:
            self._let_go(item)
        elif self.blocked:
            self._say(item, "waiting")

    def settle(self, job: Job) -> None:
        """Tell a process when all that is queued is kept, or at once if that can't be just now."""
        if self.blocked or self.is_idle or self._is_tidying:
            job.tell({"kind": "settled"}, self._wake)
        else:
            self.put(job)

    @property
    def is_hopeless(self) -> bool:
        """Whether the destination has been away so long that what waits is left to the next agent."""
        return bool(self.blocked) and time.monotonic() - self._since > _LINGER_SECONDS

    def tidy_up(self, task_id: str) -> None:
        """Queue what is left to do when a run is over and nobody waits for anything.

        What earlier runs have put aside is brought to where it is kept, and what this one has kept is made
        smaller.
        """
        self.put(partial(self._tidy_up, task_id))

    def _tidy_up(self, task_id: str) -> None:
        from autolog.errors import StoreError

        from .waiting import send_leftovers

        self._is_tidying = True
        step_back(19)
        try:
            send_leftovers(self._home, self._told, time.monotonic() + _LINGER_SECONDS, far=True)
            if self._told.repack:
                self._repack(task_id)
        except StoreError:
            return  # it is as good as before, and there is a next time
        finally:
            self._is_tidying = False

    def _repack(self, task_id: str) -> None:
        from autolog.content import is_remote
        from autolog.keeping import repack
        from autolog.store import Kept

        if not self._told.output_uri:
            return
        destination = self._told.destination(self._home)
        # What is far away would be fetched and sent again.
        if destination.is_packed and not is_remote(destination.url):
            repack(Kept(self._store()), self._home, task_id=task_id)

    def work(self, item: Any) -> None:
        """Send one snapshot's bytes, however long it takes."""
        if isinstance(item, Job):
            item.tell({"kind": "settled"}, self._wake)
            return
        if not isinstance(item, Outgoing):
            item()
            return
        is_over = False
        try:
            self._send(item)
            is_over = True
        finally:
            self._under_way.discard(item.event_id)
            if not is_over:
                # A fault of ours: it stays where it is for a later agent, and nobody is to wait for it.
                self._say(item, "waiting", "a snapshot could not be kept; `autolog doctor` has more")

    def _next(self) -> Any:
        item = super()._next()
        if isinstance(item, Outgoing):
            self._under_way.add(item.event_id)
        return item

    def _send(self, item: Outgoing) -> None:
        from autolog.errors import StoreError

        for attempt in range(1_000_000):
            self._note_given_up()
            problem = self._try(item)
            if problem is None:
                break
            if not item.staged.is_there and self._note(item.event_id, "failed", _TAKEN_AWAY):
                break  # waiting won't bring it back
            self._block(item, problem)
            if not isinstance(problem, StoreError):
                self._send_elsewhere(item.place)
            time.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
        self.blocked = ""
        self._done(item, "kept")

    def _try(self, item: Outgoing) -> Exception | None:
        """Send it, or note why that can't be done; what is in the way if something is that may pass."""
        from autolog.errors import DestinationError, IntegrityError, StoreError
        from autolog.keeping import send
        from autolog.store import Kept

        try:
            kept = Kept(self._store())
            destination = self._destination(item)
            try:
                if destination.url.startswith("memory://"):
                    # It would take everything, and be gone with us.
                    kept.note(item.event_id, "failed", _FLEETING.format(mask(destination.url)))
                    self._aside.forget()
                elif send(item.staged, destination, kept):
                    self._aside.sent(item.staged)
            except IntegrityError as error:
                kept.note(item.event_id, "failed", str(error))
                self._aside.forget()
        except (DestinationError, StoreError, OSError) as error:
            return error
        return None

    def _send_elsewhere(self, place: str) -> None:
        """Send what goes elsewhere than to this place, which is away, and to others until they are, too."""
        away = {place}
        with self._some:
            queued = [each for each in self._queue if isinstance(each, Outgoing)]
        for each in queued:
            with self._some:
                if each.place in away or each not in self._queue:
                    continue
                self._under_way.add(each.event_id)
            try:
                if self._try(each) is None:
                    with self._some:
                        self._withdraw(each)
                    self._done(each, "kept")
                else:
                    away.add(each.place)
            finally:
                self._under_way.discard(each.event_id)

    def _destination(self, item: Outgoing) -> Destination:
        return self._told.destination(self._home, item.place)

    def _done(self, item: Outgoing, kind: str) -> None:
        shutil.rmtree(item.staged.folder, ignore_errors=True)
        self._aside.done(item.event_id)
        self._say(item, kind)

    def _block(self, item: Outgoing, error: Exception) -> None:
        if self.blocked:
            return
        self.blocked = str(error)
        self._since = time.monotonic()
        _guard.complain(f"{error}; trying again")
        with _guard.guard("note why a snapshot waits", quiet=True):
            self._note(item.event_id, "waiting", str(error))
        self._say(item, "waiting")
        with self._some:
            queued = tuple(self._queue)
        for each in queued:
            if isinstance(each, Outgoing):
                self._say(each, "waiting")
            elif isinstance(each, Job):
                each.tell({"kind": "settled"}, self._wake)

    def _note(self, event_id: str, keeping: str, reason: str) -> bool:
        """Note what became of an event's bytes; False if the store is away: what waits says enough."""
        from autolog.errors import StoreError
        from autolog.store import Kept

        try:
            Kept(self._store()).note(event_id, keeping, reason)
        except StoreError:
            return False
        return True

    def _give_up(self, events: list[str], is_enough: Callable[[list[str]], bool]) -> list[str]:
        """Give up what waits for these events, or will once it is recorded; but not what is under way."""
        from autolog.content import read_item

        with self._some:
            given_up = [each for each in events if each not in self._under_way]
            chosen = [
                each for each in self._queue if isinstance(each, Outgoing) and each.event_id in given_up
            ]
            if not is_enough(given_up):
                return []
            for each in chosen:
                self._withdraw(each)
            self._unwanted.update(set(given_up) - {each.event_id for each in chosen})
        for each in chosen:
            self._let_go(each)
        for event_id in set(given_up) - {each.event_id for each in chosen}:
            # Not recorded yet, which may take as long as the store is away: its room is needed now.
            staged = read_item(os.path.join(self._aside.folder, event_id))
            if staged is not None and not staged.given_up:
                staged.give_up(GIVEN_WAY)
        return given_up

    def _let_go(self, item: Outgoing) -> None:
        """Give up what was put aside; its folder says so until the store does."""
        if not item.staged.given_up:
            item.staged.give_up(GIVEN_WAY)
        self._aside.done(item.event_id)
        self._say(item, "kept")
        self._given_up.append(item.staged)
        self.put(self._note_given_up)

    def _note_given_up(self) -> None:
        while self._given_up:
            staged = self._given_up.popleft()
            if self._note(str(staged.facts["event"]), "failed", GIVEN_WAY):
                shutil.rmtree(staged.folder, ignore_errors=True)

    def _say(self, item: Outgoing, kind: str, reason: str = "") -> None:
        if item.connection is not None:
            item.connection.tell({"kind": kind, "id": item.event_id, "reason": reason or self.blocked})
            self._wake()

    def rested(self) -> None:
        """The main thread looks whether everything is done."""
        if self.is_idle:
            self._wake()
