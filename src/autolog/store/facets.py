"""The values that models can be filtered by, and how many models have each.

What is asked for is bounded by the database: a store may have as many values of a tag, a project or a key of
metadata as it has models.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, literal, or_, select

from .filtering import FACETS, Filters, filtered, matches
from .schema import described, models, tagged, tasks
from .selecting import contains

__all__ = ["COLUMN_FACETS", "Facet", "ValueSet", "names_in", "of_columns", "values_of"]

#: Values of a set that are listed, those with the most models first; for the others one has to look.
_VALUES = 100
#: Groups of several columns together; where there are more, each column is asked for alone.
_GROUPS = 20_000
#: Names of metrics and of metadata that are looked through.
_NAMES = 10_000
#: The facets that are columns of `models`. With tasks there would be as many groups as models.
COLUMN_FACETS = tuple(name for name in FACETS if name != "task")
#: Values and how many models have them.
Rows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Facet:
    """One value that models have, and how many of them."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class ValueSet:
    """The values of a facet, those that most models have first; more have others unless it `is_all`."""

    values: tuple[Facet, ...]
    is_all: bool


def of_columns(connection: Connection, filters: Filters) -> dict[str, ValueSet]:
    """The values of COLUMN_FACETS, each of the models that meet the other filters."""
    chosen = {name: frozenset(filters.facets.get(name, ())) for name in COLUMN_FACETS}
    others = {name: values for name, values in filters.facets.items() if name not in COLUMN_FACETS}
    # All that may be asked for is gone through once: which of it counts is another thing for each column.
    groups = _Asked(connection, replace(filters, facets=others)).groups()
    if len(groups) > _GROUPS:
        return {name: values_of(connection, filters, name) for name in COLUMN_FACETS}
    counts: dict[str, Counter[str]] = {name: Counter() for name in COLUMN_FACETS}
    for *found, n in groups:
        values = {name: value or "" for name, value in zip(COLUMN_FACETS, found, strict=True)}
        unmet = [name for name in COLUMN_FACETS if chosen[name] and values[name] not in chosen[name]]
        for name in COLUMN_FACETS if not unmet else unmet if len(unmet) == 1 else ():
            counts[name][values[name]] += n
    return {name: _most(each.items()) for name, each in counts.items()}


def values_of(connection: Connection, filters: Filters, name: str, find: str = "") -> ValueSet:
    """The values of one facet, of `tag` or of `meta.<key>` with this text in them, as `of_columns`."""
    asked = _Asked(connection, filters).without(name)
    if name in COLUMN_FACETS:
        return asked.of_column(name, find)
    if name == "task":
        return asked.of_tasks(find)
    if name == "tag":
        return asked.of_tags(find)
    return asked.of_metadata(name.removeprefix("meta."), find)


