"""Whether somebody is at a file, asked where that can't be seen."""

import fcntl
import os
import resource

import pytest

from autolog.locks import is_locked

pytestmark = pytest.mark.core


def test_held_let_go_and_not_there(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(str(path))
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_locked(str(path))
    assert not is_locked(str(path))


def test_without_a_descriptor_to_ask_with_nobody_is_taken_for_dead(tmp_path):
    # What isn't locked is cleared away: a pack that is being written, the spool of a run.
    path = tmp_path / "lock"
    path.touch()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = os.open(path, os.O_RDONLY)
    os.close(number)  # the lowest that is free: none below it is
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        found = is_locked(str(path))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found
    assert not is_locked(str(path))
