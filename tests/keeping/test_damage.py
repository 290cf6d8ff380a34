"""What collecting does where a pack is damaged."""

import os
from collections import namedtuple

import pytest

from autolog.keeping import collect, verify

pytestmark = pytest.mark.core

Span = namedtuple("Span", "offset length itemsize")
MEGABYTE = 1 << 20


def test_the_others_are_collected_and_the_damaged_one_is_named(keep):
    keep = keep()
    for name in "abc":
        shared = os.urandom(MEGABYTE)
        for size in (3 * MEGABYTE, 100):
            data = shared + os.urandom(size)
            keep.save(data, path=f"/x/{name}{size}.bin", spans=[Span(0, MEGABYTE, 4)])
    keep.save(os.urandom(MEGABYTE), path="/x/whole.bin")
    keep.end()
    record, *_ = keep.kept.places()
    damaged, *_ = sorted(keep.kept.packs(record.id).values(), key=lambda each: each.id)
    path = os.path.join(keep.home, "content", damaged.name)
    with open(path, "r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes((byte[0] ^ 1,)))
    going = [each.id for each in keep.snapshots if each.size != MEGABYTE + 100]
    left = os.path.join(os.path.dirname(path), "deadbeef.pack")
    with open(left, "wb") as file:
        file.write(b"x" * 100)
    keep.kept.drop(going, "no longer wanted")
    before = sum(map(os.path.getsize, keep.packs()))
    collected = collect(keep.kept, keep.home, leftovers_after=0)
    assert collected.freed == before - sum(map(os.path.getsize, keep.packs())) > 6.5 * MEGABYTE
    assert collected.leftovers == 100
    (problem,) = collected.problems
    assert path in problem
    assert "match its digest" in problem
    assert os.path.exists(path)
    concerned = {number for each in verify(keep.kept, keep.home, deep=True) for number in each.snapshots}
    assert len(concerned) == 1
    again = collect(keep.kept, keep.home, leftovers_after=0)
    assert (again.freed, again.problems) == (0, (problem,))


def test_what_could_not_be_taken_away_is_freed_when_it_is(keep):
    """The folder is in the way of the first try: what was given up in the records is still there."""
    keep = keep()
    keep.save(os.urandom(1000))
    keep.end()
    keep.kept.drop([keep.snapshots[0].id], "no longer wanted")
    (path,) = keep.packs()
    size = os.path.getsize(path)
    os.rename(path, path + ".aside")
    os.mkdir(path)
    collected = collect(keep.kept, keep.home)
    assert collected.freed == 0
    assert path.rpartition("/packs/")[0] in collected.problems[0]
    os.rmdir(path)
    os.rename(path + ".aside", path)
    assert collect(keep.kept, keep.home).freed == size
