"""Kept bytes: they come back bit for bit, are stored once, and go when nobody needs them."""

import os
import resource
from collections import namedtuple

import numpy as np
import pytest

from autolog.errors import IntegrityError, TargetError, WeightsUnavailable
from autolog.keeping import collect, repack, restore, verify

pytestmark = [pytest.mark.core, pytest.mark.slow]

Span = namedtuple("Span", "offset length itemsize")
MEGABYTE = 1 << 20


def restored(keep, snapshot, tmp_path):
    target = tmp_path / f"restored-{os.urandom(4).hex()}"
    restore(snapshot, keep.kept, keep.home, str(target))
    return target.read_bytes()


def all_restored(keep, tmp_path):
    return [restored(keep, each, tmp_path) for each in keep.snapshots]


@pytest.mark.parametrize("output", [{}, {"output_uri": "plain"}, {"content_store": "packs"}], ids=str)
def test_every_version_comes_back(keep, tmp_path, output):
    keep = keep(**{key: str(tmp_path / value) for key, value in output.items()})
    for number in range(4):
        keep.save(os.urandom(300_000) + bytes([number]))
    assert all_restored(keep, tmp_path) == keep.saved
    assert {each.keeping for each in keep.snapshots} == {"kept"}
    assert list(verify(keep.kept, keep.home, deep=True)) == []


