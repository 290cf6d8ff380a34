"""A thread with a queue, of which the agent has three."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

from autolog import _guard

from .jobs import Job

__all__ = ["Worker", "step_back"]


class Worker(threading.Thread, ABC):
    """A thread with a queue. The queue's head stays in it until it is done, so idle means done."""

    def __init__(self, name: str) -> None:
        super().__init__(name=f"autolog-{name}", daemon=True)
        self._queue: deque[Any] = deque()
        self._some = threading.Condition()
        self._is_busy = False
        #: How many descriptors the queued items and the one under way hold open, and at least one for each.
        self.backlog = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued or under way."""
        with self._some:
            return not self._queue and not self._is_busy

    def put(self, item: Any) -> None:
        """Queue an item."""
        with self._some:
            self._queue.append(item)
            self.backlog += _open_files(item)
            self._some.notify()

    def run(self) -> None:
        """Work until the process ends."""
        while True:
            with self._some:
                while not self._queue:
                    self._some.wait()
                item = self._next()
                files = _open_files(item)
                self._is_busy = True
            with _guard.guard("do the agent's work"):
                self.work(item)
            with self._some:
                self._is_busy = False
                self.backlog -= files
            self.rested()

    def _next(self) -> Any:
        return self._queue.popleft()

    def _withdraw(self, item: Any) -> None:
        """Take an item out of the queue; whoever does that holds `_some`."""
        self._queue.remove(item)
        self.backlog -= _open_files(item)

    @abstractmethod
    def work(self, item: Any) -> None:
        """Do one item."""

    def rested(self) -> None:
        """Called after each item."""


def _open_files(item: Any) -> int:
    return max(1, item.count) if isinstance(item, Job) else 1


def step_back(by: int) -> None:
    """Have the calling thread run at a lower priority than the training."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), by)
    except OSError:
        pass  # not allowed here; then at the same priority
