"""The values that models can be filtered by, and how many models have each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from .filtering import FACETS, Filters, filtered, matches
from .schema import described, models, tagged, tasks

__all__ = ["Facet", "facets", "names_in"]

#: Values of a facet that are listed, those with the most models first.
_VALUES = 100
#: Metadata keys with more values than that are not offered as a value set.
_FEW = 30
#: The facets that are columns of `models`. With tasks there would be as many groups as models.
_COLUMNS = tuple(name for name in FACETS if name != "task")


@dataclass(frozen=True, slots=True)
class Facet:
    """One value that models have, and how many of them."""

    value: str
    label: str
    count: int


def facets(connection: Connection, filters: Filters) -> dict[str, list[Facet]]:
    """The values of each facet, of `tag` and of `meta.<key>`, of models that meet the other filters."""
    asked = _Asked(connection, filters)
    found = asked.of_columns(_COLUMNS)
    for name in _COLUMNS:
        if filters.facets.get(name):
            found |= asked.without(name).of_columns((name,))
    found["task"] = asked.without("task").of_tasks()
    found["tag"] = asked.without("tag").of_tags()
    found |= asked.of_metadata()
    for key in filters.metadata:
        found |= asked.without(f"meta.{key}").of_metadata(key)
    return found


class _Asked:
    """Counts of values among the models that meet filters."""

    def __init__(self, connection: Connection, filters: Filters) -> None:
        self._connection = connection
        self._filters = filters
        self._is_all = filters == Filters(archived=filters.archived)
        self._condition = filtered(connection, filters)
        if filters != Filters(facets=filters.facets, archived=filters.archived):
            # Who they are is found out first, in the index that has it, then what they are in another one.
            hits = matches(connection, filters)
            self._condition = and_(models.c.archived.is_(filters.archived), models.c.id.in_(hits))

    def without(self, name: str) -> _Asked:
        """The same but for one filter."""
        filters = _without(self._filters, name)
        return self if filters == self._filters else _Asked(self._connection, filters)

    def of_columns(self, names: tuple[str, ...]) -> dict[str, list[Facet]]:
        """The values of some columns of models, all gone through once."""
        columns = [models.c[name] for name in names]
        query = select(*columns, func.count()).where(self._condition).group_by(*columns)
        counts: dict[str, Counter[str]] = {name: Counter() for name in names}
        for *values, n in self._connection.execute(query):
            for name, value in zip(names, values, strict=True):
                counts[name][value or ""] += n
        return {name: _most(each) for name, each in counts.items()}

    def of_tasks(self) -> list[Facet]:
        """The tasks that made models; the empty one stands for none."""
        grouped = select(models.c.task_id, func.count().label("n")).where(self._condition)
        per = grouped.group_by(models.c.task_id).subquery()
        query = select(per.c.task_id, tasks.c.name, per.c.n).outerjoin(tasks, tasks.c.id == per.c.task_id)
        query = query.order_by(per.c.n.desc(), tasks.c.name, per.c.task_id).limit(_VALUES)
        return [Facet(value or "", name or "", n) for value, name, n in self._connection.execute(query)]

    def of_tags(self) -> list[Facet]:
        """The tags of models."""
        return _most(Counter({tag: n for (tag,), n in self._counted(tagged, (tagged.c.tag,)).items()}))

    def of_metadata(self, key: str | None = None) -> dict[str, list[Facet]]:
        """The values of each key of metadata, or of this one."""
        columns = (described.c.key, described.c.kind, described.c.text, described.c.number)
        conditions: list[ColumnElement[bool]] = [described.c.kind.in_(("text", "number", "truth"))]
        conditions += [] if key is None else [described.c.key == key]
        counts: dict[str, Counter[str]] = {}
        for (name, kind, text, number), n in self._counted(described, columns, *conditions).items():
            if kind == "text":
                value = text
            elif number is None:  # NaN, as an earlier version wrote it
                continue
            else:
                value = f"{number:.17g}" if kind == "number" else "true" if number else "false"
            counts.setdefault(f"meta.{name}", Counter())[value] += n
        return {name: _most(each) for name, each in counts.items() if len(each) <= _FEW}

    def _counted(
        self, table: Any, columns: tuple[Any, ...], *conditions: ColumnElement[bool]
    ) -> Counter[tuple[Any, ...]]:
        """How many models have each row of values in a table of theirs."""
        query = select(*columns, func.count()).where(*conditions).group_by(*columns)
        owner = table.c.model_id
        if not self._is_all:
            # The table is gone through in the order of its values; to look up each model in it takes longer.
            hits = matches(self._connection, self._filters)
            return self._ask(query.where(func.coalesce(owner, "").in_(hits)))
        archived = owner.in_(select(models.c.id).where(models.c.archived.is_(True)))
        if self._filters.archived:
            return self._ask(query.where(archived))
        # Mostly few are in the archive: leaving out those takes a third of the time.
        return self._ask(query) - self._ask(query.where(archived))

    def _ask(self, query: Any) -> Counter[tuple[Any, ...]]:
        return Counter({tuple(values): n for *values, n in self._connection.execute(query)})


def _without(filters: Filters, name: str) -> Filters:
    if name == "tag":
        return replace(filters, tags_any=(), tags_all=(), tags_not=())
    if name.startswith("meta."):
        left = {key: values for key, values in filters.metadata.items() if f"meta.{key}" != name}
        return replace(filters, metadata=left)
    return replace(filters, facets={key: values for key, values in filters.facets.items() if key != name})


def _most(counts: Counter[str]) -> list[Facet]:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [Facet(value, value, n) for value, n in ordered[:_VALUES]]


def names_in(connection: Connection, column: Any) -> list[str]:
    """The different values of a column that an index begins with, however many rows have each."""
    first = select(func.min(column).label("name")).cte("names", recursive=True)
    after = select(func.min(column)).where(column > first.c.name).scalar_subquery()
    found = first.union_all(select(after).where(first.c.name.is_not(None)))
    query = select(found.c.name).where(found.c.name.is_not(None)).order_by(found.c.name)
    return list(connection.execute(query).scalars())
