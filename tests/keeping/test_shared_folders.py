"""Folders that several know of: two records of one store, or several stores."""

import os
import time
from collections import namedtuple

import pytest

from autolog.keeping import collect, destination_of, forecast, restore, send, verify
from autolog.store import Store, copy_store

pytestmark = pytest.mark.core

Span = namedtuple("Span", "offset length itemsize")


def restored(keep, snapshot, tmp_path):
    target = tmp_path / f"restored-{os.urandom(4).hex()}"
    restore(snapshot, keep.kept, keep.home, str(target))
    return target.read_bytes()


def age(folder):
    """As if everything in it had lain there for hours."""
    for each in folder.rglob("*"):
        os.utime(each, (time.time() - 7200,) * 2)


def test_what_another_machine_keeps_in_the_same_folder_is_not_left_over(keep, tmp_path):
    packs = tmp_path / "packs"
    keep = keep(content_store=str(packs))
    here = destination_of("true", str(packs), keep.home, keep.url)
    other = here._replace(recorded=(str(packs), "another-host"))
    data = [os.urandom(10_000), os.urandom(10_000)]
    for each, destination in zip(data, (here, other), strict=True):
        assert send(keep.stage(each, path=f"/x/{each[0]}.bin"), destination, keep.kept)
    keep.end()
    age(packs)
    assert len(keep.kept.places()) == 2
    assert forecast(keep.kept, keep.home).freed == 0
    collected = collect(keep.kept, keep.home)
    assert (collected.freed, collected.problems) == (0, ())
    assert [restored(keep, each, tmp_path) for each in keep.snapshots] == data


def test_what_is_left_over_there_counts_once(keep, tmp_path):
    packs = tmp_path / "packs"
    keep = keep(content_store=str(packs))
    here = destination_of("true", str(packs), keep.home, keep.url)
    for destination in (here, here._replace(recorded=(str(packs), "another-host"))):
        assert send(keep.stage(os.urandom(1000)), destination, keep.kept)
    (packs / "packs" / keep.kept.owner / "deadbeef.pack").write_bytes(b"x" * 100)
    keep.end()
    expected = forecast(keep.kept, keep.home, leftovers_after=0)
    assert expected == collect(keep.kept, keep.home, leftovers_after=0)
    assert expected.leftovers == 100


@pytest.fixture
def three(keep, tmp_path):
    """A store that keeps plain files, and two copies of it: all go on with the same task and model."""
    kept_in = {"output_uri": str(tmp_path / "shared")}
    one = keep(**kept_in)
    one.save(b"the first", path="/x/m.bin")
    found = [one]
    for name in ("two", "three"):
        url = f"sqlite:///{tmp_path}/{name}.db"
        goal = Store.open(url)
        copy_store(one.store, goal)
        goal.close()
        found.append(keep(url=url, **kept_in))
        found[-1].task = one.task
    return found


def newest(keep):
    return keep.snapshots[-1]


def test_stores_that_share_a_folder_never_write_over_each_others_files(three, tmp_path):
    for number, each in enumerate(three):
        each.save(b"version two of %d" % number, path="/x/m.bin")
    for number, each in enumerate(three):
        assert newest(each).version == 2
        assert restored(each, newest(each), tmp_path) == b"version two of %d" % number
        assert list(verify(each.kept, each.home, deep=True)) == []
    paths = [each.kept.files(newest(each).id)[0].path for each in three]
    assert "/v2/" in paths[0]
    for path, each in zip(paths[1:], three[1:], strict=True):
        assert f"/v2.{newest(each).id}-{each.kept.owner[:8]}/" in path


def test_the_same_bytes_in_two_stores_are_two_files(three, tmp_path):
    one, two, _ = three
    for each in (one, two):
        each.save(b"the same", path="/x/m.bin")
    one.kept.drop([newest(one).id], "no longer wanted")
    collect(one.kept, one.home)
    assert restored(two, newest(two), tmp_path) == b"the same"


def test_what_fills_the_second_choice_is_not_written_over_either(three, tmp_path):
    one, two, _ = three
    one.save(b"one", path="/x/m.bin")
    staged = two.stage(b"two", path="/x/m.bin")
    (first,) = one.kept.files(newest(one).id)
    own = f"/v2.{newest(two).id}-{two.kept.owner[:8]}/"
    foreign = tmp_path / "shared" / first.path.replace("/v2/", own)
    foreign.parent.mkdir()
    foreign.write_bytes(b"somebody else's")
    assert two.send(staged)
    assert foreign.read_bytes() == b"somebody else's"
    assert restored(two, newest(two), tmp_path) == b"two"
