"""Moving a store to another database: every row of every table, with its id."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Table, func, insert, literal, select, text

from autolog.errors import StoreError

from .database import Store
from .failures import in_our_words
from .schema import metadata

__all__ = ["copy_store"]

#: Rows at a time; one row may list thousands of tensors.
_ROWS = 200


def copy_store(source: Store, target: Store) -> dict[str, int]:
    """Copy everything in `source` into `target`, as it is at one moment; how many rows, by table.

    `target` gets all of it or, if anything fails, nothing. Raises StoreError where `target` isn't empty,
    or has not as many rows afterwards as it should.
    """
    # Those that others refer to come first; whatever tables there are, they come along.
    # A copy is a store of its own: what it keeps at a place that both use is its own, too. Measures follow
    # from metrics by themselves.
    tables = [each for each in metadata.sorted_tables if each.name not in ("identity", "measures")]
    copied: dict[str, int] = {}
    with source._reading() as reading, target._writing() as writing:
        _claim(writing, tables)
        filled = [table.name for table in tables if _has_rows(writing, table)]
        if filled:
            raise StoreError(
                f"the store {target.name} isn't empty (there are {', '.join(filled)}); copy into a new one"
            )
        for table in tables:
            copied[table.name] = 0
            with closing(_batches(source, reading, table)) as batches:
                for rows in batches:
                    writing.execute(insert(table), rows)
                    copied[table.name] += len(rows)
        _count_on(writing, tables)
        for table in tables:
            with in_our_words(source._engine.url, source.name):
                expected = _count(reading, table)
            found = _count(writing, table)
            if not copied[table.name] == expected == found:
                name = table.name
                raise StoreError(
                    f"only {found} of {expected} rows of {name} came to {target.name}; none was kept there"
                )
    return copied


def _claim(connection: Connection, tables: list[Table]) -> None:
    """Nobody else writes there until we are done."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in tables)
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
    else:
        # The whole file is locked already. A row may refer to a later one of its own table.
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))


def _has_rows(connection: Connection, table: Table) -> bool:
    return connection.execute(select(literal(1)).select_from(table).limit(1)).first() is not None


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _batches(source: Store, connection: Connection, table: Table) -> Generator[list[dict[str, Any]]]:
    with in_our_words(source._engine.url, source.name):
        query = select(table).order_by(*table.primary_key)
        with connection.execute(query, execution_options={"yield_per": _ROWS}) as result:
            for rows in result.mappings().partitions():
                yield [dict(row) for row in rows]


def _count_on(connection: Connection, tables: list[Table]) -> None:
    """The next row gets the next number: PostgreSQL doesn't look at numbers that were given to it."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        column = table.autoincrement_column
        if column is not None and _has_rows(connection, table):
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            newest = select(func.max(column)).scalar_subquery()
            connection.execute(select(func.setval(sequence, newest)))
