"""Opening a store: the connection, its settings, its schema, and its errors in our words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from autolog.config import mask
from autolog.errors import StoreError, StoreLocked, StoreMissing

from .migrations import migrate
from .queries import Queries

__all__ = ["Store"]

_LOCK_SECONDS = 30


class Store(Queries):
    """A store that is open. Threads may share it; every call is one transaction of its own."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        #: The store's URL, with any password masked.
        self.name = name

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> Store:
        """Open the store at an SQLAlchemy URL, bringing its schema up to date.

        Without `create` a missing SQLite file is not made. Raises StoreMissing, StoreLocked and
        StoreError, each saying what to do.
        """
        name = mask(url)
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise StoreError(
                f"{name!r} is not a store's URL; write sqlite:////path/to/file.db or"
                " postgresql+psycopg://user@host/database"
            ) from error
        if parsed.get_backend_name() == "sqlite":
            _prepare_file(parsed, create=create)
        try:
            engine = create_engine(parsed, json_serializer=_to_json)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise StoreError(f"no driver for the store {name}: {error}") from error
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        store = cls(engine, name)
        try:
            with store._writing() as connection:
                migrate(connection, name)
        except StoreError:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _in_our_words(self.name), self._engine.connect() as connection:
            connection = connection.execution_options(autolog_reads=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _in_our_words(self.name), self._engine.begin() as connection:
            yield connection


def _to_json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _prepare_file(url: URL, *, create: bool) -> None:
    path = url.database
    if not path or path == ":memory:":
        raise StoreError("a store needs a file: sqlite:////path/to/file.db")
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.exists(path):
        return
    if not create:
        raise StoreMissing(f"there is no store at {path} yet; run a script with autolog.init() first")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the store's folder {folder} can't be made ({error.strerror}); set AUTOLOG_HOME or AUTOLOG_STORE"
        ) from error


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # SQLAlchemy's own BEGIN handling is off (isolation_level None): _begin_sqlite says which kind.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_LOCK_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that will write takes the write lock at once: taking it half way can fail with
    # SQLITE_BUSY however long one is willing to wait.
    reads = connection.get_execution_options().get("autolog_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def _in_our_words(name: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        text = " ".join(str(error.orig).split())
        if "locked" in text:
            raise StoreLocked(f"the store {name} stayed locked for {_LOCK_SECONDS} s; try again") from error
        raise StoreError(f"the store {name} can't be used: {text}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"the store {name} can't be used: {' '.join(str(error).split())}") from error
