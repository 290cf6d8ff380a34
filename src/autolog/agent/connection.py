"""What is told to the processes of a run."""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from typing import Any

__all__ = ["Connection"]


class Connection:
    """One process of the run (or a command that asks to settle), and what is still to be told to it."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.waiting: deque[dict[str, Any]] = deque()
        self.is_command = False
        self._lock = threading.Lock()

    def tell(self, notice: dict[str, Any]) -> None:
        """Send a notice at once, from any thread; what doesn't go now the main thread sends."""
        self.waiting.append(notice)
        self.flush()

    def flush(self) -> bool:
        """Send what is waiting as one message; False if the other side is gone."""
        with self._lock:
            return self._flush()

    def _flush(self) -> bool:
        while self.waiting:
            batch = [self.waiting.popleft() for _ in range(min(200, len(self.waiting)))]
            try:
                self.socket.send(json.dumps(batch).encode("ascii"), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except BlockingIOError:
                self.waiting.extendleft(reversed(batch))
                return True
            except OSError:
                return False
        return True
