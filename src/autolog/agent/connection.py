"""What the processes of a run tell, with their descriptors, and what is told to them."""

from __future__ import annotations

import array
import json
import socket
import threading
from collections import deque
from typing import Any

__all__ = ["Connection"]

_MESSAGE_BYTES = 1 << 18
#: More descriptors than any message brings.
_PASSED = 64


class Connection:
    """One process of the run (or a command that asks to settle), and what is still to be told to it."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.waiting: deque[dict[str, Any]] = deque()
        self.is_command = False
        self._lock = threading.Lock()

    def receive(self) -> tuple[bytes, array.array[int]]:
        """The next message and its descriptors; empty if the other side is gone and all it said is read.

        Raises BlockingIOError if there is none yet.
        """
        try:
            return self._receive()
        except ConnectionResetError:
            # It died before it had read what we told it. Linux says so once, ahead of what it has sent:
            # its last saves, perhaps of files that are deleted and live in these descriptors alone.
            return self._receive()

    def _receive(self) -> tuple[bytes, array.array[int]]:
        numbers = array.array("i")
        room = socket.CMSG_SPACE(_PASSED * numbers.itemsize)
        data, ancillary, _, _ = self.socket.recvmsg(_MESSAGE_BYTES, room, socket.MSG_CMSG_CLOEXEC)
        for level, kind, raw in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers.frombytes(raw[: len(raw) - len(raw) % numbers.itemsize])
        return data, numbers

    def tell(self, notice: dict[str, Any]) -> None:
        """Send a notice at once, from any thread; what doesn't go now the main thread sends."""
        self.waiting.append(notice)
        self.flush()

    def flush(self) -> None:
        """Send what is waiting. A side that takes nothing any more may still have said something."""
        with self._lock:
            while self.waiting:
                batch = [self.waiting.popleft() for _ in range(min(200, len(self.waiting)))]
                try:
                    self.socket.send(
                        json.dumps(batch).encode("ascii"), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
                    )
                except BlockingIOError:
                    self.waiting.extendleft(reversed(batch))
                    return
                except OSError:
                    self.waiting.clear()
                    self._say_no_more()

    def _say_no_more(self) -> None:
        # If the other side lives after all, it sees an end, comes again and asks anew.
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it is gone; once all is received, the end is