def test_a_file_of_many_batches_comes_back_in_order(keep, tmp_path):
    keep = keep()
    size = 45 * MEGABYTE
    weights = np.arange(size // 4, dtype=np.float32)
    keep.save(weights.tobytes() + os.urandom(MEGABYTE), spans=[Span(0, size, 4)])
    assert all_restored(keep, tmp_path) == keep.saved


def test_a_disk_that_is_full_just_before_the_end_is_told(keep, tmp_path):
    keep = keep()
    keep.save(os.urandom(20 * MEGABYTE), spans=[Span(0, 20 * MEGABYTE, 4)])
    (snapshot,) = keep.snapshots
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20 * MEGABYTE - 10, hard))
    try:
        with pytest.raises(TargetError, match="can't be written"):
            restored(keep, snapshot, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [each for each in os.listdir(tmp_path) if each.startswith("restored")]


def test_what_is_kept_is_nobody_elses_file(keep, tmp_path):
    keep = keep()
    plain = tmp_path / "by hand"
    plain.touch()  # with the mode that this process gives
    keep.save(os.urandom(1000))
    (pack,) = keep.packs()
    assert os.stat(pack).st_nlink == 1
    assert os.stat(pack).st_mode == plain.stat().st_mode


def test_what_did_not_change_is_stored_once(keep, tmp_path):
    keep = keep()
    frozen = os.urandom(8 * MEGABYTE)
    for _ in range(5):
        keep.save(b"header" + frozen + os.urandom(MEGABYTE), spans=[Span(6, len(frozen), 4)])
    assert sum(os.path.getsize(each) for each in keep.packs()) < 13.5 * MEGABYTE
    assert all_restored(keep, tmp_path) == keep.saved


def test_the_same_bytes_again_add_no_pack(keep, tmp_path):
    keep = keep()
    data = os.urandom(MEGABYTE)
    keep.save(data)
    keep.save(data, path="/x/other.bin")
    assert len(keep.packs()) == 1
    assert all_restored(keep, tmp_path) == [data, data]
    assert [each.stored > 0 for each in keep.snapshots] == [True, False]


def test_sending_again_after_an_interruption_changes_nothing(keep, tmp_path):
    keep = keep()
    staged = keep.save(os.urandom(100_000))
    assert keep.send(staged)
    assert len(keep.packs()) == 1
    assert all_restored(keep, tmp_path) == keep.saved


def test_plain_files_of_an_interrupted_try_are_not_left_behind(keep, tmp_path, monkeypatch):
    keep = keep(output_uri=str(tmp_path / "plain"))
    staged = keep.stage_files({"a.bin": b"a" * 100, "b.bin": b"b" * 100})

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(keep.kept, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            keep.send(staged)
    assert keep.send(staged)
    assert sorted(each.name for each in (tmp_path / "plain").rglob("*.bin")) == ["a.bin", "b.bin"]
    assert list(verify(keep.kept, keep.home, deep=True)) == []


def test_plain_files_are_never_shared(keep, tmp_path):
    keep = keep(output_uri=str(tmp_path / "plain"))
    keep.save(b"same", path="/x/a/m.bin")
    keep.save(b"same", path="/x/b/m.bin")
    paths = {keep.kept.files(each.id)[0].path for each in keep.snapshots}
    assert len(paths) == 2
    keep.kept.drop([keep.snapshots[0].id], "")
    collect(keep.kept, keep.home)
    assert restored(keep, keep.snapshots[1], tmp_path) == b"same"


def test_a_flipped_byte_anywhere_is_found_and_refused(keep, tmp_path):
    keep = keep()
    keep.save(os.urandom(500) + b"\0" * 2000, spans=[])
    (pack,) = keep.packs()
    with open(pack, "rb") as file:
        data = file.read()
    (snapshot,) = keep.snapshots
    for at in range(0, len(data), 7):
        with open(pack, "wb") as file:
            file.write(data[:at] + bytes((data[at] ^ 0x10,)) + data[at + 1 :])
        damages = list(verify(keep.kept, keep.home, deep=True))
        assert [each.snapshots for each in damages] == [(snapshot.id,)], f"byte {at}"
        with pytest.raises(IntegrityError, match=f"{snapshot.model_id}:v1"):
            restored(keep, snapshot, tmp_path)
    assert not [each for each in os.listdir(tmp_path) if each.startswith("restored")]


def test_a_lost_pack_is_found_without_reading(keep, tmp_path):
    keep = keep()
    keep.save(os.urandom(1000))
    os.unlink(keep.packs()[0])
    (damage,) = verify(keep.kept, keep.home)
    assert damage.snapshots == (keep.snapshots[0].id,)


def test_what_nobody_needs_is_collected(keep, tmp_path):
    keep = keep()
    frozen = os.urandom(4 * MEGABYTE)
    for _ in range(3):
        keep.save(frozen + os.urandom(MEGABYTE), spans=[Span(0, len(frozen), 4)])
    keep.end()
    before = sum(os.path.getsize(each) for each in keep.packs())
    keep.kept.drop([keep.snapshots[1].id], "no longer wanted")
    collected = collect(keep.kept, keep.home)
    after = sum(os.path.getsize(each) for each in keep.packs())
    assert collected.freed == before - after > 0.9 * MEGABYTE
    assert collected.held == after
    assert restored(keep, keep.snapshots[0], tmp_path) == keep.saved[0]
    assert restored(keep, keep.snapshots[2], tmp_path) == keep.saved[2]
    with pytest.raises(WeightsUnavailable, match="no longer wanted"):
        restored(keep, keep.snapshots[1], tmp_path)
    assert list(verify(keep.kept, keep.home, deep=True)) == []


def test_a_pack_that_is_mostly_unneeded_is_written_anew(keep, tmp_path):
    keep = keep()
    shared = os.urandom(MEGABYTE)
    keep.save(shared + os.urandom(9 * MEGABYTE), spans=[Span(0, MEGABYTE, 4)])
    keep.save(shared + os.urandom(MEGABYTE), spans=[Span(0, MEGABYTE, 4)])
    keep.end()
    keep.kept.drop([keep.snapshots[0].id], "")
    collected = collect(keep.kept, keep.home)
    held = sum(os.path.getsize(each) for each in keep.packs())
    assert collected.freed > 8.9 * MEGABYTE
    assert held < 2.1 * MEGABYTE
    assert restored(keep, keep.snapshots[1], tmp_path) == keep.saved[1]
    assert list(verify(keep.kept, keep.home, deep=True)) == []


def test_a_small_pack_that_is_needed_whole_is_left(keep, tmp_path):
    keep = keep()
    keep.save(b"weights" * 10)
    keep.end()
    before = keep.packs()
    assert collect(keep.kept, keep.home).freed == 0
    assert keep.packs() == before


def test_what_a_running_task_counts_on_is_left(keep, tmp_path):
    keep = keep()
    shared = os.urandom(MEGABYTE)
    keep.save(shared + b"one")
    with keep.store._writing() as connection:
        connection.exec_driver_sql("UPDATE tasks SET heartbeat = 1e12")
    staged = keep.stage(shared + b"two")
    keep.kept.drop([keep.snapshots[0].id], "")
    assert collect(keep.kept, keep.home).freed == 0
    assert keep.send(staged)
    assert restored(keep, keep.snapshots[1], tmp_path) == shared + b"two"


def test_a_snapshot_whose_shared_chunks_were_given_up_says_so(keep):
    keep = keep()
    shared = os.urandom(MEGABYTE)
    keep.save(shared + b"one")
    staged = keep.stage(shared + b"two")
    keep.end()
    keep.kept.drop([keep.snapshots[0].id], "")
    collect(keep.kept, keep.home)
    with pytest.raises(IntegrityError, match="given up"):
        keep.send(staged)


def test_leftovers_of_interrupted_work_are_collected_when_they_are_old(keep, tmp_path):
    keep = keep()
    keep.save(os.urandom(1000))
    left = os.path.join(os.path.dirname(keep.packs()[0]), "deadbeef.pack")
    with open(left, "wb") as file:
        file.write(b"x" * 100)
    assert collect(keep.kept, keep.home).leftovers == 0
    assert collect(keep.kept, keep.home, leftovers_after=0).leftovers == 100
    assert not os.path.exists(left)
    assert all_restored(keep, tmp_path) == keep.saved


def test_two_stores_may_share_a_place(keep, tmp_path):
    one = keep(content_store=str(tmp_path / "packs"))
    data = os.urandom(10_000)
    one.save(data)
    other = keep(content_store=str(tmp_path / "packs"), url=f"sqlite:///{tmp_path}/other.db")
    assert collect(other.kept, other.home, leftovers_after=0).freed == 0
    other.save(data)
    assert all_restored(one, tmp_path) == all_restored(other, tmp_path) == [data]


def test_plain_files_are_never_written_over(keep, tmp_path):
    keep = keep(output_uri=str(tmp_path / "plain"))
    keep.save(b"one", path="/x/m.bin")
    (record,) = keep.kept.files(keep.snapshots[0].id)
    assert record.path.startswith(f"digits/train.{keep.task[:12]}/models/m.bin/v1/")
    assert (tmp_path / "plain" / record.path).read_bytes() == b"one"
    staged = keep.stage(b"two", path="/x/m.bin")
    foreign = tmp_path / "plain" / record.path.replace("/v1/", "/v2/")
    foreign.parent.mkdir()
    foreign.write_bytes(b"somebody else's")
    assert keep.send(staged)
    assert foreign.read_bytes() == b"somebody else's"
    assert restored(keep, keep.snapshots[1], tmp_path) == b"two"


def test_files_of_one_snapshot_never_share_a_name_where_they_are_kept(keep, tmp_path):
    keep = keep(output_uri=str(tmp_path / "plain"))
    files = {
        "config": b"one",
        "con:fig": b"two",
        "con*fig": b"three",
        "a/.hidden": b"four",
        "x.": b"5",
        "x": b"6",
    }
    assert keep.send(keep.stage_files(files))
    records = keep.kept.files(keep.snapshots[0].id)
    assert len({each.path for each in records}) == len(files)
    assert list(verify(keep.kept, keep.home, deep=True)) == []
    restore(keep.snapshots[0], keep.kept, keep.home, str(tmp_path / "out"))
    for name, data in files.items():
        assert (tmp_path / "out" / name).read_bytes() == data


@pytest.mark.parametrize("names", [("", ".data"), (".index", ".data-0")], ids=str)
def test_files_behind_a_prefix_stay_behind_it(keep, tmp_path, names):
    keep = keep()
    assert keep.send(keep.stage_files({name: name.encode() * 9 for name in names}, path="/x/net.onnx"))
    restore(keep.snapshots[0], keep.kept, keep.home, str(tmp_path / "out" / "net"))
    assert {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir()} == {
        f"net{name}": name.encode() * 9 for name in names
    }


def test_a_name_that_leads_elsewhere_is_refused(keep, tmp_path):
    keep = keep()
    assert keep.send(keep.stage_files({"a": b"1", "../b": b"2"}))
    with pytest.raises(IntegrityError, match="leads elsewhere"):
        restore(keep.snapshots[0], keep.kept, keep.home, str(tmp_path / "out" / "c"))
    assert not (tmp_path / "out").exists()


def test_plain_files_that_are_no_longer_kept_go_even_if_that_was_interrupted(keep, tmp_path):
    keep = keep(output_uri=str(tmp_path / "plain"))
    keep.save(b"one" * 100)
    keep.save(b"two" * 100)
    keep.kept.drop([keep.snapshots[0].id], "no longer wanted")
    # whoever dropped it was killed here
    with pytest.raises(WeightsUnavailable, match="no longer wanted"):
        restored(keep, keep.snapshots[0], tmp_path)
    assert list(verify(keep.kept, keep.home, deep=True)) == []
    collected = collect(keep.kept, keep.home)
    assert (collected.freed, collected.held, collected.problems) == (300, 300, ())
    (left,) = [each for each in (tmp_path / "plain").rglob("*") if each.is_file()]
    assert left.read_bytes() == b"two" * 100
    assert not list((tmp_path / "plain").rglob("v1"))
    assert collect(keep.kept, keep.home).freed == 0


def test_damage_is_never_copied_into_a_pack_that_says_it_is_sound(keep, tmp_path):
    keep = keep()
    shared = os.urandom(MEGABYTE)
    keep.save(shared + os.urandom(9 * MEGABYTE), spans=[Span(0, MEGABYTE, 4)])
    keep.save(shared + os.urandom(MEGABYTE), spans=[Span(0, MEGABYTE, 4)])
    keep.end()
    keep.kept.drop([keep.snapshots[0].id], "")
    first = max(keep.packs(), key=os.path.getsize)
    with open(first, "r+b") as file:
        file.seek(1000)  # within what both share
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes((byte[0] ^ 1,)))
    collected = collect(keep.kept, keep.home)
    assert "match its digest" in collected.problems[0]
    assert os.path.exists(first)
    (damage,) = verify(keep.kept, keep.home, deep=True)
    assert damage.snapshots == (keep.snapshots[1].id,)


def steps(count, dtype, step):
    random = np.random.default_rng(3)
    weights = (random.standard_normal(500_000) * 0.02).astype(np.float32)
    for _ in range(count):
        weights = weights + (random.standard_normal(500_000) * step).astype(np.float32)
        yield (weights.view(np.uint32) >> 16).astype(np.uint16) if dtype == "bfloat16" else weights


@pytest.mark.parametrize(("dtype", "at_most"), [("float32", 0.75), ("bfloat16", 0.5)])
def test_repacking_makes_it_smaller_and_changes_no_byte(keep, tmp_path, dtype, at_most):
    keep = keep()
    for weights in steps(11, dtype, 1e-6):
        data = weights.tobytes()
        keep.save(data, spans=[Span(0, len(data), weights.itemsize)])
    keep.end()
    done = repack(keep.kept, keep.home)
    assert done.problems == ()
    assert done.after < at_most * done.before
    assert done.after == sum(os.path.getsize(each) for each in keep.packs())
    assert list(verify(keep.kept, keep.home, deep=True)) == []
    assert all_restored(keep, tmp_path) == keep.saved
    again = repack(keep.kept, keep.home)
    assert again.after == done.after
    # one from the middle goes: those that are differences to it stay
    keep.kept.drop([keep.snapshots[4].id, keep.snapshots[0].id], "")
    collect(keep.kept, keep.home)
    assert list(verify(keep.kept, keep.home, deep=True)) == []
    for index in (1, 2, 3, 5, 10):
        assert restored(keep, keep.snapshots[index], tmp_path) == keep.saved[index]


def test_a_copied_home_still_restores(keep, tmp_path):
    keep = keep()
    keep.save(os.urandom(10_000))
    os.rename(keep.home, tmp_path / "elsewhere")
    keep.home = str(tmp_path / "elsewhere")
    assert all_restored(keep, tmp_path) == keep.saved


def test_two_that_rewrite_one_pack_lose_nothing(keep, tmp_path, monkeypatch):
    keep = keep()
    shared = os.urandom(MEGABYTE)
    keep.save(shared + os.urandom(9 * MEGABYTE), spans=[Span(0, MEGABYTE, 4)])
    keep.save(shared + os.urandom(MEGABYTE), spans=[Span(0, MEGABYTE, 4)])
    keep.end()
    keep.kept.drop([keep.snapshots[0].id], "")
    replace = keep.kept.replace

    def replace_late(*arguments):
        # Somebody else has read the same pack, and is done with it before us.
        monkeypatch.setattr(keep.kept, "replace", replace)
        collect(keep.kept, keep.home)
        return replace(*arguments)

    monkeypatch.setattr(keep.kept, "replace", replace_late)
    collect(keep.kept, keep.home)
    monkeypatch.undo()
    for _ in range(2):
        collect(keep.kept, keep.home, leftovers_after=0)
        assert restored(keep, keep.snapshots[1], tmp_path) == keep.saved[1]
    assert list(verify(keep.kept, keep.home, deep=True)) == []
