"""What earlier agents put aside and didn't bring to where it is kept."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from autolog import _guard
from autolog.config import mask
from autolog.errors import DestinationError, IntegrityError, StoreError
from autolog.locks import is_locked, locked

from .aside import waiting_folder
from .told import Told

if TYPE_CHECKING:
    from autolog.content import Staged
    from autolog.store import Kept

__all__ = ["leftovers", "outcomes", "send_leftovers", "why_held_up"]

#: What was begun and not touched for so many seconds was never finished.
_OLD_SECONDS = 3600.0


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
    that waits no longer: it was brought there, given up, or its snapshot is gone (`outcomes`).
    """
    if not os.path.isdir(waiting_folder(home)):
        return 0, ""
    with locked(os.path.join(waiting_folder(home), "lock")) as is_alone:
        if not is_alone:
            left = len(leftovers(home)) if far else 0
            return left, "another process is bringing them there" if left else ""
        return _Sender(home, told, deadline, far, tell).send_all()


def outcomes(items: Iterable[Staged], told: Told) -> dict[str, tuple[str, str]]:
    """What became of the bytes of these events, and why, as far as their stores have snapshots of them.

    Raises StoreError.
    """
    events: dict[str, list[str]] = {}
    for staged in items:
        chosen, _ = _told_of(staged, told)
        if chosen is not None:
            events.setdefault(chosen.store, []).append(str(staged.facts["event"]))
    found: dict[str, tuple[str, str]] = {}
    for url, ids in events.items():
        from autolog.store import Kept, Store

        kept = Kept(Store.open(url))
        try:
            found.update(kept.became(ids))
        finally:
            kept.close()
    return found


def why_held_up(items: Iterable[Staged], told: Told) -> str:
    """Why something of it waits, also with an agent, as far as a store was told; empty if none was."""
    try:
        became = outcomes(items, told)
    except StoreError:
        return ""  # whoever looks at the store says so
    return next((why for keeping, why in became.values() if keeping == "waiting" and why), "")


def _told_of(staged: Staged, own: Told) -> tuple[Told | None, str]:
    """Where an item goes; None, and why, if it takes a password that is not in our own settings."""
    found = []
    for name, mine in (
        ("store", own.store),
        ("output_uri", own.output_uri),
        ("content_store", own.content_store),
    ):
        theirs = str(staged.facts.get(name, ""))
        if theirs != mask(mine) and "***" in theirs:
            return None, f"the password of {theirs} is not in these settings ({name})"
        found.append(mine if theirs == mask(mine) else theirs)
    store, output_uri, content_store = found
    return own._replace(store=store, output_uri=output_uri, content_store=content_store), ""


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
        stays: list[Staged] = []
        try:
            for staged in leftovers(self._home):
                task = str(staged.facts.get("task", ""))
                if is_locked(os.path.join(self._home, "spool", task, "lock")):
                    continue  # its agent sends what waits by itself
                if self._is_unrecorded(staged, task):
                    left += 1
                    continue
                where = str(staged.facts.get("output_uri")) + str(staged.facts.get("content_store"))
                # What is in the way of one is in the way of all that go there, and may take long to show.
                is_done = where not in away and self._take(staged.folder)
                if is_done is None:
                    continue  # who put it aside is just bringing it there
                if is_done:
                    self._tell(staged)
                else:
                    away.add(where)
                    stays.append(staged)
                    left += 1
            if not left:
                self._clear()
            self._renew(stays)
        finally:
            for kept in self._kept.values():
                kept.close()
        return left, self._reason

    def _renew(self, stays: list[Staged]) -> None:
        """Tell the stores that these are still here, so that nobody frees what they count on."""
        tasks: dict[str, set[str]] = {}
        for staged in stays:
            told, _ = _told_of(staged, self._own)
            if told is not None:
                tasks.setdefault(told.store, set()).add(str(staged.facts.get("task", "")))
        for url, task_ids in tasks.items():
            try:
                self._open(url).renew(task_ids)
            except StoreError as error:
                self._reason = self._reason or str(error)

    def _is_unrecorded(self, staged: Staged, task: str) -> bool:
        """Whether its save may still be in the spool, while the store was away or refuses it.

        Then nobody knows of a snapshot yet, and these may be the only bytes of it that there are.
        """
        if not task or not os.path.isdir(os.path.join(self._home, "spool", task)):
            return False
        told, _ = _told_of(staged, self._own)
        if told is None:
            return False  # nothing can be asked; that is said when it is to be sent
        try:
            if self._open(told.store).became([str(staged.facts["event"])]):
                return False
            self._reason = self._reason or "their saves are in no store yet"
        except StoreError as error:
            self._reason = self._reason or str(error)
        return True

    def _take(self, folder: str) -> bool | None:
        """Send what is in a folder; whether it waits no longer. None if somebody else is at it."""
        from autolog.content import alone, read_item

        with _guard.guard("take weights to where they are kept"):
            try:
                with alone(folder) as is_ours:
                    staged = read_item(folder) if is_ours else None
                    return None if staged is None else self._send(staged)
            except OSError as error:
                self._reason = self._reason or str(error)
        return False

    def _send(self, staged: Staged) -> bool:
        from autolog.content import is_remote
        from autolog.keeping import send

        told, why = _told_of(staged, self._own)
        if told is None:
            self._reason = self._reason or why
            return False
        event_id = str(staged.facts["event"])
        destination = told.destination(self._home)
        if not staged.given_up and time.monotonic() > self._deadline:
            self._reason = self._reason or "there was no time for all of them"
            return False
        if not staged.given_up and is_remote(destination.url) and not self._far:
            self._reason = self._reason or f"they go to {mask(destination.url)}"
            return False
        try:
            kept = self._open(told.store)
            try:
                if staged.given_up:  # whoever did that didn't come to say so
                    kept.note(event_id, "failed", staged.given_up)
                else:
                    send(staged, destination, kept)
            except IntegrityError as error:
                kept.note(event_id, "failed", str(error))
        except (DestinationError, StoreError, OSError) as error:
            self._reason = self._reason or str(error)
            return False
        shutil.rmtree(staged.folder, ignore_errors=True)
        return True

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
            if not os.path.isdir(path) or os.path.exists(os.path.join(path, "item.json")):
                continue
            if time.time() - _touched(path) > _OLD_SECONDS and not is_locked(os.path.join(path, "lock")):
                shutil.rmtree(path, ignore_errors=True)


def _touched(folder: str) -> float:
    """When something in a folder was last written to; now if it is gone."""
    try:
        with os.scandir(folder) as entries:
            return max([os.stat(folder).st_mtime, *(each.stat().st_mtime for each in entries)])
    except OSError:
        return time.time()
