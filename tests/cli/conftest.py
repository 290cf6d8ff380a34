"""A command line to call, and stores filled through the same door that the agent uses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from autolog import formats
from autolog.content import Staging
from autolog.events import Bound, Failed, FileFacts, Loaded, Part, Saved, Skipped, Started
from autolog.keeping import destination_of, send
from autolog.store import ContentsRecord, Kept, Look, Store, Writer

#: One fixed moment, 2026-01-31 12:00:00 UTC, and seconds after it.
NOON = 1769860800.0

#: `PYTHONPATH=src` must mean the same in every folder.
_PYTHONPATH = os.pathsep.join(map(os.path.abspath, filter(None, os.environ.get("PYTHONPATH", "").split(":"))))


@dataclass
class Answer:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and nothing of the developer's settings."""
    for name in list(os.environ):
        if name.startswith(("AUTOLOG_", "_AUTOLOG")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOLOG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    if _PYTHONPATH:
        monkeypatch.setenv("PYTHONPATH", _PYTHONPATH)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path / "home"


@pytest.fixture
def autolog(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command in this process."""

    def call(*arguments: str) -> Answer:
        from autolog.cli._group import call

        capsys.readouterr()
        try:
            status = call(list(arguments))
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
        out, err = capsys.readouterr()
        return Answer(status, out, err)

    return call


@pytest.fixture
def shell() -> Callable[..., Answer]:
    """Run the command in a process of its own."""

    def call(*arguments: str, **more: Any) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "autolog", *arguments],
            capture_output=True,
            timeout=120,
            check=False,
            **more,
        )
        return Answer(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))

    return call


class Book:
    """Writes tasks, saves and loads into a store; ids are made of the name, so that tests know them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.writer = Writer(store)
        self._count = 0

    def task(self, name: str, *, at: float = 0.0, project: str = "demo", **more: Any) -> str:
        task_id = (name.encode().hex() + "0" * 32)[:32]
        started = Started(
            task_id=task_id,
            time=NOON + at,
            project=project,
            name=name,
            script=f"/data/{name}.py",
            argv=(f"{name}.py", "--epochs", "3"),
            cwd="/work",
            user="ada",
            host="box",
            python="3.11.7",
            **more,
        )
        self.writer.started(started, NOON + at)
        self.writer.ended(task_id, "completed", "", NOON + at + 65)
        return task_id

    def save(
        self, task: str, path: str, *, at: float = 1.0, look: dict[str, Any] | None = None, **more: Any
    ) -> str:
        """A save; returns its digest."""
        self._count += 1
        stem = os.path.splitext(os.path.basename(path))[0]
        digest = f"blake3:{self._count:064x}"
        found = {"digest": digest, "path": path, "key": path, "stem": stem, **(look or {})}
        event = {
            "framework": "PyTorch",
            "function": "torch.save",
            "place": "file",
            "path": path,
            "size": 1500,
            "facts": FileFacts(1, zlib.crc32(path.encode()), 1500, 0, 0),
            **more,
        }
        saved = Saved(id=f"{task[:8]}-{self._count}", time=NOON + at, **event)
        self.writer.saved(task, saved, Look(**found))
        self.writer.weighed(saved.id, [f"weights:{found['digest']}"])
        return digest

    def load(self, task: str, digest: str, path: str, *, at: float = 50.0) -> None:
        self._count += 1
        loaded = Loaded(
            id=f"{task[:8]}-{self._count}",
            time=NOON + at,
            framework="PyTorch",
            function="torch.load",
            place="file",
            path=path,
            size=1500,
        )
        stem = os.path.splitext(os.path.basename(path))[0]
        self.writer.loaded(task, loaded, Look(digest=digest, path=path, stem=stem, key=path))

    def skip(self, task: str, path: str, rule: str) -> None:
        self._count += 1
        self.writer.skipped(task, Skipped(f"{task[:8]}-{self._count}", path, rule, "torch.save"))

    def fault(self, task: str, where: str, error: str) -> None:
        self._count += 1
        self.writer.failed(task, Failed(f"{task[:8]}-{self._count}", NOON + 3, where, error, "Traceback ..."))

    def hooks(self, task: str, targets: dict[str, str]) -> None:
        self._count += 1
        self.writer.bound(task, Bound(f"{task[:8]}-{self._count}", targets, {"torch": "2.13.0"}))


def contents(*, dangerous: tuple[str, ...] = ()) -> ContentsRecord:
    """What a small PyTorch file holds."""
    tensors = (("fc.weight", (10, 4), "float32"), ("fc.bias", (10,), "float32"), ("steps", (), "int64"))
    return ContentsRecord("torch zip", 50, tensors, {"kind": "state_dict"}, dangerous)


@pytest.fixture
def book(home: Path) -> Iterator[Book]:
    """An empty store at the default place."""
    store = Store.open(f"sqlite:///{home}/autolog.db")
    try:
        yield Book(store)
    finally:
        store.close()


@pytest.fixture
def story(book: Book) -> Book:
    """`train` makes `best` twice, `finetune` loads it and makes `tuned`, `evaluate` loads that."""
    train = book.task("train", tags=("demo",), git={"commit": "c0ffee" * 6, "branch": "main", "dirty": True})
    book.save(train, "/data/best.pt", at=1, design="Linear(4, 10)\nfor digits", iteration=1)
    best = book.save(train, "/data/best.pt", at=2, iteration=2, look={"contents": contents()})
    book.load(train, best, "/data/best.pt", at=3)
    book.skip(train, "/data/batch.pt", "array")
    book.hooks(train, {"torch.serialization:save": "applied", "joblib.numpy_pickle:dump": "not imported"})
    finetune = book.task("finetune", at=100, project="other")
    book.load(finetune, best, "/data/copy.pt", at=101)
    inside = contents(dangerous=("os.system",))
    tuned = book.save(finetune, "/data/tuned.pt", at=102, look={"contents": inside})
    evaluate = book.task("evaluate", at=200)
    book.load(evaluate, tuned, "/data/tuned.pt", at=201)
    book.load(evaluate, "blake3:" + "e" * 64, "/hub/base.pt", at=202)
    book.fault(evaluate, "look into a file", "ValueError: no")
    return book


class Shelf:
    """Saves real files as a run with `output_uri` would; `uri` is that setting, empty to keep nothing."""

    def __init__(self, book: Book, home: Path, work: Path) -> None:
        self.book = book
        self.store = book.store
        self.kept = Kept(book.store)
        self.home = str(home)
        self.work = work
        self.uri = "true"
        self._count = 0

    def save(
        self, task: str, name: str, data: bytes | dict[str, bytes], *, at: float = 1.0, **more: Any
    ) -> str:
        """Write a file (or, by name, several behind a base) below the working folder; its digest."""
        self._count += 1
        event_id = f"shelf-{self._count:04}"
        base, path = more.get("base", f"{self.work}/{name}"), f"{self.work}/{name}"
        files = data if isinstance(data, dict) else {"": data}
        staging = Staging(os.path.join(self.home, "waiting", event_id), {})
        parts = []
        for inside, each in files.items():
            there = Path(base + inside if isinstance(data, dict) else path)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(each)
            descriptor = os.open(there, os.O_RDONLY)
            if self.uri in ("", "true"):
                with open(there, "rb") as opened:
                    staged = staging.add(inside, descriptor, len(each), formats.regions(opened, there.name))
            else:
                staged = staging.add_whole(inside, descriptor)
            os.close(descriptor)
            parts.append((Part(inside, FileFacts(1, self._count, len(each), 0, 0)), staged.digest))
        digest = parts[0][1]
        if isinstance(data, dict):
            lines = sorted(f"{part.name}\0{part.facts.size}\0{each}\n" for part, each in parts)
            digest = f"blake3:{blake3(''.join(lines).encode()).hexdigest()}"
        stem = os.path.splitext(os.path.basename(path))[0]
        size = sum(map(len, files.values()))
        facts = FileFacts(1, zlib.crc32(path.encode()), size, 0, 0)
        saved = Saved(event_id, NOON + at, "PyTorch", "torch.save", "file", path, facts, size)
        saved = saved._replace(metrics=more.get("metrics", {}), iteration=more.get("iteration"))
        look = Look(digest, path, key=path, stem=stem, parts=parts if isinstance(data, dict) else ())
        self.book.writer.saved(task, saved, look)
        item = staging.finish({"event": event_id, "path": path, "task": task, "time": NOON + at})
        if self.uri:
            destination = destination_of(self.uri, "", self.home, f"sqlite:///{self.home}/autolog.db")
            assert destination is not None
            assert send(item, destination, self.kept)
        shutil.rmtree(item.folder)
        return digest

    def packs(self) -> list[Path]:
        """The files of the content store."""
        return sorted(Path(self.home, "content").rglob("*.pack"))

    def held(self) -> int:
        """How many bytes these are."""
        return sum(each.stat().st_size for each in self.packs())

    def snapshots(self, name: str) -> list[Any]:
        """A model's versions."""
        return list(self.store.model(self.store.find_model(name)[0]).snapshots)


@pytest.fixture
def shelf(book: Book, home: Path, tmp_path: Path) -> Shelf:
    """An empty store whose saves are kept."""
    return Shelf(book, home, tmp_path / "work")


@pytest.fixture
def versions(shelf: Shelf) -> list[bytes]:
    """`train` has saved `m.bin` four times, one over the other, and they are kept: their bytes."""
    task = shelf.book.task("train")
    data = [os.urandom(50_000) + bytes([number]) for number in range(4)]
    for number, each in enumerate(data):
        shelf.save(task, "m.bin", each, at=number + 1)
    return data
