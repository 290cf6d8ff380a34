"""Inputs that were taken out of tasks a moment ago, for an undo that puts back exactly these."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from autolog.errors import NotFound, StoreError
from autolog.store import TakenInput

__all__ = ["TakenInputs"]

_MOST = 100


class TakenInputs:
    """The last hundred that were taken out at once, as long as the server runs. Threads may share it.

    They stay here and go to no browser: what comes back is what was recorded, and nothing that a page says.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Sequence[TakenInput]] = OrderedDict()
        self._lock = Lock()

    def keep(self, task_id: str, taken: Sequence[TakenInput]) -> str:
        """Keep what was taken out of a task; the mark to ask for it by."""
        mark = secrets.token_urlsafe(16)
        with self._lock:
            self._known[task_id, mark] = taken
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return mark

    @contextmanager
    def given(self, task_id: str, mark: str) -> Iterator[Sequence[TakenInput]]:
        """What was taken out of this task, once, unless the store then refuses it. Raises NotFound."""
        with self._lock:
            taken = self._known.pop((task_id, mark), None)
        if taken is None:
            raise NotFound("that can't be taken back any more; connect the model by hand")
        try:
            yield taken
        except StoreError:
            with self._lock:
                self._known[task_id, mark] = taken
            raise
