"""Tags and metadata of a model, row by row, as queries look for them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from .rows import batches
from .schema import described, tagged
from .types import clean

__all__ = ["describe", "kind_of"]


def describe(connection: Connection, model_id: str, tags: Iterable[str], metadata: Mapping[str, Any]) -> None:
    """Put what `models.tags` and `models.metadata` say into the tables that are searched.

    Only what is another one is written: each row costs a trigger, and indexes.
    """
    own = select(tagged.c.tag).where(tagged.c.model_id == model_id)
    there = set(connection.execute(own).scalars())
    wanted = {clean(tag) for tag in tags}
    _take(connection, tagged.c.tag, model_id, there - wanted)
    if new := sorted(wanted - there):
        connection.execute(insert(tagged), [{"model_id": model_id, "tag": tag} for tag in new])
    query = select(described.c.key, described.c.kind, described.c.text, described.c.number)
    found = connection.execute(query.where(described.c.model_id == model_id))
    known = {key: (kind, text, number) for key, kind, text, number in found}
    rows = {clean(key): kind_of(value) for key, value in metadata.items()}
    _take(connection, described.c.key, model_id, {key for key in known if known[key] != rows.get(key)})
    if changed := [(key, *row) for key, row in rows.items() if known.get(key) != row]:
        names = ("key", "kind", "text", "number")
        connection.execute(
            insert(described),
            [{"model_id": model_id, **dict(zip(names, row, strict=True))} for row in changed],
        )


def _take(connection: Connection, column: Any, model_id: str, values: Collection[str]) -> None:
    for batch in batches(sorted(values)):
        own = (column.table.c.model_id == model_id, column.in_(batch))
        connection.execute(delete(column.table).where(*own))


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
