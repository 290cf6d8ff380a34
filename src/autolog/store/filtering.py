"""What the table of models is filtered and sorted by, as SQL that every database takes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    any_,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy import BigInteger as _BigInteger
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from autolog.errors import BadValue

from .indexes import folded
from .schema import described, measures, models, tagged
from .selecting import MEASURES, Selection, condition_of, contains, measure_of

__all__ = [
    "FACETS",
    "RANGES",
    "TABLE_FIELDS",
    "Filters",
    "Order",
    "SortKey",
    "among",
    "filtered",
    "matches",
    "sort_keys",
]

#: Fields of the table that have a value set to filter by.
FACETS = ("framework", "status", "project", "user", "task")
#: Whole numbers of a model and of its newest version that have ranges to filter by; size is in bytes.
RANGES = ("versions", "size", "iteration", "parameters")

#: About the largest number that a database has.
_FURTHEST = 9e18
#: As many models are soon found in whatever order they are looked for.
_MANY = 5_000

#: `(field, descending)`, the first one counts most.
Order = Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which models a table shows: those that meet all of it.

    `text` is looked for in name, id and description. `ids` are the only ones that count, if it is given; they
    may be more in truth where it `is_cut`. Of a facet (see FACETS) one of the values has to fit; a task is
    named by its id, and the empty value stands for none. `updated` and the ranges of `numbers` (see RANGES)
    and `measures` are `(lowest, highest)`, either may be None, both are included; keys of `measures` are
    `metric.<name>` (the value with the highest iteration), `min.<name>` and `max.<name>`. `metadata` has
    keys, each with the values that fit. `where` is a condition as in `autolog models --where`.
    """

    text: str = ""
    ids: tuple[str, ...] | None = None
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_not: tuple[str, ...] = ()
    updated: tuple[float | None, float | None] = (None, None)
    numbers: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    measures: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    metadata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    where: str = ""
    archived: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A table of values of models, and which rows of it are meant; it has an index of this column."""

    table: Any
    column: Any
    conditions: tuple[Any, ...]

    def of_model(self) -> Any:
        """The value that a model has there."""
        own = (self.table.c.model_id == models.c.id, *self.conditions)
        return select(self.column).where(*own).correlate(models).scalar_subquery()


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an order. What isn't there (`nullable`) comes last, whichever way round it goes.

    One that `is_instead` is there only where the one before isn't.
    """

    value: Any
    is_down: bool
    nullable: bool
    is_text: bool
    source: Source | None = None
    is_instead: bool = False

    def leading(self) -> SortKey:
        """The same where it comes first, for models that have it: through the table that it stands in."""
        return replace(self, value=self.value if self.source is None else self.source.column, nullable=False)

    def present(self) -> list[Any]:
        """What has to be met for that."""
        if self.source is None:
            return [self.value.is_not(None)] if self.nullable else []
        source = self.source
        return [source.table.c.model_id == models.c.id, source.column.is_not(None), *source.conditions]

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


_FOLDED = ("name", "framework", "project", "description", "tags", "user", "task")
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


def sort_keys(filters: Filters, order: Order) -> list[SortKey]:
    """The columns that an order goes by, the id last. Raises BadValue for a field that isn't there."""
    found: list[SortKey] = []
    for name, is_down in order:
        kind, _, rest = name.partition(".")
        if kind == "meta" and rest:
            own = (described.c.key == rest,)
            for column, is_text in ((described.c.number, False), (folded(described.c.text), True)):
                source = Source(described, column, own)
                found.append(SortKey(source.of_model(), is_down, True, is_text, source, is_instead=is_text))
        elif kind in MEASURES and rest:
            source = Source(measures, MEASURES[kind], _measured(kind, rest, filters.measures.get(name)))
            found.append(SortKey(measure_of(kind, rest), is_down, True, False, source))
        elif name in TABLE_FIELDS:
            is_text, nullable = TABLE_FIELDS[name]
            found.append(SortKey(_field(name), is_down, nullable, is_text))
        else:
            raise BadValue(f"{name!r} is no column to sort by")
    # In the direction of the last, so that an index serves both.
    found.append(SortKey(models.c.id, found[-1].is_down if found else False, False, True))
    return found


def _field(name: str) -> Any:
    column = models.c[{"description": "comment", "task": "task_name", "tags": "first_tag"}.get(name, name)]
    return folded(column) if name in _FOLDED else column


def _measured(
    kind: str, name: str, ends: tuple[float | None, float | None] | None = None
) -> tuple[ColumnElement[bool], ...]:
    """The rows of `measures` of a metric, with a value between these ends."""
    least, most = ends or (None, None)
    value = MEASURES[kind]
    found = [measures.c.name == name]
    found += [] if least is None else [value >= least]
    found += [] if most is None else [value <= most]
    return tuple(found)


def filtered(connection: Connection, filters: Filters, *, in_order_of: str = "") -> ColumnElement[bool]:
    """The condition on `models`, for rows that are read in the order of a field if one is named.

    Raises WhereError.
    """
    parts = [condition_of(Selection(where=filters.where or None, archived=filters.archived))]
    if filters.ids is not None:
        parts.append(among(connection, filters.ids))
    if filters.text:
        # SQLite's LIKE takes upper and lower case alike by itself, and lower() would double its time.
        is_folded = connection.dialect.name == "sqlite"
        columns = [models.c[each] for each in ("name", "comment", "id")]
        parts.append(or_(*(contains(each, filters.text, is_folded=is_folded) for each in columns)))
    for name, values in filters.facets.items():
        if values:
            parts.append(_facet(name, values))
    low, high = filters.updated
    parts += [] if low is None else [models.c.updated >= low]
    parts += [] if high is None else [models.c.updated <= high]
    for name, ends in filters.numbers.items():
        column: Any = models.c[name]
        if in_order_of not in ("", name) and _have_many(connection, filters.archived, column, ends):
            # Else SQLite would read all these and sort them, for the sake of the index that has them.
            column = UnaryExpression(column, operator=custom_op("+"))
        parts += _between(column, ends)
    parts += [models.c.id.in_(each.ids()) for each in _having(filters)]
    if filters.tags_not:
        parts.append(models.c.id.not_in(_tagged(*filters.tags_not).ids()))
    return and_(*parts)


