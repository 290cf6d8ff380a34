"""A store in each of the databases that it may be in."""

import itertools
import os
import sys
from pathlib import Path

import pytest

from autolog.events import FileFacts, Loaded, Saved, Started
from autolog.store import Look, Store, Writer

sys.path.insert(0, str(Path(__file__).parent))

_numbers = itertools.count(1)


class Run:
    """One task, with events as its processes would send them."""

    def __init__(self, store, name="train", task_id=None):
        self.store = store
        self.writer = Writer(store)
        self.id = task_id or os.urandom(16).hex()
        self.writer.started(Started(self.id, 100.0 + next(_numbers), "digits", name, "/x/train.py"), 100.0)

    def save(self, path, digest, inode=None, metrics=None, created=None, at=None, **look):
        number = next(_numbers)
        facts = FileFacts(1, inode or number, 10, number, number)
        event = Saved(f"e-{number}", float(number), "PyTorch", "torch:save", "file", path, facts, 10)
        event = event._replace(metrics=metrics or {}, time=created or event.time)
        stem = os.path.splitext(os.path.basename(path))[0]
        self.writer.saved(self.id, event, Look(digest, at or path, **{"key": path, "stem": stem, **look}))
        return event

    def load(self, path, digest, inode=0, skip=None):
        number = next(_numbers)
        facts = FileFacts(1, inode, 10, number, number)
        event = Loaded(
            f"e-{number}", float(number), "PyTorch", "torch:load", "file", path, facts, 10, skip=skip
        )
        self.writer.loaded(self.id, event, Look(digest, path, stem="w"))
        return event

    def moved(self, event, path):
        stem = os.path.splitext(os.path.basename(path))[0]
        self.writer.moved([(event.id, Look(path=path, key=path, stem=stem), False)])

    @property
    def record(self):
        return self.store.task(self.id)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request, tmp_path):
    """The URL of a store that isn't there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/er/autolog.db"
    return request.getfixturevalue("postgres").url


@pytest.fixture
def store(url):
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def task(store):
    """Makes a task: `task(name)`."""

    def make(name="train", task_id=None):
        return Run(store, name, task_id)

    return make
