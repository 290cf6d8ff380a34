"""The connection to the agent: descriptors out, notices back, never a wait while sending.

The agent is started by whoever first has something for it and holds the lock of the task's folder for
life. A full socket is a backlog, a dead agent is started anew and handed what it had not acknowledged.
"""

from __future__ import annotations

import array
import errno
import fcntl
import json
import os
import select
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import starmap
from typing import Any

from .descriptors import Kept

__all__ = ["AgentLink", "Message"]

#: What is sent: plain data, and the descriptors to pass along as far as they are still held by then.
Message = tuple[dict[str, Any], "list[Kept | None]"]

_FULL = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS, getattr(errno, "ETOOMANYREFS", errno.EAGAIN)}
_DEAD = {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ECONNREFUSED, errno.EBADF}
_NOTICE_BYTES = 65536
#: How long a process tries to reach an agent that another one is just starting.
_REACH_SECONDS = 0.05
#: How long it then leaves the agent alone: the calls in between must not wait, too.
_AGAIN_SECONDS = 0.5
_STARTS = 20


class AgentLink:
    """One process's connection to the agent of its task.

    `unacknowledged` gives, in order, the messages that a new agent must be handed.
    """

    def __init__(self, folder: str, environment: dict[str, str], log: str) -> None:
        self._folder = folder
        self._environment = environment
        self._log = log
        self._kept: Kept | None = None
        self._backlog: deque[Message] = deque()
        self._busy = threading.Lock()
        self._starts = 0
        self._not_before = 0.0
        #: Whether agents have ended so often that no more are started; the spool keeps what there is.
        self.has_given_up = False
        self.unacknowledged: Callable[[], Iterable[Message]] = tuple
        #: Called when an agent is gone: what it was still to say won't be said.
        self.lost: Callable[[], None] = lambda: None

    @property
    def is_open(self) -> bool:
        """Whether an agent has been reached."""
        return self._kept is not None

    def start(self) -> None:
        """Reach or start the agent now, so that its start overlaps whatever comes next."""
        if self._kept is None and self._busy.acquire(blocking=False):
            try:
                self._connect()
            finally:
                self._busy.release()

    def send(self, message: dict[str, Any], kept: list[Kept | None] | None = None) -> None:
        """Pass a message to the agent, starting it if need be; what doesn't go now goes later."""
        self._backlog.append((message, kept or []))
        self.flush()

    def flush(self) -> None:
        """Send what is waiting, as far as the socket takes it.

        Any thread may come here, also one that a signal interrupted in this very function: whoever
        finds it busy leaves its message to the one at work, so nobody ever waits.
        """
        while self._backlog and self._busy.acquire(blocking=False):
            try:
                if not self._flush():
                    return
            finally:
                self._busy.release()

    def _flush(self) -> bool:
        if self._kept is None:
            self._connect()
        while self._backlog and self._kept is not None:
            message, kept = self._backlog[0]
            try:
                with _borrow(self._kept) as connection:
                    _send(connection, message, [None if each is None else each.number for each in kept])
            except OSError as error:
                if error.errno in _FULL:
                    return False
                if error.errno in _DEAD:
                    self._reconnect()
                    continue
                if error.errno == errno.EMSGSIZE and message.pop("line", None) is not None:
                    continue  # without its line: then the agent says that it failed, and the rest can go
                self._backlog.popleft()  # else nothing behind it would ever go
                raise
            self._backlog.popleft()
        return not self._backlog

    def notices(self) -> list[dict[str, Any]]:
        """What the agent has said since the last time; never waits."""
        found: list[dict[str, Any]] = []
        while (kept := self._kept) is not None:
            try:
                with _borrow(kept) as connection:
                    data = connection.recv(_NOTICE_BYTES, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                data = b""
            if not data:
                self._lost(kept)
                break
            found += json.loads(data)
            if any(notice["kind"] == "recorded" for notice in found):
                self._starts = 0  # this agent works: what counts is starts in vain
        return found

    def wait(self, seconds: float) -> None:
        """Wait until the agent says something, at most that long."""
        kept = self._kept
        number = None if kept is None else kept.number
        if number is None:
            time.sleep(min(seconds, 0.01))
            return
        poll = select.poll()
        poll.register(number, select.POLLIN)
        poll.poll(max(0.0, seconds) * 1000)

    def close(self) -> None:
        """Close the connection without another word."""
        kept, self._kept = self._kept, None
        self._backlog.clear()
        if kept is not None:
            kept.close()

    def _lost(self, kept: Kept) -> None:
        """The agent is gone: start another if it had not acknowledged everything."""
        if self._busy.acquire(blocking=False):
            try:
                if self._kept is kept:  # else another thread has seen it, too, and was faster
                    self._reconnect()
                    self._flush_if_open()
            finally:
                self._busy.release()

    def _flush_if_open(self) -> None:
        if self._kept is not None:
            self._flush()

    def _reconnect(self) -> None:
        self.close()
        self.lost()
        self._backlog.extend(self.unacknowledged())
        if self._backlog:
            self._connect()

    def _connect(self) -> None:
        """Reach the agent that holds the folder's lock, or become the one that starts it."""
        deadline = time.monotonic() + _REACH_SECONDS
        if time.monotonic() < self._not_before or self.has_given_up:
            return
        while True:
            try:
                lock = os.open(
                    os.path.join(self._folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
                )
            except FileNotFoundError:  # an agent is looking whether it may clear the folder away
                if time.monotonic() > deadline:
                    self._not_before = time.monotonic() + _AGAIN_SECONDS
                    return
                continue
            try:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    if self._reach():
                        return
                else:
                    if self._starts >= _STARTS:
                        self.has_given_up = True
                        raise RuntimeError(f"the agent ended {_STARTS} times; see {self._log}")
                    self._starts += 1
                    self._start(lock)
                    return
            finally:
                os.close(lock)
            if time.monotonic() > deadline:
                # A command is replaying this very spool. What waits goes with a later call.
                self._not_before = time.monotonic() + _AGAIN_SECONDS
                return
            time.sleep(0.002)  # another process is just starting it

    def _reach(self) -> bool:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        try:
            with _address(self._folder) as address:
                connection.connect(address)
        except OSError:
            connection.close()
            return False
        self._kept = Kept(connection.detach())
        return True

    def _start(self, lock: int) -> None:
        """Start the agent with a listening socket and the lock, and connect to it at once."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC) as listener:
            with _address(self._folder) as address:
                path = os.path.join(self._folder, "socket")
                if os.path.lexists(path):
                    os.unlink(path)
                listener.bind(address)
            listener.listen(128)
            self._spawn(listener.fileno(), lock)
            if not self._reach():
                raise OSError(errno.ECONNREFUSED, "the agent's socket refuses")

    def _spawn(self, listener: int, lock: int) -> None:
        # `sh` puts the agent in the background and ends, so that it is nobody's child here: a script
        # that calls os.wait() never meets it. -I -S: none of the script's modules, no start-up files.
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        own = os.path.dirname(os.path.abspath(getattr(sys.modules.get("__main__"), "__file__", "") or ""))
        paths = [package, *(p for p in sys.path if p and p not in (package, own))]
        program = f"import sys; sys.path += {paths!r}; from autolog.agent import main; main()"
        command = ["/bin/sh", "-c", '"$@" &', "sh", sys.executable, "-I", "-S", "-c", program, self._folder]
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        # Numbers 3 and 4 may be in use here, also by what is to be put there: go by way of high ones.
        moved = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10) for number in (listener, lock)]
        try:
            actions = [
                (os.POSIX_SPAWN_DUP2, null, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
                (os.POSIX_SPAWN_DUP2, moved[0], 3),
                (os.POSIX_SPAWN_DUP2, moved[1], 4),
            ]
            spawn = partial(os.posix_spawn, "/bin/sh", command, self._environment, file_actions=actions)
            try:
                # Started and waited for without a line of Python between: a SIGCHLD handler of the
                # script's runs between lines, and one that reaps every child would meet the shell.
                deque(map(os.waitpid, starmap(spawn, ((),)), (0,)), maxlen=0)
            except ChildProcessError:
                pass  # SIGCHLD is ignored, or another thread waits for any child
        finally:
            for descriptor in (null, log, *moved):
                os.close(descriptor)


@contextmanager
def _borrow(kept: Kept) -> Iterator[socket.socket]:
    """The connection as a socket object, for one call; it stays open afterwards."""
    number = kept.number
    if number is None:
        raise OSError(errno.EBADF, "the connection was closed by the script")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=number)
    try:
        yield connection
    finally:
        connection.detach()


class _address:
    """The socket's address, short whatever the folder's path: a Unix address holds 107 bytes."""

    def __init__(self, folder: str) -> None:
        self._directory = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0))

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self._directory}/socket"

    def __exit__(self, *_: object) -> None:
        os.close(self._directory)


def _send(connection: socket.socket, message: dict[str, Any], numbers: list[int | None]) -> None:
    # socket.send_fds drops its flags on 3.11, so the ancillary data is put together here.
    ancillary = []
    held = [number for number in numbers if number is not None]
    if held:
        ancillary.append((socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", held)))
        # which of the event's files they are
        message = {**message, "slots": [slot for slot, number in enumerate(numbers) if number is not None]}
    flags = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)
    connection.sendmsg([json.dumps(message).encode("ascii")], ancillary, flags)