def matches(connection: Connection, filters: Filters) -> Select[Any]:
    """The ids of the models that meet it all, in no order. Raises WhereError."""
    having = _having(filters)
    others = replace(filters, tags_any=(), tags_all=(), tags_not=(), measures={}, metadata={})
    if not having or others != Filters(archived=filters.archived):
        lean, apart = _apart(connection, filters)
        return select(models.c.id).where(filtered(connection, lean), *apart)
    # Looked for where the fewest have to be looked at: most models aren't in the archive.
    first, *more = having
    ids = first.table.c.model_id
    query = select(ids).distinct().where(*first.conditions, *(ids.in_(each.ids()) for each in more))
    if filters.tags_not:
        query = query.where(ids.not_in(_tagged(*filters.tags_not).ids()))
    archive = select(models.c.id).where(models.c.archived.is_(True))
    return query.where(ids.in_(archive) if filters.archived else ids.not_in(archive))


def _apart(connection: Connection, filters: Filters) -> tuple[Filters, list[ColumnElement[bool]]]:
    """The filters with one range of numbers, and conditions for the others.

    SQLite reads the rows of all models that an index has in one range to see whether they are in another;
    each range by itself it reads in its index alone.
    """
    ranges = [(name, ends) for name, ends in filters.numbers.items() if ends != (None, None)]
    if connection.dialect.name != "sqlite" or len(ranges) < 2:
        return filters, []
    apart: list[ColumnElement[bool]] = []
    for name, ends in ranges[1:]:
        other = models.alias(f"by_{name}")
        row_ids: Select[Any] = select(literal_column(f"{other.name}.rowid")).select_from(other)
        inside = row_ids.where(other.c.archived.is_(filters.archived), *_between(other.c[name], ends))
        apart.append(literal_column(f"{models.name}.rowid").in_(inside))
    return replace(filters, numbers=dict(ranges[:1])), apart


def among(connection: Connection, ids: Sequence[str]) -> ColumnElement[bool]:
    """The model is one of these, however many there are."""
    if connection.dialect.name == "postgresql":
        return models.c.id == any_(cast(literal(list(ids), ARRAY(String)), ARRAY(String)))
    listed = func.json_each(json.dumps(list(ids))).table_valued("value")
    return models.c.id.in_(select(listed.c.value))


def _between(column: Any, ends: tuple[float | None, float | None]) -> Iterator[ColumnElement[bool]]:
    """A whole number between these ends, which need not be whole, and may be beyond all that are there."""
    low, high = ends
    if low is not None:
        yield column >= literal(_whole(math.ceil, low), _BigInteger())
    if high is not None:
        yield column <= literal(_whole(math.floor, high), _BigInteger())


def _have_many(
    connection: Connection, is_archived: bool, column: Any, ends: tuple[float | None, float | None]
) -> bool:
    """Whether many models have a number between these ends, which SQLite, without statistics, can't know."""
    if connection.dialect.name != "sqlite":
        return False
    own = select(models.c.id).where(models.c.archived.is_(is_archived), *_between(column, ends))
    some = own.limit(_MANY).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one() == _MANY


def _whole(rounded: Callable[[float], int], value: float) -> int:
    return rounded(min(max(value, -_FURTHEST), _FURTHEST))


def _facet(name: str, values: Sequence[str]) -> ColumnElement[bool]:
    if name not in ("user", "task"):
        return models.c[name].in_(values)
    column = models.c.user if name == "user" else models.c.task_id
    inside = column.in_([each for each in values if each])
    return or_(inside, func.coalesce(column, "") == "") if "" in values else inside


class _Having(NamedTuple):
    """Models that have a row in a table which meets this."""

    table: Any
    conditions: tuple[ColumnElement[bool], ...]

    def ids(self) -> Select[Any]:
        """The ids of these models."""
        return select(self.table.c.model_id).where(*self.conditions)


def _having(filters: Filters) -> list[_Having]:
    """The tags, metrics and metadata that models have to have."""
    found: list[_Having] = []
    found += [_tagged(tag) for tag in filters.tags_all]
    found += [_tagged(*filters.tags_any)] if filters.tags_any else []
    for key, ends in filters.measures.items():
        if ends != (None, None):
            kind, _, name = key.partition(".")
            found.append(_Having(measures, _measured(kind, name, ends)))
    for key, values in filters.metadata.items():
        if values:
            found.append(_Having(described, _described(key, values)))
    return found


def _tagged(*tags: str) -> _Having:
    return _Having(tagged, (tagged.c.tag.in_(tags),))


def _described(key: str, values: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """A value of metadata is one of these, as it is written in an address: `3`, `true`, `adam`."""
    fits: list[ColumnElement[bool]] = [and_(described.c.kind == "text", described.c.text.in_(values))]
    for each in values:
        if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", each):
            fits.append(and_(described.c.kind == "number", described.c.number == float(each)))
        if each in ("true", "false"):
            fits.append(and_(described.c.kind == "truth", described.c.number == float(each == "true")))
    return described.c.key == key, or_(*fits)
