"""The files of the latest saves, held a little longer to see where the script puts them.

The agent looks, too, but a file that is saved under a temporary name, put in its place and replaced by
the next one may be gone before it comes to that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from autolog.events import Moved, Saved
from autolog.files import path_of, whole_path

from .descriptors import Kept

__all__ = ["Latest"]

#: Only small files: a large one that the script removes must free its room on the disk, and takes so
#: long to write that the agent sees where it goes.
_MOST_BYTES = 64 << 20


class _Recent(NamedTuple):
    """One of the latest saves: its file, and where that was when we last looked."""

    event: Saved
    kept: Kept
    path: str


class Latest:
    """The latest saves of this process, at most `room` of them."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._recent: dict[str, _Recent] = {}

    def add(self, event: Saved, kept: Kept) -> None:
        """Hold the file of this save, in the place of the earliest one that is held."""
        if (event.size or 0) > _MOST_BYTES:
            return
        key, number = event.path or "", kept.number
        if number is None or not self._room:
            return
        try:
            path, copy = path_of(number)[0], Kept(os.dup(number))
        except OSError:
            return  # no descriptor is left, or another thread has just given this one up
        if path is None or kept.number is None:
            copy.close()
            return
        self._forget(key)
        while len(self._recent) >= self._room:
            self._forget(next(iter(self._recent), ""))
        self._recent[key] = _Recent(event, copy, path)

    def moves(self) -> Iterator[Moved]:
        """Which files are elsewhere now. Those that have no name left are let go."""
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
                whole = whole_path(path, recent.event)
                if whole is not None:
                    yield Moved(recent.event.id, whole)

    def clear(self) -> None:
        """Let go of all."""
        for key in tuple(self._recent):
            self._forget(key)

    def _forget(self, key: str) -> None:
        recent = self._recent.pop(key, None)
        if recent is not None:
            recent.kept.close()
