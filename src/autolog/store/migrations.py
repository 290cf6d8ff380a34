"""The store's schema changes, in order; each runs once, in one transaction with its own mark.

Forward only: a store written by a newer version is refused. Safe when many processes start at once:
the transaction begins by taking the database's write lock, and looks again at what is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, inspect, select, text

from autolog.errors import StoreError

from . import schema

__all__ = ["NEWEST", "migrate"]

_marks = Table("migrations", MetaData(), Column("number", Integer, primary_key=True))


def _create(connection: Connection) -> None:
    # All that is there today; later steps find their work done in a store that is made anew.
    schema.metadata.create_all(connection)


def _add_parts(connection: Connection) -> None:
    schema.parts.create(connection, checkfirst=True)


def _add_kept_bytes(connection: Connection) -> None:
    # the order in which they refer to each other
    for table in (
        schema.identity,
        schema.places,
        schema.packs,
        schema.chunks,
        schema.recipes,
        schema.uses,
        schema.kept,
    ):
        table.create(connection, checkfirst=True)
    if connection.execute(select(schema.identity.c.id)).first() is None:
        connection.execute(insert(schema.identity).values(id=os.urandom(16).hex()))
    there = {column["name"] for column in inspect(connection).get_columns("snapshots")}
    for name, kind in (
        ("keeping", "VARCHAR(8) NOT NULL DEFAULT ''"),
        ("keeping_reason", "TEXT NOT NULL DEFAULT ''"),
        ("stored", "BIGINT"),
    ):
        if name not in there:
            connection.execute(text(f"ALTER TABLE snapshots ADD COLUMN {name} {kind}"))


#: Number n of this list, counted from 1, brings a store from version n - 1 to n.
_STEPS: tuple[Callable[[Connection], None], ...] = (_create, _add_parts, _add_kept_bytes)

NEWEST = len(_STEPS)


def migrate(connection: Connection, name: str) -> None:
    """Bring a store up to date; `connection` has a transaction open that holds the write lock.

    Raises StoreError if the store was written by a newer version.
    """
    version = _version(connection)
    if version > NEWEST:
        raise StoreError(
            f"the store {name} was written by a newer autolog (schema {version}, this one knows {NEWEST});"
            " upgrade with: pip install -U autolog-models"
        )
    if version == NEWEST:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7020394)"))
        version = _version(connection)
    if version == 0:
        _marks.create(connection, checkfirst=True)
    for number, step in enumerate(_STEPS[version:], version + 1):
        step(connection)
        connection.execute(insert(_marks).values(number=number))


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table("migrations"):
        return 0
    return max(connection.execute(select(_marks.c.number)).scalars(), default=0)
