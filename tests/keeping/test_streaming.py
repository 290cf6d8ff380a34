"""Kept files as streams: the same bytes, and never the whole of one that isn't what was saved."""

import os
from dataclasses import replace

import pytest

from autolog.errors import DestinationError, IntegrityError, WeightsUnavailable
from autolog.keeping import streams
from autolog.store.records import PartRecord

MEGABYTE = 1 << 20


@pytest.mark.parametrize("output", ["true", "plain", "s3"])
def test_the_same_bytes(keep, tmp_path, request, output):
    where = {"true": {}, "plain": {"output_uri": str(tmp_path / "plain")}}.get(output)
    where = {"content_store": request.getfixturevalue("s3").url} if where is None else where
    keep = keep(**where)
    for data in (os.urandom(3 * MEGABYTE + 17), b"", b"x"):
        keep.save(data, path=f"/x/{len(data)}.bin")
    for snapshot, data in zip(keep.snapshots, keep.saved, strict=True):
        (found,) = streams(snapshot, keep.kept, keep.home)
        assert (found.name, found.size) == ("", len(data))
        assert b"".join(map(bytes, found.open())) == data
        # A browser that goes away in the middle leaves nothing behind that goes on.
        blocks = found.open()
        next(blocks, None)
        blocks.close()


def test_a_damaged_file_never_comes_whole(keep, tmp_path):
    keep = keep(output_uri=str(tmp_path / "plain"))
    data = os.urandom(2 * MEGABYTE + 5)
    keep.save(data)
    (path,) = [each for each in (tmp_path / "plain").rglob("*") if each.is_file()]
    path.chmod(0o644)
    other = bytes((data[0] ^ 1,)) + data[1:]
    for changed in (data[:-1] + b"\0\0"[: 1 + (data[-1] == 0)], other, data[:-MEGABYTE], data[:5]):
        path.write_bytes(changed)
        (found,) = streams(keep.snapshots[0], keep.kept, keep.home)
        got = []
        with pytest.raises((IntegrityError, DestinationError)):
            got.extend(map(bytes, found.open()))
        assert sum(map(len, got)) < len(data)


def test_its_own_path_if_it_still_is_what_was_saved(keep, tmp_path):
    keep = keep()
    path = tmp_path / "m.bin"
    data = os.urandom(1000)
    path.write_bytes(data)
    keep.stage(data, path=str(path))
    (snapshot,) = keep.snapshots
    (found,) = streams(snapshot, keep.kept, keep.home)
    assert b"".join(found.open()) == data
    path.write_bytes(data[::-1])
    with pytest.raises(WeightsUnavailable):
        streams(snapshot, keep.kept, keep.home)
    # Overwritten only after somebody looked: noticed all the same.
    with pytest.raises(IntegrityError):
        list(found.open())
    path.unlink()
    with pytest.raises(WeightsUnavailable):
        list(found.open())


def test_files_that_lead_elsewhere(keep):
    keep = keep()
    keep.send(keep.stage_files({"a.bin": b"1", "b.bin": b"22"}))
    (snapshot,) = keep.snapshots
    snapshot = keep.store.model(snapshot.model_id).snapshots[0]
    assert [(each.name, each.size) for each in streams(snapshot, keep.kept, keep.home)] == [
        ("a.bin", 1),
        ("b.bin", 2),
    ]
    leading = replace(snapshot, parts=(PartRecord("../a", 1, "blake3:x", True),))
    with pytest.raises(IntegrityError):
        streams(leading, keep.kept, keep.home)
