"""What a call writes or reads, told from what it was given."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from toyframework import digest

from autolog.capture.pin import pin_open_file
from autolog.capture.target import Target
from autolog.keeping import restore
from autolog.store import Kept

fsspec: Any = pytest.importorskip("fsspec")


def test_file_of_another_file_system_is_remote() -> None:
    with fsspec.open("memory://runs/model.pt", "wb") as file:
        target = Target(file)
    assert (target.place, target.path, target.file) == ("remote", "memory:///runs/model.pt", file)


def test_file_of_the_local_file_system_is_an_open_file(tmp_path: Path) -> None:
    with fsspec.open(f"file://{tmp_path}/model.pt", "wb") as file:
        target = Target(file)
    assert (target.place, target.path, target.file) == ("open", None, file)


@pytest.mark.parametrize("system", [None, object()])
def test_buffer_with_attributes_of_these_names_stays_one(system: Any) -> None:
    class Buffer(io.BytesIO):
        fs = system
        path = "model.pt"

    target = Target(Buffer())
    assert (target.place, target.path) == ("memory", None)


def test_bytes_on_another_file_system_are_recorded_with_size_and_digest(lab: Any) -> None:
    done = lab.run(
        """
        import fsspec
        from autolog.capture import memory

        with fsspec.open("memory://runs/model.bin", "wb") as file:
            save(Model.random(1000), file)
        data = fsspec.filesystem("memory").cat("/runs/model.bin")
        print(memory.digest_of(data), len(data))
        """
    )
    (snapshot,) = lab.snapshots()
    assert [f"{snapshot.digest} {snapshot.size}"] == done.lines
    assert (snapshot.uri, snapshot.state) == ("memory:///runs/model.bin", "at_path")


def archives(folder: Path) -> tuple[Path, Path]:
    """A tar and a zip with the file `inner.bin` in them."""
    (folder / "inner.bin").write_bytes(b"weights")
    with tarfile.open(folder / "a.tar", "w") as tar:
        tar.add(folder / "inner.bin", "inner.bin")
    with zipfile.ZipFile(folder / "a.zip", "w") as packed:
        packed.write(folder / "inner.bin", "inner.bin")
    return folder / "a.tar", folder / "a.zip"


def test_a_member_of_an_archive_is_no_file_of_its_own(tmp_path: Path) -> None:
    tar_path, zip_path = archives(tmp_path)
    with tarfile.open(tar_path) as tar:
        member = tar.extractfile("inner.bin")
        assert pin_open_file(member) is None
        assert member is not None
        assert member.read() == b"weights"
    with zipfile.ZipFile(zip_path) as packed, packed.open("inner.bin") as inner:
        assert pin_open_file(inner) is None
        assert inner.read() == b"weights"


@pytest.mark.parametrize("error", [NotImplementedError, OSError, ValueError, AttributeError])
def test_a_stream_whose_descriptor_is_not_to_be_had_has_none(error: type[Exception]) -> None:
    class Stream(io.RawIOBase):
        def fileno(self) -> int:
            raise error

    assert pin_open_file(Stream()) is None


def test_a_load_from_a_member_of_a_tar_is_recorded_without_a_fault(lab: Any) -> None:
    done = lab.run(
        """
        import pickle, tarfile

        model = Model.random(1000)
        save(model, "inner.bin")
        with tarfile.open("a.tar", "w") as tar:
            tar.add("inner.bin")
        with tarfile.open("a.tar") as tar, tar.extractfile("inner.bin") as member:
            print(load(member).data == model.data)
        """
    )
    assert (done.lines, done.err) == (["True"], "")
    task = lab.task()
    assert (len(task.faults), len(task.inputs)) == (0, 1)


def test_members_of_one_name_in_two_archives_are_two_models(lab: Any) -> None:
    done = lab.run("""
        import pickle, tarfile, zipfile

        for number in range(2):
            model = Model(b"%d" % number)
            with open("inner.bin", "wb") as file:
                pickle.dump(model, file)  # which nobody captures
            with tarfile.open(f"{number}.tar.gz", "w:gz") as tar:
                tar.add("inner.bin")
            with zipfile.ZipFile(f"{number}.zip", "w") as packed:
                packed.write("inner.bin")
            with zipfile.ZipFile(f"saved{number}.zip", "w") as packed:
                with packed.open("inner.bin", "w") as member:
                    save(Model(b"saved %d" % number), member)
        for number in (0, 1, 0, 1):
            with tarfile.open(f"{number}.tar.gz") as tar, tar.extractfile("inner.bin") as member:
                load(member)
            for name in (f"{number}.zip", f"saved{number}.zip"):
                with zipfile.ZipFile(name) as packed, packed.open("inner.bin") as member:
                    load(member)
    """)
    assert done.err == ""
    task = lab.task()
    assert [each.count for each in task.inputs] == [2] * 6
    paths = [os.path.relpath(each.path, lab.work) for each in task.inputs]
    assert [each for each in paths if ".tar" not in each] == [
        "0.zip/inner.bin", "saved0.zip/inner.bin", "1.zip/inner.bin", "saved1.zip/inner.bin",
    ]  # fmt: skip
    assert [each.startswith(f"{number}.tar.gz") for number, each in enumerate(paths[::3])] == [True, True]
    assert [each.own for each in task.inputs] == [False, False, True] * 2


@pytest.mark.parametrize("where", ["nowhere", "packs", "files"])
def test_files_without_a_name_are_versions_of_one_model(lab: Any, tmp_path: Path, where: str) -> None:
    # What is built in a temporary file on its way to somewhere else: its number says nothing.
    output_uri = {"nowhere": "", "packs": "true", "files": str(tmp_path / "kept")}[where]
    done = lab.run(
        """
        import tempfile
        for number in range(3):
            with tempfile.TemporaryFile() as file:
                save(Model(b"%d" % number), file)
        with open("gone.bin", "wb") as file:
            os.unlink("gone.bin")
            save(Model(b"unlinked"), file)
        print(*(digest_of(Model(data)) for data in (b"0", b"1", b"2", b"unlinked")), sep="\\n")
        """,
        **({"AUTOLOG_OUTPUT_URI": output_uri} if output_uri else {}),
    )
    assert done.err == ""
    model = lab.model()
    assert model.name.endswith(" - temporary-file")
    assert [each.digest for each in model.snapshots] == done.lines
    assert {(each.uri, each.state) for each in model.snapshots} == {(None, "gone")}
    if output_uri:
        with lab.store() as store:
            for number, snapshot in enumerate(model.snapshots):
                target = tmp_path / f"restored{number}"
                restore(snapshot, Kept(store), str(lab.home), str(target))
                assert digest(target) == snapshot.digest


@pytest.mark.parametrize("opened", ['open("m.bin", "w+b")', "tempfile.TemporaryFile()"])
@pytest.mark.parametrize("count", [1, 20])
def test_a_load_from_a_file_that_is_still_open_for_its_save_is_of_that_save(
    lab: Any, opened: str, count: int
) -> None:
    done = lab.run(f"""
        import tempfile
        with {opened} as file:
            save(Model(b"mine"), file)
            for _ in range({count}):
                file.seek(0)
                load(file)
        print(digest_of(Model(b"mine")))
    """)
    assert done.err == ""
    model = lab.model()
    assert [each.digest for each in model.snapshots] == done.lines
    assert [(each.model_id, each.version, each.own) for each in lab.task().inputs] == [(model.id, 1, True)]


def test_a_load_by_its_path_while_the_file_is_open_is_of_that_save(lab: Any) -> None:
    done = lab.run("""
        file = open("m.bin", "wb")
        save(Model(b"mine"), file)
        file.flush()
        load("m.bin")
    """)
    assert done.err == ""
    model = lab.model()
    assert [(each.model_id, each.version, each.own) for each in lab.task().inputs] == [(model.id, 1, True)]


def test_a_file_that_is_put_in_its_place_while_it_is_open_is_a_version_of_what_is_there(lab: Any) -> None:
    done = lab.run("""
        import tempfile
        for number in range(3):
            model = Model(b"%d" % number)
            with tempfile.NamedTemporaryFile(dir=".", delete=False) as file:
                save(model, file)
                file.flush()
                os.replace(file.name, "model.bin")
            print(digest_of(model))
    """)
    assert [each.digest for each in lab.model().snapshots] == done.lines
    assert {each.uri for each in lab.model().snapshots} == {str(lab.work / "model.bin")}


def test_a_load_of_a_copy_of_a_file_that_is_still_open_is_of_its_save(lab: Any) -> None:
    done = lab.run("""
        import shutil, tempfile
        model = Model(b"mine")
        with tempfile.NamedTemporaryFile() as file:
            save(model, file)
            file.flush()
            shutil.copy(file.name, "final.bin")
            load("final.bin")
            time.sleep(1)  # the agent would record by now what it has heard of
            save(Model(b"else"), "else.bin")
            load("else.bin")
        print(digest_of(model), digest_of(Model(b"else")))
    """)
    assert done.err == ""
    assert sorted(each.digest for each in lab.snapshots()) == sorted(done.out.split())
    assert [each.own for each in lab.task().inputs] == [True, True]


def test_a_spooled_file_stays_in_memory_as_long_as_it_would(lab: Any) -> None:
    done = lab.run("""
        import tempfile
        small, large = Model(b"small"), Model.random(20_000)
        with tempfile.SpooledTemporaryFile(10_000) as file:
            save(small, file)
            file.seek(0)
            load(file)
            print(file._rolled)
        with tempfile.SpooledTemporaryFile(10_000) as file:
            save(large, file)
            file.seek(0)
            load(file)
            print(file._rolled)
        print(*sorted(map(digest_of, (small, large))), sep="\\n")
    """)
    assert done.err == ""
    assert done.lines[:2] == ["False", "True"]
    assert sorted(each.digest for each in lab.snapshots()) == done.lines[2:]
    assert sorted(each.state for each in lab.snapshots()) == ["gone", "in_memory"]
    assert [each.own for each in lab.task().inputs] == [True, True]


def test_loads_between_saves_into_one_open_file_are_of_what_it_becomes(lab: Any) -> None:
    done = lab.run("""
        with open("m.bin", "w+b") as file:
            for number in range(3):
                file.seek(0)
                file.truncate()
                save(Model(b"%d" % number * (number + 1)), file)
                file.seek(0)
                load(file)
        print(digest_of(Model(b"222")))
    """)
    assert done.err == ""
    model = lab.model()
    assert [each.digest for each in model.snapshots] == done.lines
    assert [(each.model_id, each.own, each.count) for each in lab.task().inputs] == [(model.id, True, 3)]