class _Asked:
    """Counts of values among the models that meet filters."""

    def __init__(self, connection: Connection, filters: Filters) -> None:
        self._connection = connection
        self._filters = filters
        self._is_all = filters == Filters(archived=filters.archived)
        self._is_folded = connection.dialect.name == "sqlite"
        self._condition = filtered(connection, filters)
        if filters != Filters(facets=filters.facets, archived=filters.archived):
            # Who they are is found out first, in the index that has it, then what they are in another one.
            hits = matches(connection, filters)
            self._condition = and_(models.c.archived.is_(filters.archived), models.c.id.in_(hits))

    def without(self, name: str) -> _Asked:
        """The same but for one filter."""
        filters = _without(self._filters, name)
        return self if filters == self._filters else _Asked(self._connection, filters)

    def groups(self) -> Rows:
        """The values of COLUMN_FACETS together, and how many models have them; not all of too many."""
        columns = [models.c[name] for name in COLUMN_FACETS]
        query = select(*columns, func.count()).where(self._condition).group_by(*columns)
        return list(self._connection.execute(query.limit(_GROUPS + 1)))

    def of_column(self, name: str, find: str = "") -> ValueSet:
        """The values of one column of models."""
        column, n = models.c[name], func.count().label("n")
        query = select(column, n).where(self._condition, *self._has(column, find)).group_by(column)
        rows = self._connection.execute(query.order_by(n.desc(), column).limit(_VALUES + 2)).all()
        counts: Counter[str] = Counter()
        for value, count in rows:
            counts[value or ""] += count  # nobody, and a user without a name
        return _most(counts.items())

    def of_tasks(self, find: str) -> ValueSet:
        """The tasks that made models; the empty one stands for none."""
        n = func.count().label("n")
        query = select(models.c.task_id, n).where(self._condition).group_by(models.c.task_id)
        if find:
            named = select(tasks.c.id).where(
                or_(*self._has(tasks.c.name, find), *self._has(tasks.c.id, find))
            )
            query = query.where(models.c.task_id.in_(named))
        per = query.order_by(n.desc(), models.c.task_id).limit(_VALUES + 1).subquery()
        named = select(per.c.task_id, tasks.c.name, per.c.n).outerjoin(tasks, tasks.c.id == per.c.task_id)
        rows = [Facet(value or "", name or "", n) for value, name, n in self._connection.execute(named)]
        rows.sort(key=lambda each: (-each.count, each.label, each.value))
        return ValueSet(tuple(rows[:_VALUES]), len(rows) <= _VALUES)

    def of_tags(self, find: str) -> ValueSet:
        """The tags of models."""
        rows = self._counted(tagged, (tagged.c.tag,), self._has(tagged.c.tag, find))
        return _most((tag, n) for tag, n in rows)

    def of_metadata(self, key: str, find: str) -> ValueSet:
        """The values of a key of metadata."""
        own = [described.c.key == key, described.c.kind.in_(("text", "number", "truth"))]
        own += [or_(described.c.kind == "text", described.c.number.is_not(None))]  # NaN, once written so
        if find:
            number = _number(find)
            fits = [*self._has(described.c.text, find)]
            fits += (
                [] if number is None else [and_(described.c.kind == "number", described.c.number == number)]
            )
            for word, truth in (("true", 1.0), ("false", 0.0)):
                if find.lower() in word:
                    fits.append(and_(described.c.kind == "truth", described.c.number == truth))
            own.append(or_(*fits))
        rows = self._counted(described, (described.c.kind, described.c.text, described.c.number), own)
        return _most((_written(*values), n) for *values, n in rows)

    def _has(self, column: Any, find: str) -> list[ColumnElement[bool]]:
        return [contains(column, find, is_folded=self._is_folded)] if find else []

    def _counted(self, table: Any, columns: Sequence[Any], conditions: Sequence[ColumnElement[bool]]) -> Rows:
        """How many models have each row of values in a table of theirs: the values, then the count."""
        n, owner = func.count().label("n"), table.c.model_id
        query = select(*columns, n).where(*conditions).group_by(*columns).order_by(n.desc(), *columns)
        archived = select(models.c.id).where(models.c.archived.is_(True))
        if not self._is_all:
            query = query.where(owner.in_(matches(self._connection, self._filters)))
        else:
            # Mostly few are in the archive.
            query = query.where(owner.in_(archived) if self._filters.archived else owner.not_in(archived))
        return list(self._connection.execute(query.limit(_VALUES + 1)))


def _without(filters: Filters, name: str) -> Filters:
    if name == "tag":
        return replace(filters, tags_any=(), tags_all=(), tags_not=())
    if name.startswith("meta."):
        left = {key: values for key, values in filters.metadata.items() if f"meta.{key}" != name}
        return replace(filters, metadata=left)
    return replace(filters, facets={key: values for key, values in filters.facets.items() if key != name})


def _most(counts: Iterable[tuple[str, int]]) -> ValueSet:
    ordered = sorted(counts, key=lambda each: (-each[1], each[0]))
    return ValueSet(tuple(Facet(value, value, n) for value, n in ordered[:_VALUES]), len(ordered) <= _VALUES)


def _written(kind: str, text: str | None, number: float | None) -> str:
    """A value of metadata as an address has it."""
    if kind == "text" or number is None:
        return text or ""
    return f"{number:.17g}" if kind == "number" else "true" if number else "false"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def names_in(connection: Connection, column: Any, *, find: str = "", limit: int = 1_000) -> list[str]:
    """The different values of a column that an index begins with, however many rows have each.

    At most `limit`, in order; with `find` those among the first ten thousand that have this text in them.
    """
    first = select(func.min(column).label("name"), literal(1).label("n")).cte("names", recursive=True)
    after = select(func.min(column)).where(column > first.c.name).scalar_subquery()
    further = select(after, first.c.n + 1)
    found = first.union_all(further.where(first.c.name.is_not(None), first.c.n < _NAMES))
    query = select(found.c.name).where(found.c.name.is_not(None)).order_by(found.c.name)
    if find:
        query = query.where(contains(found.c.name, find))
    return list(connection.execute(query.limit(limit)).scalars())
