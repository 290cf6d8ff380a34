"""A store, a home and snapshots in it, put there the way the agent does."""

import itertools
import os

import pytest

from autolog.content import Staging, item_facts
from autolog.events import FileFacts, Part, Saved, Started
from autolog.keeping import destination_of, send
from autolog.store import Kept, Look, Store, Writer

numbers = itertools.count(1)


class Keep:
    """One home; `save` records a file as a snapshot and keeps its bytes."""

    def __init__(self, folder, url=None, output_uri="true", content_store=""):
        self.folder = folder
        self.home = str(folder / "home")
        os.makedirs(self.home, exist_ok=True)
        self.url = url or f"sqlite:///{self.home}/autolog.db"
        self.store = Store.open(self.url)
        self.kept = Kept(self.store)
        self.output = (output_uri, content_store)
        self.task = os.urandom(16).hex()
        Writer(self.store).started(Started(self.task, 1.0, "digits", "train", "/x/train.py"), 1.0)
        self.seen = {}
        self.saved = []

    def stage(self, data, path="/x/m.bin", spans=()):
        """Record a snapshot and put its bytes aside."""
        number = next(numbers)
        facts = FileFacts(1, number, len(data), number, number)
        event = Saved(f"e-{number}", float(number), "PyTorch", "torch:save", "file", path, facts, len(data))
        source = self.folder / f"source-{number}"
        source.write_bytes(data)
        staging = Staging(os.path.join(self.home, "waiting", event.id), self.seen)
        descriptor = os.open(source, os.O_RDONLY)
        try:
            if self.output[0] == "true":
                file = staging.add("", descriptor, len(data), spans)
            else:
                file = staging.add_whole("", descriptor)
        finally:
            os.close(descriptor)
            source.unlink()
        look = Look(file.digest, path, key=path, stem=os.path.basename(path))
        Writer(self.store).saved(self.task, event, look)
        facts = item_facts(self.task, self.url, self.output[0], self.output[1])
        return staging.finish({**facts, "event": event.id, "path": path})

    def stage_files(self, files, path="/x/folder"):
        """Record a snapshot of several files, by their names, and put their bytes aside."""
        number = next(numbers)
        staging = Staging(os.path.join(self.home, "waiting", f"e-{number}"), self.seen)
        parts = []
        for name, data in files.items():
            source = self.folder / f"source-{number}"
            source.write_bytes(data)
            descriptor = os.open(source, os.O_RDONLY)
            if self.output[0] == "true":
                file = staging.add(name, descriptor, len(data), ())
            else:
                file = staging.add_whole(name, descriptor)
            os.close(descriptor)
            source.unlink()
            parts.append((Part(name, FileFacts(1, number, len(data), 0, 0)), file.digest))
        event = Saved(f"e-{number}", float(number), "PyTorch", "torch:save", "file", path)
        look = Look("blake3:" + "f" * 64, path, key=path, stem=os.path.basename(path), parts=parts)
        Writer(self.store).saved(self.task, event, look)
        return staging.finish({"event": event.id, "path": path})

    def send(self, staged):
        destination = destination_of(*self.output, self.home, self.url)
        is_there = send(staged, destination, self.kept)
        if is_there:
            self.seen.update(dict.fromkeys((d for file in staged.files for d, _, _ in file.chunks), None))
        return is_there

    def save(self, data, path="/x/m.bin", spans=()):
        """Record a snapshot and keep it."""
        staged = self.stage(data, path, spans)
        assert self.send(staged)
        self.saved.append(data)
        return staged

    @property
    def snapshots(self):
        found = [s for model in self.store.models() for s in self.store.model(model.id).snapshots]
        return sorted(found, key=lambda each: each.created)

    def end(self):
        """The run is over: nobody counts on anything any more."""
        Writer(self.store).ended(self.task, "completed", "", 2.0)

    def packs(self):
        """The files of packs."""
        return [
            os.path.join(folder, name)
            for folder, _, names in os.walk(os.path.join(self.home, "content"))
            for name in names
        ]


@pytest.fixture
def keep(tmp_path):
    made = []

    def make(**options):
        made.append(Keep(tmp_path, **options))
        return made[-1]

    yield make
    for each in made:
        each.store.close()
