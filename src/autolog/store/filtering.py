"""What the table of models is filtered and sorted by, as SQL that every database takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    String,
    and_,
    any_,
    cast,
    false,
    func,
    literal,
    or_,
    select,
)

from autolog.errors import BadValue

from .schema import described, models, tagged, tasks
from .selecting import Selection, condition_of, contains, measure_of, value_of

__all__ = ["FACETS", "TABLE_FIELDS", "Filters", "Order", "SortKey", "among", "filtered", "sort_keys"]

#: Fields of the table that have a value set to filter by.
FACETS = ("framework", "status", "project", "user", "task")

#: `(field, descending)`, the first one counts most.
Order = Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which models a table shows: those that meet all of it.

    `text` is looked for in name, id and description. `ids` are the only ones that count, if it is given. Of a
    facet (see FACETS) one of the values has to fit; a task is named by its id, and the empty value stands
    for none. `updated` and the ranges of `measures` are `(lowest, highest)`, either may be None, both are
    included; their keys are `metric.<name>` (the value with the highest iteration), `min.<name>` and
    `max.<name>`. `metadata` has keys, each with the values that fit. `where` is a condition as in
    `autolog models --where`.
    """

    text: str = ""
    ids: tuple[str, ...] | None = None
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_not: tuple[str, ...] = ()
    updated: tuple[float | None, float | None] = (None, None)
    measures: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    metadata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    where: str = ""
    archived: bool = False


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an order. What isn't there (`nullable`) comes last, whichever way round it goes."""

    value: Any
    is_down: bool
    nullable: bool
    is_text: bool

    def clause(self, label: Any, *, backwards: bool) -> Any:
        """What stands in ORDER BY for the value, which is selected under this label: worked out once."""
        ordered = label.desc() if self.is_down != backwards else label.asc()
        if not self.nullable:
            return ordered
        return ordered.nulls_first() if backwards else ordered.nulls_last()

    def equals(self, value: Any) -> Any:
        """It is this very value."""
        return self.value.is_(None) if value is None else self.value == value

    def beyond(self, value: Any, *, backwards: bool) -> Any:
        """It comes after this value, or before it to go `backwards`; None if nothing does."""
        if value is None:
            return self.value.is_not(None) if backwards else None
        further = self.value < value if self.is_down != backwards else self.value > value
        return or_(further, self.value.is_(None)) if self.nullable and not backwards else further


#: Field -> whether it is text, and whether it may be missing.
TABLE_FIELDS: Mapping[str, tuple[bool, bool]] = {
    "id": (True, False),
    "name": (True, False),
    "framework": (True, False),
    "project": (True, False),
    "status": (True, False),
    "description": (True, False),
    "tags": (True, True),
    "user": (True, True),
    "task": (True, True),
    "created": (False, False),
    "updated": (False, False),
    "versions": (False, False),
    "size": (False, True),
    "digest": (True, True),
    "iteration": (False, True),
    "parameters": (False, True),
}


def sort_keys(order: Order) -> list[SortKey]:
    """The columns that an order goes by, the id last. Raises BadValue for a field that isn't there."""
    found: list[SortKey] = []
    for name, is_down in order:
        kind, _, rest = name.partition(".")
        if kind == "meta" and rest:
            own = (described.c.model_id == models.c.id, described.c.key == rest)
            number, text = (
                select(each).where(*own).scalar_subquery() for each in (described.c.number, described.c.text)
            )
            found += [SortKey(number, is_down, True, False), SortKey(text, is_down, True, True)]
        elif kind in ("metric", "min", "max") and rest:
            found.append(SortKey(measure_of(kind, rest), is_down, True, False))
        elif name in TABLE_FIELDS:
            is_text, nullable = TABLE_FIELDS[name]
            found.append(SortKey(_field(name), is_down, nullable, is_text))
        else:
            raise BadValue(f"{name!r} is no column to sort by")
    # In the direction of the last, so that an index serves both.
    found.append(SortKey(models.c.id, found[-1].is_down if found else False, False, True))
    return found


