"""What a call writes or reads, told from what it was given."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from autolog.capture.target import Target

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
