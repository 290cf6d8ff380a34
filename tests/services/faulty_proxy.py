"""A proxy in front of an HTTP server that does to requests what networks and busy servers do."""

from __future__ import annotations

import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["FaultyProxy", "Seen"]

_PIECE = 1 << 18
_REASONS = {
    400: "RequestTimeout",
    403: "AccessDenied",
    429: "TooManyRequests",
    500: "InternalError",
    503: "SlowDown",
}


class Seen(NamedTuple):
    """One request, and what became of it: `passed`, `failed 500`, `hung`, `cut`, `answer cut`, `delayed`."""

    method: str
    target: str
    outcome: str


@dataclass
class _Fault:
    """Something to do to the next `left` requests (None: to all) whose `METHOD target` has `match` in it."""

    outcome: str
    act: Callable[[_Request], None]
    left: int | None
    match: re.Pattern[str]

    def takes(self, request: _Request) -> bool:
        return self.left != 0 and self.match.search(f"{request.method} {request.target}") is not None


class FaultyProxy:
    """Passes HTTP requests on, one a connection; the test says which of them fare badly, and how.

    `count` is how many of the coming requests a fault hits (None: all until `clear`), `match` a regular
    expression that is searched in `METHOD target`, e.g. `"PUT .*partNumber="` for the parts of an upload.
    `seen` lists all requests since the last `clear`.
    """

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._released = threading.Event()
        self._listener: socket.socket | None = None
        self.seen: list[Seen] = []
        self.port = 0
        self.back()

    # -- what the network does --------------------------------------------------------------------

    def fail(self, status: int = 500, *, code: str = "", count: int | None = 1, match: str = "") -> None:
        """Answer with this HTTP status, and S3's error `code` (by default what S3 says with it)."""
        code = code or _REASONS.get(status, "InternalError")

        def act(request: _Request) -> None:
            request.answer(status, code)

        self._add(f"failed {status}", act, count, match)

    def slow_down(self, *, count: int | None = 1, match: str = "") -> None:
        """Answer 503 SlowDown, as S3 does when it is asked too often."""
        self.fail(503, count=count, match=match)

    def hang(self, *, count: int | None = 1, match: str = "") -> None:
        """Take the request and never answer, until `clear`, `away` or the end of the test."""
        released = self._released

        def act(request: _Request) -> None:
            while not released.is_set() and request.is_waiting():
                released.wait(0.1)
            request.abort()

        self._add("hung", act, count, match)

    def cut(self, after: int = 1 << 16, *, count: int | None = 1, match: str = "^PUT ") -> None:
        """Break the connection after this many bytes of the request's body."""
        self._add("cut", lambda request: request.forward(self._upstream, up=after), count, match)

    def cut_answer(self, after: int = 1 << 16, *, count: int | None = 1, match: str = "^GET ") -> None:
        """Break the connection after this many bytes of the answer, its head included."""
        self._add("answer cut", lambda request: request.forward(self._upstream, down=after), count, match)

    def delay(self, seconds: float, *, count: int | None = None, match: str = "") -> None:
        """Let requests wait before they are passed on."""
        released = self._released

        def act(request: _Request) -> None:
            released.wait(seconds)
            request.forward(self._upstream)

        self._add("delayed", act, count, match)

    def away(self) -> None:
        """Refuse connections, and break those that are open, until `back`."""
        listener, self._listener = self._listener, None
        if listener is not None:
            # A thread that waits in accept() would keep the socket listening: wake it up first.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._release()
        with self._lock:
            for each in self._open:
                _break(each)

    def back(self) -> None:
        """Take connections again, at the same port."""
        if self._listener is not None:
            return
        self._listener = self._listen()
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def clear(self) -> None:
        """Let everything pass from now on, and forget what was seen; the server is back, too."""
        with self._lock:
            self._faults.clear()
            self.seen = []
        self._release()
        self.back()

    def outcomes(self, match: str = "") -> list[str]:
        """What was done to the requests so far that `match`, in their order."""
        with self._lock:
            return [each.outcome for each in self.seen if re.search(match, f"{each.method} {each.target}")]

    # -- inside -----------------------------------------------------------------------------------

    def _listen(self) -> socket.socket:
        deadline = time.monotonic() + 20
        while True:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", self.port))
                listener.listen(128)
            except OSError:
                # While it was closed, somebody's outgoing connection may have been given this port.
                listener.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return listener

    def _release(self) -> None:
        released, self._released = self._released, threading.Event()
        released.set()

    def _add(self, outcome: str, act: Callable[[_Request], None], count: int | None, match: str) -> None:
        with self._lock:
            self._faults.append(_Fault(outcome, act, count, re.compile(match)))

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # we are away
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._open.add(client)
        try:
            request = _Request(client)
            if request.read():
                fault = self._choose(request)
                if fault is None:
                    request.forward(self._upstream)
                else:
                    fault.act(request)
        except OSError:
            pass  # one side has gone, or `away` has broken it
        finally:
            with self._lock:
                self._open.discard(client)
            client.close()

    def _choose(self, request: _Request) -> _Fault | None:
        with self._lock:
            fault = next((each for each in self._faults if each.takes(request)), None)
            if fault is not None and fault.left is not None:
                fault.left -= 1
            outcome = "passed" if fault is None else fault.outcome
            self.seen.append(Seen(request.method, request.target, outcome))
            return fault


