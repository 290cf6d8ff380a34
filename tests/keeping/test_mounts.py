"""`path_substitution`: what another machine recorded is found where its folder is mounted here."""

import os
import sqlite3
from contextlib import closing

import pytest

from autolog.config import Settings
from autolog.errors import DestinationError, IntegrityError, WeightsUnavailable
from autolog.keeping import changed, openers, restore, verify

pytestmark = pytest.mark.core

DATA = os.urandom(5000)


def settings(keep, *rules):
    pairs = tuple((str(prefix), str(mount)) for prefix, mount in rules)
    return Settings(home=keep.home, store=keep.url, path_substitution=pairs)


def elsewhere(keep):
    """Have every place be one of another machine."""
    with closing(sqlite3.connect(f"{keep.home}/autolog.db")) as database, database:
        database.execute("UPDATE places SET host = 'elsewhere' WHERE host != ''")


@pytest.mark.parametrize("kind", ["packs", "plain"])
def test_what_another_machine_keeps_is_found_in_its_mount(keep, tmp_path, kind):
    there = str(tmp_path / "there")
    keep = keep(**({"content_store": there} if kind == "packs" else {"output_uri": there}))
    keep.save(DATA)
    elsewhere(keep)
    os.rename(there, tmp_path / "mnt")
    target = tmp_path / "back"
    with pytest.raises(WeightsUnavailable, match="path_substitution"):
        restore(keep.snapshots[0], keep.kept, keep.home, str(target))
    here = settings(keep, (tmp_path, tmp_path / "nothing"), (there, tmp_path / "mnt"))
    assert restore(keep.snapshots[0], keep.kept, here, str(target)).source == "kept"
    assert target.read_bytes() == DATA
    assert list(verify(keep.kept, here, deep=True)) == []
    ((_, opener),) = openers(keep.snapshots[0], keep.kept, here)
    with opener() as file:
        assert file.read() == DATA


def test_a_folder_of_the_same_name_here_is_not_taken_for_the_other_machines(keep, tmp_path):
    there = tmp_path / "there"
    keep = keep(output_uri=str(there))
    keep.save(DATA)
    elsewhere(keep)
    os.rename(there, tmp_path / "mnt")
    there.mkdir()
    restore(keep.snapshots[0], keep.kept, settings(keep, (there, tmp_path / "mnt")), str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == DATA


def test_a_folder_of_this_machine_is_taken_where_it_is_and_else_where_it_was_moved(keep, tmp_path):
    there = tmp_path / "there"
    keep = keep(output_uri=str(there))
    keep.save(DATA)
    (tmp_path / "mnt").mkdir()
    here = settings(keep, (there, tmp_path / "mnt"))
    restore(keep.snapshots[0], keep.kept, here, str(tmp_path / "one"))
    (tmp_path / "mnt").rmdir()
    os.rename(there, tmp_path / "mnt")
    restore(keep.snapshots[0], keep.kept, here, str(tmp_path / "two"))
    assert (tmp_path / "two").read_bytes() == DATA
    with pytest.raises(IntegrityError):
        restore(keep.snapshots[0], keep.kept, keep.home, str(tmp_path / "three"))


def test_a_file_at_its_own_path_is_found_in_its_mount(keep, tmp_path):
    keep = keep()
    keep.stage(DATA, path="/no/such/folder/m.bin")
    (snapshot,) = keep.snapshots
    mount = tmp_path / "mnt"
    mount.mkdir()
    here = settings(keep, ("/no/such", "/nowhere"), ("/no/such/folder", mount))
    target = tmp_path / "back"
    with pytest.raises(WeightsUnavailable):
        restore(snapshot, keep.kept, here, str(target))
    (mount / "m.bin").write_bytes(os.urandom(len(DATA)))
    with pytest.raises(WeightsUnavailable):
        restore(snapshot, keep.kept, here, str(target))
    with pytest.raises(WeightsUnavailable):
        openers(snapshot, keep.kept, here)
    ((_, problem),) = changed(keep.store, here)
    assert problem == f"{mount}/m.bin has other bytes by now"
    (mount / "m.bin").write_bytes(DATA)
    done = restore(snapshot, keep.kept, here, str(target))
    assert (done.source, done.place) == ("own path", f"{mount}/m.bin")
    assert target.read_bytes() == DATA
    ((_, opener),) = openers(snapshot, keep.kept, here)
    with opener() as file:
        assert file.read() == DATA
    assert list(changed(keep.store, here)) == []


def test_a_file_of_its_name_here_that_is_another_does_not_hide_the_mounted_one(keep, tmp_path):
    keep = keep()
    own, mount = tmp_path / "own", tmp_path / "mnt"
    for folder in (own, mount):
        folder.mkdir()
    keep.stage(DATA, path=f"{own}/m.bin")
    (own / "m.bin").write_bytes(os.urandom(len(DATA)))
    (mount / "m.bin").write_bytes(DATA)
    restore(keep.snapshots[0], keep.kept, settings(keep, (own, mount)), str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == DATA


def test_a_prefix_ends_where_a_name_ends(keep, tmp_path):
    keep = keep()
    keep.stage(DATA, path="/data2/m.bin")
    (tmp_path / "m.bin").write_bytes(DATA)
    for prefix in ("/data", "/data2/m"):
        with pytest.raises(WeightsUnavailable):
            restore(keep.snapshots[0], keep.kept, settings(keep, (prefix, tmp_path)), str(tmp_path / "back"))


def test_a_bucket_may_be_mounted_too(keep, tmp_path):
    keep = keep(output_uri="memory://" + os.urandom(4).hex())
    keep.save(DATA)
    (file,) = keep.kept.files(keep.snapshots[0].id)
    mounted = tmp_path / "mnt" / file.path
    mounted.parent.mkdir(parents=True)
    mounted.write_bytes(DATA)
    here = settings(keep, (file.place.url, tmp_path / "mnt"))
    restore(keep.snapshots[0], keep.kept, here, str(tmp_path / "back"))
    (damage,) = verify(keep.kept, settings(keep, (file.place.url, tmp_path)), deep=True)
    assert "is gone" in damage.problem


def test_a_password_in_the_url_of_a_destination_is_not_recorded(keep, tmp_path):
    url = f"memory://me:hunter2@host/{os.urandom(4).hex()}"
    keep = keep(output_uri=url)
    keep.save(DATA)
    (place,) = keep.kept.places()
    assert place.url == url.replace("hunter2", "***")
    with pytest.raises(DestinationError, match="password"):
        restore(keep.snapshots[0], keep.kept, keep.home, str(tmp_path / "one"))
    here = Settings(home=keep.home, store=keep.url, output_uri=url + "/")
    restore(keep.snapshots[0], keep.kept, here, str(tmp_path / "two"))
    assert (tmp_path / "two").read_bytes() == DATA
