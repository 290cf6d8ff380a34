"""Opening a store: its schema is brought up to date, and every call is one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from autolog.config import mask
from autolog.errors import StoreError

from .connecting import READS, address, connect
from .failures import in_our_words
from .migrations import look, migrate
from .queries import Queries
from .racing import lock, repeated

__all__ = ["Store"]


class Store(Queries):
    """A store that is open. Threads may share it; every call is one transaction of its own."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        #: The store's URL, with any password masked.
        self.name = name
        #: How often something may have been written by this process.
        self.writes = 0
        #: Whether whatever would write is refused with a StoreError.
        self.is_read_only = False

    @classmethod
    def open(cls, url: str, *, create: bool = True, read_only: bool = False) -> Store:
        """Open the store at an SQLAlchemy URL, bringing its schema up to date.

        Without `create` a store that isn't there is not made. One that is `read_only` is neither made nor
        brought up to date. Raises StoreMissing, StoreLocked, StoreAway and StoreError, each saying what to
        do.
        """
        store = cls(connect(address(url), create=create and not read_only), mask(url))
        store.is_read_only = read_only
        try:
            if read_only:
                with store._reading() as connection:
                    look(connection, store.name)
            else:
                store._migrate(create)
        except StoreError:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @repeated
    def _migrate(self, create: bool) -> None:
        with self._writing() as connection:
            migrate(connection, self.name, create=create)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with in_our_words(self._engine.url, self.name), self._engine.connect() as connection:
            options: dict[str, Any] = {READS: True}
            if self._engine.dialect.name == "postgresql":
                # What several statements read belongs together, as it does with SQLite.
                options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            connection = connection.execution_options(**options)
            with connection.begin():
                yield connection

    @contextmanager
    def _writing(self, *names: str) -> Iterator[Connection]:
        """A transaction that writes, holding the locks of these names; see `racing`."""
        if self.is_read_only:
            raise StoreError(
                f"the store {self.name} was opened to be read only; open it without that to change it"
            )
        with in_our_words(self._engine.url, self.name), self._engine.begin() as connection:
            if names:
                lock(connection, names)
            yield connection
        self.writes += 1
