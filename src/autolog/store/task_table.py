"""The table of tasks: its pages, counts and value sets; what HTML, JSON and CSV all ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, column, func, not_, or_, select

from autolog.errors import BadValue

from .browsing import Facet
from .database import Store
from .filtering import Order, SortKey
from .marks import beyond, mark_of, read_mark
from .records import TaskRecord
from .rows import SILENCE, task_record
from .schema import inputs, models, tasks
from .selecting import contains
from .types import Text

__all__ = ["TASK_FACETS", "TASK_FIELDS", "TaskFilters", "TaskPage", "TaskTable"]

#: Fields of the table that have a value set to filter by, beside `tag`.
TASK_FACETS = ("status", "project", "user")
#: Values of a facet that are listed, those with the most tasks first.
_VALUES = 100
#: Tasks that are read at a time where all are asked for.
_AT_A_TIME = 500
#: What may be large, and no table shows.
_LARGE: Mapping[str, Any] = {
    "git": {},
    "versions": {},
    "job": {},
    "hooks": {},
    "configurations": {},
    "parameters": {},
    "labels": {},
    "design": None,
}


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """Which tasks a table shows: those that meet all of it.

    `text` is looked for in name, id, comment and script. Of a facet (see TASK_FACETS) one of the values has
    to fit. `started` is `(earliest, latest)` in seconds since the epoch, either may be None, both are
    included.
    """

    text: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_not: tuple[str, ...] = ()
    started: tuple[float | None, float | None] = (None, None)
    archived: bool = False


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some tasks without what is large, and the marks at which the pages after and before them begin."""

    rows: tuple[TaskRecord, ...]
    after: str | None
    before: str | None


