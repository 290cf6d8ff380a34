"""From a store's URL to an engine with the settings that each database needs."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from autolog.config import mask
from autolog.errors import StoreError, StoreMissing

from .failures import LOCK_SECONDS

__all__ = ["READS", "address", "connect"]

#: The execution option of a transaction that only reads.
READS = "autolog_reads"

#: What libpq is told unless the URL says otherwise, in seconds but for the last, which is milliseconds:
#: give up on a server that doesn't answer, and notice one that has gone without a word.
_LIBPQ = {
    "application_name": "autolog",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
#: A writer that stands still in the middle (a suspended machine) must not stop the whole team.
_IDLE_SECONDS = 60
#: Stands for the numbers that JSON has no word for: {"$float": "nan"}.
_FLOAT = "$float"
_FLOATS = {repr(number): number for number in (math.nan, math.inf, -math.inf)}


def address(url: str) -> URL:
    """The parsed URL of a store. Raises StoreError if it isn't one."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError as error:
        raise StoreError(
            f"{mask(url)!r} is not a store's URL; write sqlite:////path/to/file.db or"
            " postgresql+psycopg://user@host/database"
        ) from error
    # Without a driver SQLAlchemy would look for psycopg 2; "postgres" is what many hosts write.
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend not in ("sqlite", "postgresql"):
        raise StoreError(
            f"a store can't be in {backend} ({mask(url)}); write sqlite:////path/to/file.db or"
            " postgresql+psycopg://user@host/database"
        ) from NoSuchModuleError(backend)
    return parsed


def connect(url: URL, *, create: bool = True) -> Engine:
    """An engine for the store at this address; no connection is made yet.

    Raises StoreMissing for an SQLite file that isn't there and may not be made, StoreError.
    """
    is_file = url.get_backend_name() == "sqlite"
    if is_file:
        _prepare_file(url, create=create)
    try:
        engine = create_engine(
            url,
            json_serializer=_to_json,
            json_deserializer=_from_json,
            # A statement's values are nobody's business in an error.
            hide_parameters=True,
            **({} if is_file else _of_a_server(url)),
        )
    except (NoSuchModuleError, ImportError) as error:
        raise StoreError(_no_driver(url, error)) from error
    if is_file:
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _of_a_server(url: URL) -> dict[str, Any]:
    arguments: dict[str, Any] = {name: value for name, value in _LIBPQ.items() if name not in url.query}
    if url.get_driver_name() == "psycopg":
        # Statements prepared on the server break behind a pooler, and when a newer version changes a table.
        arguments["prepare_threshold"] = None
    return {
        # Said and not left to the server's settings: locks by name rely on seeing what was just committed.
        "isolation_level": "READ COMMITTED",
        # The server may have been restarted since the last save.
        "pool_pre_ping": True,
        # One connection for each agent is enough, and a server has not many.
        "pool_size": 1,
        "max_overflow": 9,
        "connect_args": arguments,
    }


def _no_driver(url: URL, error: Exception) -> str:
    name = mask(url.render_as_string(hide_password=True))
    if url.get_backend_name() == "postgresql" and url.get_driver_name() == "psycopg":
        return f'no driver for the store {name} ({error}); pip install "autolog-models[postgres]"'
    return f"no driver for the store {name}: {error}"


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
    connection.execute(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _use_wal(connection: Any) -> None:
    # To change the mode of a new file takes its lock without waiting for it, unlike everything else: of
    # several processes that open it at the same moment, one is refused now and then.
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that will write takes the write lock at once: taking it half way can fail with
    # SQLITE_BUSY however long one is willing to wait.
    reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _set_up_postgresql(connection: Any, _: Any) -> None:
    before, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET lock_timeout = '{LOCK_SECONDS}s';"
            f" SET idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'"
        )
    connection.autocommit = before


def _to_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    except ValueError:
        # PostgreSQL takes no NaN, and other readers of JSON don't either.
        return json.dumps(_spelled(value), ensure_ascii=True, separators=(",", ":"))


def _from_json(data: str | bytes) -> Any:
    text = data if isinstance(data, str) else data.decode("utf-8")  # psycopg gives bytes
    return json.loads(text, object_hook=_read_back) if f'"{_FLOAT}"' in text else json.loads(text)


def _spelled(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: float.__repr__(value)}
    if isinstance(value, dict):
        return {key: _spelled(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelled(each) for each in value]
    return value


def _read_back(value: dict[str, Any]) -> Any:
    return _FLOATS.get(value[_FLOAT], value) if value.keys() == {_FLOAT} else value
