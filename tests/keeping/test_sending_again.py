"""What was put aside is sent once more: the one who sent it was interrupted somewhere."""

import os

import pytest

from autolog.errors import DestinationError
from autolog.keeping import collect, restore, verify
from autolog.store import remove

pytestmark = pytest.mark.core


def files(folder):
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def test_plain_files_that_are_recorded_already_are_not_sent_again(keep, tmp_path):
    keep = keep(output_uri=str(tmp_path / "plain"))
    staged = keep.save(b"weights" * 100)
    before = files(tmp_path / "plain")
    assert keep.send(staged)
    assert files(tmp_path / "plain") == before
    assert len(before) == 1
    keep.kept.drop([keep.snapshots[0].id], "no longer wanted")
    assert collect(keep.kept, keep.home).freed == 700
    assert files(tmp_path / "plain") == []


@pytest.mark.parametrize("output", ["true", "plain"])
def test_how_much_was_stored_stays_on_record(keep, tmp_path, output):
    keep = keep(output_uri=output if output == "true" else str(tmp_path / output))
    staged = keep.save(os.urandom(10_000))
    (before,) = keep.snapshots
    assert before.stored >= 10_000
    with keep.store._writing() as connection:  # as earlier versions did where the store didn't answer
        connection.exec_driver_sql("UPDATE snapshots SET keeping = 'waiting'")
    assert keep.send(staged)
    (after,) = keep.snapshots
    assert (after.keeping, after.stored) == ("kept", before.stored)


def test_tries_that_failed_half_way_leave_nothing_beside_the_files(keep, tmp_path):
    """The second file's folder can't be made for a while, as something is in its way."""
    keep = keep(output_uri=str(tmp_path / "plain"))
    staged = keep.stage_files({"a.bin": b"a" * 1000, "sub/b.bin": b"b" * 1000})
    folder = tmp_path / "plain" / "digits" / f"train.{keep.task[:12]}" / "models" / "folder" / "v1"
    folder.mkdir(parents=True)
    (folder / "sub").write_bytes(b"in the way")
    for _ in range(3):
        with pytest.raises(DestinationError):
            keep.send(staged)
    (folder / "sub").unlink()
    assert keep.send(staged)
    assert files(folder) == ["a.bin", "sub/b.bin"]
    assert files(tmp_path / "plain") == [
        str((folder / each).relative_to(tmp_path / "plain")) for each in files(folder)
    ]
    assert list(verify(keep.kept, keep.home, deep=True)) == []


def test_a_file_that_is_gone_from_its_place_is_brought_there_again(keep, tmp_path):
    keep = keep(output_uri=str(tmp_path / "plain"))
    staged = keep.save(b"weights")
    (path,) = (each for each in (tmp_path / "plain").rglob("*") if each.is_file())
    path.unlink()
    assert keep.send(staged)
    restore(keep.snapshots[0], keep.kept, keep.home, str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == b"weights"


def test_what_was_given_up_and_is_still_there_goes_when_it_is_kept_again(keep, tmp_path):
    keep = keep(output_uri=str(tmp_path / "plain"))
    staged = keep.save(b"weights")
    (before,) = files(tmp_path / "plain")
    keep.kept.drop([keep.snapshots[0].id], "no longer wanted")
    # whoever was to take it away was interrupted, or is still at it
    assert keep.send(staged)
    assert keep.snapshots[0].keeping == "kept"
    (after,) = files(tmp_path / "plain")
    assert after != before
    assert keep.kept.files(keep.snapshots[0].id)[0].path == after
    assert collect(keep.kept, keep.home).freed == 0
    assert list(verify(keep.kept, keep.home, deep=True)) == []


def test_a_place_that_cannot_be_opened_is_not_recorded(keep):
    keep = keep(output_uri="nosuch://place")
    staged = keep.stage(b"weights")
    with pytest.raises(DestinationError, match="nosuch"):
        keep.send(staged)
    assert keep.kept.places() == []
    assert collect(keep.kept, keep.home).problems == ()


def test_what_was_removed_while_it_waited_needs_no_place(keep):
    keep = keep(output_uri="nosuch://place")
    staged = keep.stage(b"weights")
    (snapshot,) = keep.snapshots
    remove(keep.store, [snapshot.id], [])
    assert not keep.send(staged)