class TaskTable:
    """Questions about the tasks of a store, for a table. Threads may share it.

    All raise StoreError, and BadValue for an order or a mark that can't be read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, filters: TaskFilters, order: Order, *, at: str = "", limit: int = 50) -> TaskPage:
        """The tasks from a mark on, at most `limit`; an empty mark is the beginning."""
        now = time.time()
        with self._store._reading() as connection:
            keys = _sort_keys(connection, order, now)
            backwards, values = read_mark(at, keys)
            labels = [key.value.label(f"k{n}") for n, key in enumerate(keys)]
            query = _query(*labels).where(_filtered(connection, filters, now))
            if values is not None:
                query = query.where(beyond(keys, values, backwards))
            clauses = [
                key.clause(label, backwards=backwards) for key, label in zip(keys, labels, strict=True)
            ]
            found = list(connection.execute(query.order_by(*clauses).limit(limit + 1)).mappings())
        is_more = len(found) > limit
        found = found[:limit]
        if backwards:
            found.reverse()
        if not found:
            return TaskPage((), None, None)
        is_after, is_before = (True, is_more) if backwards else (is_more, values is not None)
        ends = [[row[f"k{n}"] for n in range(len(keys))] for row in (found[0], found[-1])]
        return TaskPage(
            tuple(_record(row) for row in found),
            mark_of("n", ends[1]) if is_after else None,
            mark_of("p", ends[0]) if is_before else None,
        )

    def each(self, filters: TaskFilters, order: Order) -> Iterator[TaskRecord]:
        """All of them, read bit by bit."""
        at: str | None = ""
        while at is not None:
            page = self.page(filters, order, at=at, limit=_AT_A_TIME)
            yield from page.rows
            at = page.after

    def count(self, filters: TaskFilters) -> int:
        """How many tasks there are."""
        with self._store._reading() as connection:
            query = select(func.count()).select_from(tasks)
            return int(
                connection.execute(query.where(_filtered(connection, filters, time.time()))).scalar_one()
            )

    def facets(self, filters: TaskFilters) -> dict[str, list[Facet]]:
        """The values of each facet and of `tag`, of tasks that meet the other filters."""
        now, count = time.time(), func.count().label("n")
        found: dict[str, list[Facet]] = {}
        with self._store._reading() as connection:
            for name in TASK_FACETS:
                value = _column(name, now)
                query = select(value.label("value"), count).where(_filtered(connection, filters, now, name))
                query = query.group_by(value).order_by(count.desc(), value).limit(_VALUES)
                found[name] = [Facet(each, each, n) for each, n in connection.execute(query)]
            tag = _tags(connection)
            of_tags = select(tag.c.value, count).select_from(tasks).join(tag, tag.c.value.is_not(None))
            of_tags = of_tags.where(_filtered(connection, filters, now, "tag")).group_by(tag.c.value)
            of_tags = of_tags.order_by(count.desc(), tag.c.value).limit(_VALUES)
            found["tag"] = [Facet(each, each, n) for each, n in connection.execute(of_tags)]
        return found


def _query(*more: Any) -> Any:
    counts_in = select(func.count()).where(inputs.c.task_id == tasks.c.id).scalar_subquery()
    counts_out = select(func.count()).where(models.c.task_id == tasks.c.id).scalar_subquery()
    small = [each for each in tasks.c if each.name not in _LARGE]
    return select(*small, counts_in.label("input_count"), counts_out.label("output_count"), *more)


def _record(row: Any) -> TaskRecord:
    whole = {**_LARGE, **row}
    counts = {name: row[name] for name in ("input_count", "output_count")}
    return task_record(whole, **counts)  # type: ignore[arg-type]


# -- columns --------------------------------------------------------------------------------------------


def _status(now: float) -> Any:
    """The status as `rows.task_record` tells it."""
    is_silent = and_(tasks.c.status == "running", tasks.c.heartbeat < now - SILENCE)
    return case((is_silent, "lost contact"), else_=tasks.c.status)


def _column(name: str, now: float) -> Any:
    return _status(now) if name == "status" else tasks.c[name]


def _tags(connection: Connection) -> Any:
    """A row for each tag of a task: there are too few tasks for a table of their own to pay."""
    is_postgresql = connection.dialect.name == "postgresql"
    listed = func.json_array_elements_text(tasks.c.tags) if is_postgresql else func.json_each(tasks.c.tags)
    return listed.table_valued(column("value", Text))


def _first_tag(connection: Connection) -> Any:
    tag = _tags(connection)
    return select(func.min(tag.c.value)).select_from(tag).correlate(tasks).scalar_subquery()


#: Field -> what it is in SQL, whether it is text, and whether it may be missing.
TASK_FIELDS: Mapping[str, tuple[Callable[[Connection, float], Any], bool, bool]] = {
    "id": (lambda connection, now: tasks.c.id, True, False),
    "name": (lambda connection, now: func.lower(tasks.c.name), True, False),
    "project": (lambda connection, now: func.lower(tasks.c.project), True, False),
    "status": (lambda connection, now: _status(now), True, False),
    "started": (lambda connection, now: tasks.c.started, False, False),
    # Of one that runs, as far as it was heard of: a page must begin where the one before has ended.
    "duration": (
        lambda connection, now: func.coalesce(tasks.c.finished, tasks.c.heartbeat) - tasks.c.started,
        False,
        True,
    ),
    "user": (lambda connection, now: tasks.c.user, True, False),
    "host": (lambda connection, now: tasks.c.host, True, False),
    "in": (
        lambda connection, now: (
            select(func.count()).where(inputs.c.task_id == tasks.c.id).correlate(tasks).scalar_subquery()
        ),
        False,
        False,
    ),
    "out": (
        lambda connection, now: (
            select(func.count()).where(models.c.task_id == tasks.c.id).correlate(tasks).scalar_subquery()
        ),
        False,
        False,
    ),
    "tags": (lambda connection, now: _first_tag(connection), True, True),
}


def _sort_keys(connection: Connection, order: Order, now: float) -> list[SortKey]:
    found = []
    for name, is_down in order:
        if name not in TASK_FIELDS:
            raise BadValue(f"{name!r} is no column to sort tasks by; there are {', '.join(TASK_FIELDS)}")
        value, is_text, nullable = TASK_FIELDS[name]
        found.append(SortKey(value(connection, now), is_down, nullable, is_text))
    found.append(SortKey(tasks.c.id, found[-1].is_down if found else False, False, True))
    return found


# -- filters --------------------------------------------------------------------------------------------


def _filtered(
    connection: Connection, filters: TaskFilters, now: float, without: str = ""
) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [tasks.c.archived.is_(filters.archived)]
    if filters.text:
        # SQLite's LIKE takes upper and lower case alike by itself.
        is_folded = connection.dialect.name == "sqlite"
        columns = (tasks.c.name, tasks.c.id, tasks.c.comment, tasks.c.script)
        parts.append(or_(*(contains(each, filters.text, is_folded=is_folded) for each in columns)))
    for name, values in filters.facets.items():
        if name != without and values:
            parts.append(_column(name, now).in_(values))
    if without != "tag":
        if filters.tags_any:
            parts.append(_has(connection, filters.tags_any))
        parts += [_has(connection, (tag,)) for tag in filters.tags_all]
        if filters.tags_not:
            parts.append(not_(_has(connection, filters.tags_not)))
    low, high = filters.started
    parts += [] if low is None else [tasks.c.started >= low]
    parts += [] if high is None else [tasks.c.started <= high]
    return and_(*parts)


def _has(connection: Connection, wanted: Sequence[str]) -> ColumnElement[bool]:
    tag = _tags(connection)
    return select(tag.c.value).select_from(tag).where(tag.c.value.in_(wanted)).correlate(tasks).exists()
