"""Where models come from and where they went: one walk over tasks and the models they loaded and made.

The walk asks for a whole level at a time, never for a single model or task, and ends at a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, func, select

from autolog.errors import NotFound

from .database import Store
from .queries import input_query
from .records import InputRecord
from .rows import batches, input_record, status_of
from .schema import inputs, models, snapshots, tasks
from .selecting import newest_versions

__all__ = ["Lineage", "LineageModel", "LineageTask", "lineage_of"]

_T = TypeVar("_T")
#: The most tasks of one walk, each way. Of loads, and of models that these made, twice as many are read.
MOST_TASKS = 2_000


@dataclass(frozen=True, slots=True)
class LineageTask:
    """A task as far as lineage is concerned; `started` in seconds."""

    id: str
    name: str
    project: str
    status: str
    started: float


@dataclass(frozen=True, slots=True)
class LineageModel:
    """A model as far as lineage is concerned.

    `newest` is its newest version, None without one, `digest` that version's, `versions` how many there are.
    """

    id: str
    name: str
    framework: str
    archived: bool
    task_id: str | None
    origin: str | None
    newest: int | None
    digest: str | None
    versions: int


@dataclass(frozen=True)
class Lineage:
    """What a walk has found: tasks and models by id, and who loaded what.

    The maker of a model is its `task_id`. `is_cut` if there was more than the bound allows.
    """

    tasks: Mapping[str, LineageTask]
    models: Mapping[str, LineageModel]
    loads: tuple[InputRecord, ...]
    is_cut: bool = False

    @cached_property
    def _by_task(self) -> dict[str, list[InputRecord]]:
        return _grouped(self.loads, lambda each: each.task_id)

    @cached_property
    def _by_model(self) -> dict[str, list[InputRecord]]:
        return _grouped(self.loads, lambda each: each.model_id)

    @cached_property
    def _by_maker(self) -> dict[str, list[LineageModel]]:
        return _grouped(self.models.values(), lambda each: each.task_id or "")

    def loads_by(self, task_id: str | None) -> list[InputRecord]:
        """What a task has loaded, oldest first."""
        return self._by_task.get(task_id or "", [])

    def loads_of(self, model_id: str) -> list[InputRecord]:
        """Who has loaded a model, oldest first."""
        return self._by_model.get(model_id, [])

    def made_by(self, task_id: str) -> list[LineageModel]:
        """What a task has made, oldest first."""
        return self._by_maker.get(task_id, [])


def _grouped(items: Iterable[_T], key: Callable[[_T], str]) -> dict[str, list[_T]]:
    found: dict[str, list[_T]] = {}
    for each in items:
        found.setdefault(key(each), []).append(each)
    return found


def lineage_of(
    store: Store,
    *,
    model_id: str = "",
    task_id: str = "",
    limit: int | None = MOST_TASKS,
    depth: int | None = None,
) -> Lineage:
    """What a model or a task comes from, and what has become of it: the nearest `limit` tasks each way.

    With `depth` only so many tasks in a row. Raises NotFound.
    """
    with store._reading() as connection:
        walk = _Walk(connection, limit, depth)
        if model_id:
            walk.add_models([model_id])
            if model_id not in walk.models:
                raise NotFound(f"no model has the id {model_id!r}; list them with `autolog models`")
        else:
            walk.add_tasks([task_id])
            if task_id not in walk.tasks:
                raise NotFound(f"no task has the id {task_id!r}; list them with `autolog tasks`")
        walk.up([model_id] if model_id else [], [] if model_id else [task_id])
        walk.down([model_id] if model_id else [], [] if model_id else [task_id])
        if depth is None:
            walk.join()
        return Lineage(
            walk.tasks, walk.models, tuple(walk.loads[each] for each in sorted(walk.loads)), walk.is_cut
        )


@dataclass
class _Walk:
    """One walk, and what it has come to know."""

    connection: Connection
    limit: int | None
    depth: int | None
    tasks: dict[str, LineageTask] = field(default_factory=dict)
    models: dict[str, LineageModel] = field(default_factory=dict)
    loads: dict[int, InputRecord] = field(default_factory=dict)
    is_cut: bool = False

    def up(self, model_ids: list[str], task_ids: list[str]) -> None:
        """From models to their makers, from tasks to what they loaded."""
        seen_models, seen_tasks, level = set(model_ids), set(task_ids), 0
        while (model_ids or task_ids) and level != self.depth:
            level += 1
            makers = (self.models[each].task_id for each in model_ids)
            task_ids += _new(seen_tasks, (each for each in makers if each is not None))
            task_ids = self._within(task_ids, seen_tasks)
            self.add_tasks(task_ids)
            found = self.add_loads(inputs.c.task_id, task_ids)
            model_ids = _new(seen_models, (each.model_id for each in found if not each.own))
            # Its own as well, which lead nowhere else.
            self.add_models(dict.fromkeys(each.model_id for each in found))
            task_ids = []

    def down(self, model_ids: list[str], task_ids: list[str]) -> None:
        """From models to who loaded them, from tasks to what they made."""
        seen_models, seen_tasks, level = set(model_ids), set(task_ids), 0
        while (model_ids or task_ids) and level != self.depth:
            level += 1
            found = self.add_loads(inputs.c.model_id, model_ids)
            task_ids += _new(seen_tasks, (each.task_id for each in found if not each.own))
            task_ids = self._within(task_ids, seen_tasks)
            self.add_tasks(task_ids)
            made = self._made_by(task_ids)
            model_ids = _new(seen_models, made)
            self.add_models(model_ids)
            task_ids = []

    def join(self) -> None:
        """What the tasks that were found have loaded of the models that were found, where no walk came by."""
        loads = dict(self.loads)
        self.add_loads(inputs.c.task_id, list(self.tasks))
        self.loads = {key: each for key, each in self.loads.items() if each.model_id in self.models} | loads

    def _within(self, task_ids: list[str], seen: set[str]) -> list[str]:
        """As many of them as the bound allows."""
        if self.limit is None or len(seen) <= self.limit:
            return task_ids
        self.is_cut = True
        return task_ids[: max(0, len(task_ids) - (len(seen) - self.limit))]

    def add_tasks(self, task_ids: Iterable[str]) -> None:
        """Read these tasks, but for those that are known."""
        names = ("id", "name", "project", "status", "heartbeat", "started")
        wanted = [each for each in task_ids if each not in self.tasks]
        for row in self._read(select(*(tasks.c[each] for each in names)), tasks.c.id, wanted):
            status = status_of(row.status, row.heartbeat)
            self.tasks[row.id] = LineageTask(row.id, row.name, row.project, status, row.started)

    def add_models(self, model_ids: Iterable[str]) -> None:
        """Read these models with their newest versions, but for those that are known."""
        wanted = [each for each in model_ids if each not in self.models]
        counts = select(snapshots.c.model_id, func.count().label("n")).group_by(snapshots.c.model_id)
        found = {row.model_id: row.n for row in self._read(counts, snapshots.c.model_id, wanted)}
        digests = {}
        for batch in batches(wanted):
            newest = newest_versions(snapshots.c.model_id.in_(batch))
            query = select(snapshots.c.model_id, snapshots.c.version, snapshots.c.digest)
            query = query.join(newest, newest.c.model_id == snapshots.c.model_id)
            for row in self.connection.execute(query.where(snapshots.c.version == newest.c.newest)):
                digests[row.model_id] = (row.version, row.digest)
        names = ("id", "name", "framework", "archived", "task_id", "origin")
        rows = self._read(select(*(models.c[each] for each in names)), models.c.id, wanted)
        by_id = {row.id: dict(zip(names, row, strict=True)) for row in rows}
        for model_id in wanted:  # in this order
            if model_id in by_id:
                newest, digest = digests.get(model_id, (None, None))
                count = found.get(model_id, 0)
                self.models[model_id] = LineageModel(
                    **by_id[model_id], newest=newest, digest=digest, versions=count
                )

    def add_loads(self, column: Any, ids: list[str]) -> list[InputRecord]:
        """The loads by these tasks, or of these models, oldest first."""
        query = input_query()
        if self.limit is not None:
            # A model that everybody begins with has been loaded without end.
            query = query.limit(self.limit * 2)
        found = {row.id: input_record(row._mapping) for row in self._read(query, column, ids)}
        self.loads |= found
        return list(found.values())

    def _made_by(self, task_ids: list[str]) -> list[str]:
        query = select(models.c.id).order_by(models.c.created, models.c.id)
        if self.limit is None:
            return [row.id for row in self._read(query, models.c.task_id, task_ids)]
        # One task may have made a hundred thousand.
        most = self.limit * 2
        found = [row.id for row in self._read(query.limit(most + 1), models.c.task_id, task_ids)]
        self.is_cut = self.is_cut or len(found) > most
        return found[:most]

    def _read(self, query: Select[Any], column: Any, ids: list[str]) -> Iterable[Any]:
        for batch in batches(ids):
            yield from self.connection.execute(query.where(column.in_(batch)))


def _new(seen: set[str], ids: Iterable[str]) -> list[str]:
    found = [each for each in dict.fromkeys(ids) if each not in seen]
    seen.update(found)
    return found
