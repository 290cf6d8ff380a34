"""The rows of a page of models, in order: cut by the values of its first or last row, never by an offset.

What isn't there comes last. No index has it there in both directions, so an order by something that may be
missing is several questions, one behind the other: those that have it, then those that haven't.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
        here = _leading(keys, missing)
        labels = {n: key.value.label(f"k{n}") for n, key in here.items()}
        columns = (labels.get(n, null().label(f"k{n}")) for n in range(len(keys)))
        query = select(models.c.id, *columns).where(condition, *keys[missing].present())
        # One that is there instead of another says itself that the other one isn't.
        absent = missing - keys[missing].is_instead
        query = query.where(*(key.value.is_(None) for key in keys[:absent]))
        if values is not None and _missing(values) == missing:
            query = query.where(beyond([*here.values()], [values[n] for n in here], backwards))
        clauses = [key.clause(labels[n], backwards=backwards) for n, key in here.items()]
        query = query.order_by(*clauses).limit(limit - len(found))
        found += connection.execute(query).all()
        if len(found) == limit:
            break
    return found


def _leading(keys: Sequence[SortKey], missing: int) -> dict[int, SortKey]:
    """The keys that rows are ordered by which have no value for the first ones, and one for the next."""
    # To say where it would stand if it were missing would hide the index.
    here = {missing: keys[missing].leading()}
    here |= {
        n: key for n, key in enumerate(keys) if n > missing and not (n == missing + 1 and key.is_instead)
    }
    source = keys[missing].source
    if source is not None:
        # The id as its index has it: many models may have the same value.
        here[len(keys) - 1] = replace(keys[-1], value=source.table.c.model_id)
    return here


def _segments(keys: Sequence[SortKey], values: Sequence[Any] | None, *, backwards: bool) -> Iterator[int]:
    """How many of the first keys have no value, for each part that is still to be gone through."""
    last = next(n for n, key in enumerate(keys) if not key.nullable)
    at = None if values is None else _missing(values)
    if backwards:
        return iter(range(last if at is None else at, -1, -1))
    return iter(range(at or 0, last + 1))


def _missing(values: Sequence[Any]) -> int:
    return next(n for n, value in enumerate(values) if value is not None)
