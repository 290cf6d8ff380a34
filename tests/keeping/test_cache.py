"""Bytes on this machine: the file where it was saved, else a verified copy in the cache."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from blake3 import blake3

from autolog.config import Settings
from autolog.errors import CacheFull, TargetError, WeightsUnavailable
from autolog.files import facts_from
from autolog.keeping import Cache, local_copy

pytestmark = [pytest.mark.core, pytest.mark.slow]

CACHING = Path(__file__).with_name("caching.py")


class Copies:
    """A home with snapshots in it and a cache; `get` counts the bytes that were read or fetched."""

    def __init__(self, keep, folder):
        self.keep = keep
        self.folder = str(folder)
        self.read = 0

    def get(self, number=-1, *, most=1 << 30, least_free=0, force=False):
        self.read = 0
        cache = Cache(self.folder, most, least_free)
        snapshot = self.keep.snapshots[number]
        return local_copy(snapshot, self.keep.kept, self.keep.home, cache, force=force, told=self._count)

    def _count(self, size):
        self.read += size

    def lose_what_is_kept(self):
        shutil.rmtree(os.path.join(self.keep.home, "content"))

    def entries(self):
        found = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return sorted(each for each in found if not each.startswith("."))

    def left_over(self):
        """What is there and is no part of an entry."""
        names = [each for each in os.listdir(self.folder) if each.startswith(".") and each != ".room"]
        return names + [str(each) for each in Path(self.folder).rglob("*.part")]


@pytest.fixture
def copies(keep, tmp_path):
    return Copies(keep(), tmp_path / "cache")


def bytes_at(path):
    return Path(path).read_bytes()


def digest_of(data):
    return f"blake3:{blake3(data).hexdigest()}"


def saved_at(copies, path, data):
    """A file with these bytes, an hour old, and a snapshot of it."""
    path.write_bytes(data)
    hour_ago = os.stat(path).st_mtime - 3600
    os.utime(path, (hour_ago, hour_ago))
    copies.keep.save(data, path=str(path))


# -- its own path -------------------------------------------------------------------------------------


def test_a_file_that_is_still_what_was_saved_is_taken_where_it_is(copies, tmp_path):
    data = os.urandom(50_000)
    saved_at(copies, tmp_path / "model.pt", data)
    assert copies.get() == str(tmp_path / "model.pt")
    assert copies.entries() == []


def test_a_file_that_is_known_is_not_read_again(copies, tmp_path):
    saved_at(copies, tmp_path / "model.pt", os.urandom(50_000))
    copies.get()
    assert copies.read == 50_000
    copies.get()
    assert copies.read == 0


def test_a_file_that_was_just_written_is_read_each_time(copies, tmp_path):
    data = os.urandom(50_000)
    copies.keep.save(data, path=str(tmp_path / "model.pt"))
    (tmp_path / "model.pt").write_bytes(data)
    for _ in range(2):
        assert copies.get() == str(tmp_path / "model.pt")
        assert copies.read == 50_000


def test_a_file_that_became_another_one_is_not_taken(copies, tmp_path):
    path = tmp_path / "model.pt"
    data = os.urandom(50_000)
    saved_at(copies, path, data)
    copies.get()
    before = os.stat(path)
    path.write_bytes(os.urandom(50_000))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = copies.get()
    assert found != str(path)
    assert bytes_at(found) == data


def test_what_is_known_of_other_bytes_at_the_path_is_believed(copies, tmp_path):
    path = tmp_path / "model.pt"
    saved_at(copies, path, b"a" * 1000)
    copies.get()
    copies.keep.save(b"b" * 1000, path=str(path))
    facts = facts_from(os.stat(path))
    assert copies.keep.kept.known_digest(facts) == digest_of(b"a" * 1000)
    assert bytes_at(copies.get()) == b"b" * 1000


@pytest.mark.parametrize("there", ["nothing", "a folder", "a pipe", "a loop"])
def test_what_is_no_file_is_not_taken(copies, tmp_path, there):
    path = tmp_path / "model.pt"
    copies.keep.save(b"weights", path=str(path))
    if there == "a folder":
        path.mkdir()
    elif there == "a pipe":
        os.mkfifo(path)
    elif there == "a loop":
        path.symlink_to(path)
    assert bytes_at(copies.get()) == b"weights"


def test_a_file_is_taken_where_its_folder_is_mounted(copies, tmp_path):
    (tmp_path / "mnt").mkdir()
    copies.keep.save(b"weights", path="/data/of/others/model.pt")
    (tmp_path / "mnt" / "model.pt").write_bytes(b"weights")
    mounts = (("/data/of/others", str(tmp_path / "mnt")),)
    settings = Settings(copies.keep.home, copies.keep.url, path_substitution=mounts)
    found = local_copy(copies.keep.snapshots[0], copies.keep.kept, settings, Cache(copies.folder, 1 << 30, 0))
    assert found == str(tmp_path / "mnt" / "model.pt")


# -- copies -------------------------------------------------------------------------------------------


def test_a_copy_has_the_name_that_was_saved_below_its_digest(copies):
    copies.keep.save(b"weights", path="/x/Módel 1.keras")
    hexadecimal = blake3(b"weights").hexdigest()
    assert copies.get() == os.path.join(copies.folder, hexadecimal, "Módel 1.keras")


@pytest.mark.parametrize("path", ["/x/..", "/x/.autolog", f"/x/{'n' * 250}", "/x/m.bin.12-0123abcd.part", ""])
def test_a_name_that_can_be_none_there_is_another(copies, path):
    copies.keep.save(b"weights", path=path)
    found = copies.get()
    assert os.path.basename(found) == "weights"
    assert bytes_at(found) == b"weights"


def test_the_same_bytes_under_two_names_are_given_under_each(copies):
    copies.keep.save(b"weights", path="/x/best.pt")
    copies.keep.save(b"weights", path="/x/last.pt")
    found = [copies.get(0), copies.get(1)]
    assert sorted(os.path.basename(each) for each in found) == ["best.pt", "last.pt"]
    assert [bytes_at(each) for each in found] == [b"weights"] * 2
    assert len(copies.entries()) == 1


def test_a_copy_that_is_there_is_not_fetched_again(copies):
    copies.keep.save(b"weights")
    first = copies.get()
    copies.lose_what_is_kept()
    assert copies.get() == first
    assert copies.read == 0


@pytest.mark.parametrize("damage", ["truncated", "other bytes", "gone", "a folder", "a link", "no stamp"])
def test_a_damaged_copy_is_fetched_again(copies, tmp_path, damage):
    data = os.urandom(10_000)
    copies.keep.save(data)
    path = copies.get()
    status = os.stat(path)
    if damage == "truncated":
        os.truncate(path, 5_000)
    elif damage == "other bytes":
        Path(path).write_bytes(os.urandom(10_000))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif damage == "no stamp":
        os.unlink(os.path.join(os.path.dirname(path), ".autolog", "stamp"))
    else:
        os.unlink(path)
    if damage == "a folder":
        os.mkdir(path)
    elif damage == "a link":
        (tmp_path / "elsewhere").write_bytes(os.urandom(10_000))
        os.symlink(tmp_path / "elsewhere", path)
    assert copies.get() == path
    assert bytes_at(path) == data
    assert not os.path.islink(path)
    assert copies.read > 0


def test_force_fetches_again(copies, tmp_path):
    saved_at(copies, tmp_path / "model.pt", b"weights")
    path = copies.get(force=True)
    assert path.startswith(copies.folder)
    first = os.stat(path)
    assert copies.get(force=True) == path
    assert os.stat(path).st_ino != first.st_ino
    assert bytes_at(path) == b"weights"


def test_several_files_are_a_folder(copies):
    files = {"config.json": b"{}", "sub/weights.bin": os.urandom(5_000)}
    staged = copies.keep.stage_files(files, path="/x/folder")
    assert copies.keep.send(staged)
    path = copies.get()
    assert os.path.basename(path) == "folder"
    assert {name: bytes_at(os.path.join(path, name)) for name in files} == files
    os.unlink(os.path.join(path, "sub/weights.bin"))
    assert copies.get() == path
    assert {name: bytes_at(os.path.join(path, name)) for name in files} == files


def test_files_behind_a_prefix_are_given_by_it(copies):
    files = {".index": b"index", ".data-00000-of-00001": os.urandom(5_000)}
    assert copies.keep.send(copies.keep.stage_files(files, path="/x/ckpt-1"))
    path = copies.get()
    assert os.path.basename(path) == "ckpt-1"
    assert {name: bytes_at(path + name) for name in files} == files


def test_files_that_are_called_by_one_of_them_are_given_by_it(copies):
    files = {"m.weights.json": b"{}", "m_00000.weights.h5": os.urandom(5_000)}
    assert copies.keep.send(copies.keep.stage_files(files, path="/x/m.weights.json"))
    path = Path(copies.get())
    assert path.name == "m.weights.json"
    assert {name: bytes_at(path.with_name(name)) for name in files} == files


def test_a_folder_that_is_still_what_was_saved_is_taken_where_it_is(copies, tmp_path):
    files = {"config.json": b"{}", "weights.bin": os.urandom(5_000)}
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in {**files, "of no concern.log": b""}.items():
        (folder / name).write_bytes(data)
    assert copies.keep.send(copies.keep.stage_files(files, path=str(folder)))
    assert copies.get() == str(folder)
    (folder / "config.json").write_bytes(b"[]")
    assert copies.get().startswith(copies.folder)


# -- not to be had ------------------------------------------------------------------------------------


def test_bytes_that_are_nowhere_are_not_there(copies):
    copies.keep.stage(b"weights", path="/x/gone.bin")
    with pytest.raises(WeightsUnavailable, match="output_uri=True"):
        copies.get()
    assert copies.entries() == []
    assert copies.left_over() == []


def test_nothing_is_removed_for_bytes_that_are_nowhere(copies):
    copies.keep.save(b"a" * 1000)
    copies.get()
    copies.keep.stage(b"b" * 1000, path="/x/gone.bin")
    with pytest.raises(WeightsUnavailable):
        copies.get(most=1500)
    assert len(copies.entries()) == 1


def test_a_cache_that_can_not_be_written_says_what_to_set(copies, tmp_path):
    copies.keep.save(b"weights")
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(TargetError, match=r"cache\.dir"):
        copies.get()


def test_what_an_interrupted_process_left_is_removed(copies):
    copies.keep.save(b"weights")
    path = copies.get()
    left = Path(f"{path}.12345-0123abcd.part")
    left.mkdir()
    (left / "0").write_bytes(b"half")
    os.unlink(path)
    assert bytes_at(copies.get()) == b"weights"
    assert copies.left_over() == []


# -- room ---------------------------------------------------------------------------------------------


def three(copies):
    for letter in b"abc":
        copies.keep.save(bytes([letter]) * 1000, path=f"/x/{letter}.bin")


def test_what_was_used_longest_ago_goes_first(copies):
    three(copies)
    first, second = copies.get(0, most=2500), copies.get(1, most=2500)
    copies.get(0, most=2500)
    third = copies.get(2, most=2500)
    assert [os.path.exists(each) for each in (first, second, third)] == [True, False, True]
    assert copies.left_over() == []


def test_a_snapshot_larger_than_the_cache_is_refused_and_nothing_removed(copies):
    three(copies)
    first = copies.get(0)
    with pytest.raises(CacheFull, match=r"set cache\.max_bytes to at least 1,000"):
        copies.get(1, most=999)
    assert os.path.exists(first)
    assert len(copies.entries()) == 1


def test_room_that_has_to_stay_free_on_the_disk_is_left(copies):
    three(copies)
    first = copies.get(0)
    with pytest.raises(CacheFull, match=r"cache\.min_free_bytes"):
        copies.get(1, least_free=1 << 60)
    assert os.path.exists(first)
    assert len(copies.entries()) == 1


def test_what_a_removal_that_was_interrupted_left_is_removed(copies):
    three(copies)
    copies.get(0)
    (Path(copies.folder) / f".removed-{'0' * 64}-0123abcd").mkdir()
    copies.get(1)
    assert copies.left_over() == []


def test_a_loop_over_many_models_goes_through_a_small_cache(copies):
    for number in range(30):
        copies.keep.save(bytes([number]) * 1000, path=f"/x/{number}.bin")
    descriptors = len(os.listdir("/proc/self/fd"))
    for number in range(30):
        assert bytes_at(copies.get(number, most=20_500)) == bytes([number]) * 1000
    assert len(copies.entries()) == 20
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 16


# -- other processes ----------------------------------------------------------------------------------


def start(copies, stack, number, most=1 << 30):
    digest = copies.keep.snapshots[number].digest
    arguments = [copies.keep.url, copies.keep.home, copies.folder, str(most), digest]
    process = subprocess.Popen(
        [sys.executable, str(CACHING), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stack.enter_context(process)
    stack.callback(process.stdin.close)
    return process


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def answer(process):
    path, fetched, digest = process.stdout.readline().rstrip("\n").split("\t")
    return path, int(fetched), digest


def test_processes_at_once_fetch_it_once_and_see_all_of_it(copies):
    data = os.urandom(8 << 20)
    copies.keep.save(data)
    with ExitStack() as stack:
        processes = [start(copies, stack, 0) for _ in range(4)]
        assert [each.stdout.readline() for each in processes] == ["ready\n"] * 4
        for each in processes:
            go(each)
        answers = [answer(each) for each in processes]
    assert {digest for _, _, digest in answers} == {digest_of(data)}
    assert len({path for path, _, _ in answers}) == 1
    assert len([fetched for _, fetched, _ in answers if fetched]) == 1


def test_what_another_process_uses_is_not_removed_before_it_ends(copies):
    three(copies)
    with ExitStack() as stack:
        other = start(copies, stack, 0)
        go(other)
        other.stdout.readline()
        used, _, _ = answer(other)
        mine = copies.get(1, most=2500)
        third = copies.get(2, most=2500)
        assert [os.path.exists(each) for each in (used, mine, third)] == [True, False, True]
        with pytest.raises(CacheFull, match="running programs"):
            copies.get(1, most=1500)
        assert bytes_at(used) == b"a" * 1000
    assert bytes_at(copies.get(1, most=1500)) == b"b" * 1000
    assert not os.path.exists(used)


def test_a_copy_that_another_process_uses_is_mended_under_it(copies):
    copies.keep.save(b"weights" * 1000)
    with ExitStack() as stack:
        other = start(copies, stack, 0)
        go(other)
        other.stdout.readline()
        used, _, _ = answer(other)
        os.truncate(used, 10)
        assert copies.get() == used
        assert bytes_at(used) == b"weights" * 1000