def _field(name: str) -> Any:
    if name in ("name", "framework", "project"):
        return func.lower(models.c[name])
    if name in ("user", "task"):
        wanted = tasks.c.user if name == "user" else func.lower(tasks.c.name)
        return select(wanted).where(tasks.c.id == models.c.task_id).scalar_subquery()
    if name == "tags":
        return select(func.min(tagged.c.tag)).where(tagged.c.model_id == models.c.id).scalar_subquery()
    return value_of("comment" if name == "description" else name)


def filtered(connection: Connection, filters: Filters, *, without: str = "") -> ColumnElement[bool]:
    """The condition on `models`, all of it or `without` one facet. Raises WhereError."""
    parts = [condition_of(Selection(where=filters.where or None, archived=filters.archived))]
    if filters.ids is not None:
        parts.append(among(connection, filters.ids))
    if filters.text:
        # SQLite's LIKE takes upper and lower case alike by itself, and lower() would double its time.
        is_folded = connection.dialect.name == "sqlite"
        columns = [models.c[each] for each in ("name", "comment", "id")]
        parts.append(or_(*(contains(each, filters.text, is_folded=is_folded) for each in columns)))
    for name, values in filters.facets.items():
        if name != without and values:
            parts.append(_facet(name, values))
    if without != "tag":
        parts += _tags(filters)
    low, high = filters.updated
    parts += [] if low is None else [models.c.updated >= low]
    parts += [] if high is None else [models.c.updated <= high]
    for key, (least, most) in filters.measures.items():
        kind, _, name = key.partition(".")
        value = measure_of(kind, name)
        parts += [] if least is None else [func.coalesce(value >= least, false())]
        parts += [] if most is None else [func.coalesce(value <= most, false())]
    for key, values in filters.metadata.items():
        if without != f"meta.{key}" and values:
            parts.append(_described(key, values))
    return and_(*parts)


def among(connection: Connection, ids: Sequence[str]) -> ColumnElement[bool]:
    """The model is one of these, however many there are."""
    if connection.dialect.name == "postgresql":
        return models.c.id == any_(cast(literal(list(ids), ARRAY(String)), ARRAY(String)))
    listed = func.json_each(json.dumps(list(ids))).table_valued("value")
    return models.c.id.in_(select(listed.c.value))


def _facet(name: str, values: Sequence[str]) -> ColumnElement[bool]:
    if name == "user":
        wanted = select(tasks.c.id).where(tasks.c.user.in_(values))
        inside: ColumnElement[bool] = models.c.task_id.in_(wanted)
    elif name == "task":
        inside = models.c.task_id.in_([each for each in values if each])
    else:
        return models.c[name].in_(values)
    return or_(inside, models.c.task_id.is_(None)) if "" in values else inside


def _tags(filters: Filters) -> list[ColumnElement[bool]]:
    def having(*tags: str) -> Any:
        return select(tagged.c.model_id).where(tagged.c.tag.in_(tags))

    found: list[ColumnElement[bool]] = []
    if filters.tags_any:
        found.append(models.c.id.in_(having(*filters.tags_any)))
    found += [models.c.id.in_(having(tag)) for tag in filters.tags_all]
    if filters.tags_not:
        found.append(models.c.id.not_in(having(*filters.tags_not)))
    return found


def _described(key: str, values: Sequence[str]) -> ColumnElement[bool]:
    """A value of metadata is one of these, as it is written in an address: `3`, `true`, `adam`."""
    fits: list[ColumnElement[bool]] = [described.c.text.in_(values)]
    for each in values:
        if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", each):
            fits.append(and_(described.c.kind == "number", described.c.number == float(each)))
        if each in ("true", "false"):
            fits.append(and_(described.c.kind == "truth", described.c.number == float(each == "true")))
    own = select(described.c.model_id).where(described.c.key == key, or_(*fits))
    return models.c.id.in_(own)
