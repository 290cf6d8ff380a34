"""Kept in object storage, recorded in PostgreSQL, and back on another machine."""

import os

import pytest

from autolog.keeping import collect, repack, restore, verify

MEGABYTE = 1 << 20


def all_restored(keep, tmp_path):
    found = []
    for each in keep.snapshots:
        target = tmp_path / f"restored-{os.urandom(4).hex()}"
        restore(each, keep.kept, keep.home, str(target))
        found.append(target.read_bytes())
    return found


@pytest.mark.parametrize("kind", ["packs", "plain"])
def test_everything_comes_back_on_another_machine(keep, tmp_path, s3, postgres, kind):
    where = {"content_store": s3.url} if kind == "packs" else {"output_uri": s3.url}
    one = keep(url=postgres.url, **where)
    frozen = os.urandom(2 * MEGABYTE)
    for number in range(3):
        one.save(frozen + os.urandom(MEGABYTE) + bytes([number]))
    other = keep(url=postgres.url, **where)
    os.rename(one.home, tmp_path / "gone")
    other.home = str(tmp_path / "another-home")
    assert all_restored(other, tmp_path) == one.saved
    assert list(verify(other.kept, other.home, deep=True)) == []


def test_passing_errors_of_the_bucket_are_outlived(keep, tmp_path, s3):
    keep = keep(content_store=s3.url)
    s3.faults.fail(503, count=2)
    keep.save(os.urandom(MEGABYTE))
    s3.faults.fail(500, count=2)
    assert all_restored(keep, tmp_path) == keep.saved


def test_collecting_and_repacking_work_in_a_bucket(keep, tmp_path, s3):
    keep = keep(content_store=s3.url)
    for _ in range(3):
        keep.save(os.urandom(MEGABYTE))
    keep.end()
    before = keep.kept.total()
    keep.kept.drop([keep.snapshots[0].id], "")
    done = collect(keep.kept, keep.home, leftovers_after=0)
    assert done.problems == ()
    assert done.freed == before - keep.kept.total() > MEGABYTE
    assert repack(keep.kept, keep.home).problems == ()
    assert list(verify(keep.kept, keep.home, deep=True)) == []
