"""The rows of a page of models, in order: cut by the values of its first or last row, never by an offset.

What isn't there comes last. No index has it there in both directions, so an order by something that may be
missing is several questions, one behind the other: those that have it, then those that haven't.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, null, select

from .filtering import SortKey
from .marks import beyond
from .schema import models

__all__ = ["rows_of"]


def rows_of(
    connection: Connection,
    condition: Any,
    keys: Sequence[SortKey],
    values: Sequence[Any] | None,
    *,
    backwards: bool,
    limit: int,
) -> list[Any]:
    """At most `limit` rows of an id and the values of `keys`, those next to a row with these `values`."""
    found: list[Any] = []
    for missing in _segments(keys, values, backwards=backwards):
        # There is nothing missing in the first one now, and to say where it would stand would hide its index.
        here = [keys[missing].leading(), *keys[missing + 1 :]]
        labels = [key.value.label(f"k{missing + n}") for n, key in enumerate(here)]
        query = select(models.c.id, *(null().label(f"k{n}") for n in range(missing)), *labels)
        query = query.where(condition, *(key.value.is_(None) for key in keys[:missing]))
        query = query.where(*keys[missing].present())
        if values is not None and _missing(values) == missing:
            query = query.where(beyond(here, values[missing:], backwards))
        clauses = [key.clause(label, backwards=backwards) for key, label in zip(here, labels, strict=True)]
        query = query.order_by(*clauses).limit(limit - len(found))
        found += connection.execute(query).all()
        if len(found) == limit:
            break
    return found


def _segments(keys: Sequence[SortKey], values: Sequence[Any] | None, *, backwards: bool) -> Iterator[int]:
    """How many of the first keys have no value, for each part that is still to be gone through."""
    last = next(n for n, key in enumerate(keys) if not key.nullable)
    at = None if values is None else _missing(values)
    if backwards:
        return iter(range(last if at is None else at, -1, -1))
    return iter(range(at or 0, last + 1))


def _missing(values: Sequence[Any]) -> int:
    return next(n for n, value in enumerate(values) if value is not None)
