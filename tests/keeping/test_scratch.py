"""What killed commands have left of their scratch files."""

import os
import subprocess
import sys

import pytest

from autolog.keeping import collect, forecast
from autolog.keeping.scratch import room, scratch_pack

_KILLED = """
import os, signal, sys
from autolog.keeping.scratch import room, scratch_pack
owner, home = sys.argv[1:]
with room(home) as folder, scratch_pack(owner) as pack:
    os.mkdir(os.path.join(folder, "deep"))
    open(os.path.join(folder, "deep", "weights"), "wb").write(b"x" * 300)
    pack.write(b"x" * 200)
    pack.flush()
    print(folder, pack.name, sep="\\n", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def left(keep):
    """A home, and what a killed command has left for it: a folder of 300 bytes and a file of 200."""
    keep = keep()
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, keep.kept.owner, keep.home],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == -9
    return keep, done.stdout.splitlines()


def _age(path):
    for folder, _, names in os.walk(path):
        for each in (folder, *(os.path.join(folder, name) for name in names)):
            os.utime(each, (1, 1))
    os.utime(path, (1, 1))


def test_what_was_killed_is_taken_away_when_it_is_old(left):
    keep, paths = left
    assert collect(keep.kept, keep.home, leftovers_after=0).leftovers == 0  # it may only just have been made
    assert all(map(os.path.exists, paths))
    for path in paths:
        _age(path)
    assert forecast(keep.kept, keep.home).leftovers == 500
    collected = collect(keep.kept, keep.home)
    assert (collected.leftovers, collected.freed) == (500, 500)
    assert not any(map(os.path.exists, paths))


def test_what_is_in_use_stays_however_old(keep):
    keep = keep()
    with room(keep.home) as folder, scratch_pack(keep.kept.owner) as pack:
        _age(folder)
        _age(pack.name)
        assert collect(keep.kept, keep.home, leftovers_after=0).leftovers == 0
        assert os.path.exists(folder)
        assert os.path.exists(pack.name)
    assert not os.path.exists(folder)
    assert not os.path.exists(pack.name)


def test_packs_of_another_store_are_its_own_to_take_away(left, keep, tmp_path):
    mine, (_, pack) = left
    _age(pack)
    other = keep(url=f"sqlite:///{tmp_path}/other.db")
    assert other.kept.owner != mine.kept.owner
    assert collect(other.kept, other.home).leftovers == 0
    assert collect(mine.kept, mine.home).leftovers == 200
