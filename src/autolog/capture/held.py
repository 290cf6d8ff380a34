"""Events that the agent has not acknowledged, and the descriptors that go with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .descriptors import Kept

__all__ = ["Held", "Unacknowledged"]


class Held:
    """An event that the agent has not acknowledged, and the descriptors that go with it.

    `files` are the (device, inode) of the files that the agent has still to read.
    """

    __slots__ = ("files", "is_digested", "is_save", "kept", "message")

    def __init__(
        self,
        message: dict[str, Any],
        kept: list[Kept | None],
        files: Iterable[tuple[int, int]] = (),
        *,
        is_save: bool = False,
    ) -> None:
        self.message = message
        self.kept = kept
        self.files = tuple(files)
        self.is_save = is_save
        self.is_digested = False

    @property
    def count(self) -> int:
        """How many descriptors are held."""
        return sum(each is not None for each in self.kept)

    def let_go(self) -> None:
        """Close the descriptors."""
        # Emptied in place: the connection may have the very list among what is still to be sent.
        for index, each in enumerate(self.kept):
            if each is not None:
                self.kept[index] = None
                each.close()


class Unacknowledged:
    """What the agent has not acknowledged, in the order in which it was passed on.

    While the store is away there may be tens of thousands of events; of those with descriptors there are
    few, since these are bounded. They are kept apart: the training thread looks through them.
    """

    def __init__(self) -> None:
        self._all: dict[str, Held] = {}
        self._with_files: dict[str, Held] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, event_id: str, held: Held) -> None:
        """Add an event."""
        self._all[event_id] = held
        if held.count:
            self._with_files[event_id] = held

    def get(self, event_id: str) -> Held | None:
        """The event with this id, None once it has been acknowledged."""
        return self._all.get(event_id)

    def acknowledged(self, event_id: str) -> None:
        """Forget an event, and close what goes with it."""
        held = self._all.pop(event_id, None)
        if held is not None:
            held.let_go()
        self._with_files.pop(event_id, None)

    def every(self) -> list[Held]:
        """All events."""
        return list(self._all.values())

    def with_descriptors(self) -> list[Held]:
        """Those that still hold descriptors, the oldest first."""
        for event_id, held in tuple(self._with_files.items()):
            if not held.count:
                self._with_files.pop(event_id, None)
        return list(self._with_files.values())

    def clear(self) -> None:
        """Forget all events, and close what goes with them."""
        for held in self.every():
            held.let_go()
        self._all.clear()
        self._with_files.clear()
