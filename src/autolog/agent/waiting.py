"""What earlier agents put aside and didn't bring to where it is kept."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from autolog import _guard
from autolog.config import mask
from autolog.errors import DestinationError, IntegrityError, StoreError

from .aside import waiting_folder
from .locks import is_locked, locked
from .told import Told

if TYPE_CHECKING:
    from autolog.content import Staged
    from autolog.store import Kept

__all__ = ["leftovers", "send_leftovers"]


def leftovers(home: str, task_id: str | None = None) -> list[Staged]:
    """What waits, of one task or of all, in the order of the saves."""
    try:
        names = os.listdir(waiting_folder(home))
    except OSError:
        return []
    if not names:
        return []
    from autolog.content import read_item

    items = (read_item(os.path.join(waiting_folder(home), name)) for name in names)
    found = [each for each in items if each is not None and task_id in (None, each.facts.get("task"))]
    return sorted(found, key=lambda each: float(each.facts.get("time", 0)))


def send_leftovers(
    home: str,
    told: Told,
    deadline: float,
    *,
    far: bool = False,
    tell: Callable[[Staged], None] = lambda staged: None,
) -> tuple[int, str]:
    """Bring what no living agent sees to where it is kept; `(how many still wait, why)`.

    Only into folders of this machine, unless `far`: uploads may take long. `told` has the passwords that are
    left out of what waits. Stops after `deadline`, a time of `time.monotonic`. `tell` is called with each
    that was brought there.
    """
    if not os.path.isdir(waiting_folder(home)):
        return 0, ""
    with locked(os.path.join(waiting_folder(home), "lock")) as is_alone:
        if not is_alone:
            left = len(leftovers(home)) if far else 0
            return left, "another process is bringing them there" if left else ""
        return _Sender(home, told, deadline, far, tell).send_all()


class _Sender:
    def __init__(
        self, home: str, told: Told, deadline: float, far: bool, tell: Callable[[Staged], None]
    ) -> None:
        self._home = home
        self._own = told
        self._deadline = deadline
        self._far = far
        self._tell = tell
        self._kept: dict[str, Kept] = {}
        self._reason = ""

    def send_all(self) -> tuple[int, str]:
        left = 0
        away: set[str] = set()
        try:
            for staged in leftovers(self._home):
                task = str(staged.facts.get("task", ""))
                if is_locked(os.path.join(self._home, "spool", task, "lock")):
                    continue  # its agent sends what waits by itself
                where = str(staged.facts.get("output_uri")) + str(staged.facts.get("content_store"))
                # What comes later for the same place may share chunks with what could not be sent.
                if where in away or not self._send(staged):
                    away.add(where)
                    left += 1
                else:
                    self._tell(staged)
            if not left:
                self._clear()
        finally:
            for kept in self._kept.values():
                kept.close()
        return left, self._reason

    def _send(self, staged: Staged) -> bool:
        from autolog.content import is_remote
        from autolog.keeping import send

        told = self._told(staged)
        if told is None:
            return False
        destination = told.destination(self._home)
        if time.monotonic() > self._deadline:
            self._reason = self._reason or "there was no time for all of them"
            return False
        if is_remote(destination.url) and not self._far:
            self._reason = self._reason or f"they go to {mask(destination.url)}"
            return False
        done = False
        event_id = str(staged.facts["event"])
        with _guard.guard("take weights to where they are kept"):
            try:
                kept = self._open(told.store)
                try:
                    send(staged, destination, kept)
                except IntegrityError as error:
                    kept.note(event_id, "failed", str(error))
                shutil.rmtree(staged.folder, ignore_errors=True)
                done = True
            except (DestinationError, StoreError, OSError) as error:
                self._reason = self._reason or str(error)
        return done

    def _told(self, staged: Staged) -> Told | None:
        """Where an item goes; None if it takes a password that is not in our own settings."""
        own = self._own
        found = []
        for name, mine in (
            ("store", own.store),
            ("output_uri", own.output_uri),
            ("content_store", own.content_store),
        ):
            theirs = str(staged.facts.get(name, ""))
            if theirs != mask(mine) and "***" in theirs:
                self._reason = self._reason or f"the password of {theirs} is not in these settings ({name})"
                return None
            found.append(mine if theirs == mask(mine) else theirs)
        store, output_uri, content_store = found
        return own._replace(store=store, output_uri=output_uri, content_store=content_store)

    def _open(self, url: str) -> Kept:
        from autolog.store import Kept, Store

        if url not in self._kept:
            self._kept[url] = Kept(Store.open(url))
        return self._kept[url]

    def _clear(self) -> None:
        """Take away what an agent began to put aside and didn't finish, unless one may still be at it."""
        folder = waiting_folder(self._home)
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            is_old = time.time() - os.stat(path).st_mtime > 3600
            if os.path.isdir(path) and is_old and not os.path.exists(os.path.join(path, "item.json")):
                shutil.rmtree(path, ignore_errors=True)
