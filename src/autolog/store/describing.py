"""Tags and metadata of a model, row by row, as queries look for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select

from .schema import described, tagged
from .types import clean

__all__ = ["describe", "kind_of"]


def describe(connection: Connection, model_id: str, tags: Iterable[str], metadata: Mapping[str, Any]) -> None:
    """Put what `models.tags` and `models.metadata` say into the tables that are searched.

    Only rows that change are written: a trigger follows each.
    """
    wanted = {(clean(tag),) for tag in tags}
    _change(connection, tagged, model_id, wanted)
    rows = {clean(key): kind_of(value) for key, value in metadata.items()}
    _change(connection, described, model_id, {(key, *found) for key, found in rows.items()})


def _change(connection: Connection, table: Table, model_id: str, wanted: set[tuple[Any, ...]]) -> None:
    """Have these rows of a model in a table, and no others: the values of the columns after its id."""
    of_model, key, *more = table.c
    query = select(key, *more).where(of_model == model_id)
    there = {tuple(row) for row in connection.execute(query)}
    if gone := there - wanted:
        keys = [{"gone": row[0]} for row in sorted(gone, key=_first)]
        connection.execute(delete(table).where(of_model == model_id, key == bindparam("gone")), keys)
    if new := wanted - there:
        names = [of_model.name, key.name, *(column.name for column in more)]
        rows = [dict(zip(names, (model_id, *row), strict=True)) for row in sorted(new, key=_first)]
        connection.execute(insert(table), rows)


def _first(row: tuple[Any, ...]) -> Any:
    return row[0]


def kind_of(value: Any) -> tuple[str, str | None, float | None]:
    """`(kind, text, number)` of a value of metadata; whole numbers beyond 53 bits are compared as rounded."""
    if value is None:
        return "none", None, None
    if isinstance(value, bool):
        return "truth", None, float(value)
    if isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            return "other", None, None
        # One that is none compares with nothing, and SQLite can't hold it.
        return ("other", None, None) if math.isnan(number) else ("number", None, number)
    if isinstance(value, str):
        return "text", value, None
    return "other", None, None
