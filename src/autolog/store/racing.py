"""What keeps many writers apart.

SQLite has one writer at a time, and needs nothing of this. On PostgreSQL transactions run side by side
and see what others have committed so far, so "look, then write" has to hold a lock by name from before
it looks; names are taken all at once and in one order, so that nobody waits in a circle. Every other
insert that somebody may have made already finds its row there and leaves it.
"""

from __future__ import annotations

import functools
import hashlib
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Table, text

from .failures import Clash

__all__ = ["insert_into", "insert_new", "lock", "put", "repeated"]

_PAUSES = (0.01, 0.03, 0.1, 0.3, 1.0)

_P = ParamSpec("_P")
_R = TypeVar("_R")
_S = TypeVar("_S")


def lock(connection: Connection, names: Iterable[str]) -> None:
    """Hold these names (`task:...`, `path:...`) until the transaction ends; call it once, and first."""
    if connection.dialect.name != "postgresql":
        return
    numbers = sorted({_number(name) for name in names})
    connection.execute(
        text("SELECT pg_advisory_xact_lock(n) FROM unnest(CAST(:numbers AS bigint[])) AS n"),
        {"numbers": numbers},
    )


def _number(name: str) -> int:
    digest = hashlib.blake2b(b"autolog:" + name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def insert_new(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with its key is there, or is just being written; whether it was new."""
    inserted = connection.execute(
        insert_into(connection, table).values(values).on_conflict_do_nothing(),
        execution_options={"preserve_rowcount": True},
    )
    return bool(inserted.rowcount > 0)


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, each in the place of the one that has its primary key."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert_into(connection, table)
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    statement = statement.on_conflict_do_update(index_elements=keys, set_=others)
    # In one order: two writers that have several rows in common would wait for each other otherwise.
    connection.execute(statement, sorted(rows, key=lambda row: [str(row[key]) for key in keys]))


def insert_into(connection: Connection, table: Table) -> Any:
    """An insert that knows what to do where a row with that key is there already."""
    # Imported here: nobody needs both.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def repeated(method: Callable[Concatenate[_S, _P], _R]) -> Callable[Concatenate[_S, _P], _R]:
    """A method that is one transaction, begun again a few times where it clashed with somebody's."""

    @functools.wraps(method)
    def again(self: _S, /, *arguments: _P.args, **named: _P.kwargs) -> _R:
        for pause in _PAUSES:
            try:
                return method(self, *arguments, **named)
            except Clash:
                # Long enough for the other one to wake and take what was just let go, or they clash again.
                time.sleep(pause * random.uniform(0.5, 1.0))
        return method(self, *arguments, **named)

    return again
