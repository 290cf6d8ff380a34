"""What a process has said before it died is received, whatever was on its way to it."""

import os
import socket

import pytest

from autolog.agent.connection import Connection

pytestmark = pytest.mark.core


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.settimeout(10)
    with ours, theirs:
        yield Connection(ours), theirs


def _says(theirs, path):
    """The other side passes the file at `path`, and the file goes."""
    path.write_bytes(b"weights")
    with path.open("rb") as file:
        socket.send_fds(theirs, [b"saved"], [file.fileno()])
    path.unlink()


def _received(connection):
    data, numbers = connection.receive()
    (number,) = numbers
    with os.fdopen(number, "rb") as file:
        return data, file.read()


def test_it_died_before_it_read_what_it_was_told(pair, tmp_path):
    connection, theirs = pair
    connection.tell({"kind": "recorded"})
    _says(theirs, tmp_path / "m.bin")
    theirs.close()
    assert _received(connection) == (b"saved", b"weights")
    assert connection.receive()[0] == b""


def test_it_died_before_it_was_told(pair, tmp_path):
    connection, theirs = pair
    _says(theirs, tmp_path / "m.bin")
    theirs.close()
    connection.tell({"kind": "recorded"})
    connection.tell({"kind": "kept"})
    assert not connection.waiting
    assert _received(connection) == (b"saved", b"weights")
    assert connection.receive()[0] == b""


def test_who_can_be_told_nothing_more_sees_an_end(pair):
    connection, theirs = pair
    connection.tell({"kind": "x" * 1_000_000})  # no message may be that long
    assert theirs.recv(100) == b""
    theirs.send(b"again")
    assert connection.receive()[0] == b"again"


def test_what_does_not_go_now_goes_later(pair):
    connection, theirs = pair
    told = 0
    while not connection.waiting:
        connection.tell({"kind": "recorded", "id": str(told)})
        told += 1
    with pytest.raises(BlockingIOError):
        connection.receive()
    theirs.recv(1 << 16)
    while connection.waiting:
        theirs.recv(1 << 16)
        connection.flush()