class _Request:
    """One request on a connection of its own."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._head: list[bytes] = []
        self._body = b""
        self.method = self.target = ""

    def read(self) -> bool:
        """Read the request's head; False if there is none."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self._client.recv(_PIECE)
            if not piece:
                return False
            data += piece
        head, _, self._body = data.partition(b"\r\n\r\n")
        # One request a connection: so each of them can be told from the next one without reading its body.
        self._head = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        self.method, self.target, *_ = self._head[0].decode("latin-1").split(" ")
        return True

    def is_waiting(self) -> bool:
        """Whether the client is still there; takes what it sends meanwhile."""
        while select.select([self._client], [], [], 0)[0]:
            if not self._client.recv(_PIECE):
                return False
        return True

    def abort(self) -> None:
        """Break the connection."""
        _break(self._client)

    def answer(self, status: int, code: str) -> None:
        """Answer ourselves, with an error as S3 writes it."""
        if not any(line.lower().startswith(b"expect:") for line in self._head):
            self._drain()
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
            f"<Message>{code}, says the test.</Message><RequestId>0</RequestId></Error>"
        )
        body = "" if self.method == "HEAD" else body
        head = (
            f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self._client.sendall((head + body).encode())
        self._client.shutdown(socket.SHUT_WR)
        while self._client.recv(_PIECE):  # closing with unread bytes would take the answer away again
            pass

    def forward(self, port: int, *, up: int | None = None, down: int | None = None) -> None:
        """Pass everything on, both ways; break both connections after `up` or `down` bytes."""
        with socket.create_connection(("127.0.0.1", port)) as server:
            first = self._body if up is None else self._body[:up]
            server.sendall(b"\r\n".join([*self._head, b"Connection: close"]) + b"\r\n\r\n" + first)
            left = {
                self._client: None if up is None else up - len(first),
                server: down,
            }
            other = {self._client: server, server: self._client}
            while server in left and not any(each == 0 for each in left.values()):
                for source in select.select(list(left), [], [])[0]:
                    limit = left[source]
                    piece = source.recv(_PIECE if limit is None else min(_PIECE, limit))
                    if not piece:
                        del left[source]
                        continue
                    other[source].sendall(piece)
                    if limit is not None:
                        left[source] = limit - len(piece)
            if any(each == 0 for each in left.values()):
                _break(server)
                self.abort()

    def _drain(self) -> None:
        length, chunked = 0, False
        for line in self._head[1:]:
            name, _, value = line.decode("latin-1").lower().partition(":")
            if name == "content-length":
                length = int(value)
            chunked = chunked or (name == "transfer-encoding" and "chunked" in value)
        body = self._body
        size, end = len(body), body[-5:]
        while (chunked and not end.endswith(b"0\r\n\r\n")) or (not chunked and size < length):
            piece = self._client.recv(_PIECE)
            if not piece:
                return
            size, end = size + len(piece), (end + piece)[-5:]


def _break(connection: socket.socket) -> None:
    """End a connection with a reset, as a network that fails does."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is gone already
