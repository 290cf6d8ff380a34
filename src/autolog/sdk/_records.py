"""The store that Python code works with: the run's own, or the one that the configuration names."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from typing import TYPE_CHECKING

from autolog import _guard, config
from autolog.events import Started

from . import run as running

if TYPE_CHECKING:
    from autolog.keeping import Cache
    from autolog.store import Kept, ModelRecord, Store

__all__ = ["Records", "records", "records_of"]

#: How long a read waits for what this process has saved, and for what others have left in the spool.
_PATIENCE_SECONDS, _LEFT_SECONDS = 60.0, 5.0
_AGAIN_SECONDS = 1.0


class Records:
    """A store, the bytes that it knows of, and the settings in force; opened when somebody asks."""

    def __init__(self, settings: config.Settings) -> None:
        self.settings = settings
        #: When the spool was looked into last, and how many runs of this process were over by then.
        self._looked = (0.0, 0)

    @property
    def home(self) -> str:
        """The folder of everything local."""
        return self.settings.home

    @property
    def store(self) -> Store:
        """The open store, one for each process. Raises StoreError."""
        pid, store = _stores.get(self.settings.store, (0, None))
        if store is None or pid != os.getpid():
            from autolog.store import Store

            store = Store.open(self.settings.store)
            _stores[self.settings.store] = (os.getpid(), store)
        return store

    @property
    def kept(self) -> Kept:
        """The records of kept bytes. Raises StoreError."""
        from autolog.store import Kept

        return Kept(self.store)

    @property
    def cache(self) -> Cache:
        """Where copies lie on this machine."""
        from autolog.keeping import Cache

        settings = self.settings
        return Cache(settings.cache_dir, settings.cache_max_bytes, settings.cache_min_free_bytes)

    def settle(self, seconds: float = _PATIENCE_SECONDS) -> bool:
        """Wait until what this process has saved and loaded is recorded; False if that takes longer."""
        run = running.current()
        if run is None or running.endings() != self._looked[1]:
            self._bring_in()
        return run is None or run.settings.store != self.settings.store or run.settle(seconds)

    def head(self, model_id: str) -> ModelRecord:
        """A model as it is now, without its versions. Raises NotFound and StoreError."""
        self.settle()
        return self.store.head(model_id)

    def model(self, model_id: str, *, tensors: bool = False) -> ModelRecord:
        """A model as it is now, with its versions. Raises NotFound and StoreError."""
        self.settle()
        return self.store.model(model_id, tensors=tensors)

    def enter(self, started: Started) -> None:
        """See that a task that has begun is in the store, whether or not its agent has got so far."""
        from autolog.store import Writer

        Writer(self.store).started(started, time.time())

    def _bring_in(self) -> None:
        """What runs that are over have left in the spool, and what others are at; once in a second."""
        when, count = self._looked
        is_new = count == running.endings() and time.monotonic() - when < _AGAIN_SECONDS
        if is_new or not os.path.isdir(self.settings.spool):
            return
        from autolog.agent import settle

        with _guard.guard("bring in what the spool holds", quiet=True):
            settle(self.settings, _LEFT_SECONDS)
        self._looked = (time.monotonic(), running.endings())


_opened: list[Records] = []
#: Open stores by their URLs, and the processes that opened them: a sweep of hundreds of runs opens one.
_stores: dict[str, tuple[int, Store]] = {}
_nothing: list[Records] = []


def records(store: str | None = None, home: str | os.PathLike[str] | None = None) -> Records:
    """The records of a store: the given one, else the run's, else the configured one.

    Raises ConfigurationProblem.
    """
    run = running.current()
    if store is None and home is None and run is not None:
        settings = run.settings
    else:
        settings = config.load(store=store, home=home)
    return records_of(settings)


def records_of(settings: config.Settings) -> Records:
    """The records that these settings are about, all but the names: a run's have what its call said, too."""
    if not settings.enabled:
        return nothing()
    for each in _opened:
        if running.but_names(each.settings) == running.but_names(settings):
            return each
    _opened.append(Records(settings))
    return _opened[-1]


def nothing() -> Records:
    """The records of what is switched off: a store of its own that goes away with the process.

    So a script that makes models on purpose does the same with `AUTOLOG_DISABLED=1`, and leaves nothing.
    """
    if not _nothing:
        home = tempfile.mkdtemp(prefix="autolog-off-")
        atexit.register(_clear, home, os.getpid())
        database = "sqlite:///" + os.path.join(home, "autolog.db")
        settings = config.Settings(home=home, store=database, enabled=False)
        _nothing.append(Records(settings))
        _nothing[0].enter(Started("", time.time(), "off", "off", ""))
    return _nothing[0]


def _clear(home: str, pid: int) -> None:
    if pid == os.getpid():
        shutil.rmtree(home, ignore_errors=True)
