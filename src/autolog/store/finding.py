"""Single questions that the Python interface asks."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select

from .database import Store
from .records import TaskRecord
from .rows import batches, task_record
from .schema import inputs, measures, metrics, models, snapshots, tasks
from .selecting import Selection, condition_of, order_of
from .tags import is_met

__all__ = [
    "Made",
    "Match",
    "last_iteration",
    "latest_metrics",
    "made_by_event",
    "metrics_at",
    "models_at",
    "models_like",
    "project_names",
    "search_tasks",
    "selected",
    "users_of",
]


class Made(NamedTuple):
    """What became of an event: a version of a model."""

    model_id: str
    version: int


class Match(NamedTuple):
    """A model that was looked for, and its version that was meant; None if any of them is as good."""

    model_id: str
    version: int | None


def made_by_event(store: Store, event_id: str) -> Made | None:
    """The version that an event has made; None if it isn't recorded."""
    query = select(snapshots.c.model_id, snapshots.c.version).where(snapshots.c.event_id == event_id)
    with store._reading() as connection:
        found = connection.execute(query).first()
    return None if found is None else Made(found.model_id, found.version)


def models_at(store: Store, uris: Collection[str], *, archived: bool = False) -> list[Match]:
    """The models with a version recorded at one of these paths or URLs, or that came from one.

    Each once, with that version; of one that only came from there no version is meant. Those that are still
    there come first, then the newest.
    """
    is_there = snapshots.c.uri.in_(uris)
    query = (
        select(models.c.id, snapshots.c.version, is_there.label("is_there"))
        .add_columns(snapshots.c.state, snapshots.c.created)
        .join(snapshots, snapshots.c.model_id == models.c.id)
        .where(is_there | models.c.origin.in_(uris))
    )
    if not archived:
        query = query.where(models.c.archived.is_(False))
    with store._reading() as connection:
        rows = connection.execute(query).all()
    rows = sorted(rows, key=lambda row: (row.state != "at_path", -row.created, -row.version))
    # The versions of a model that were recorded elsewhere say nothing of what is meant.
    meant: dict[str, int | None] = dict.fromkeys((row.id for row in rows), None)
    for row in reversed(rows):
        if row.is_there:
            meant[row.id] = row.version
    return list(map(Match, meant, meant.values()))


def latest_metrics(store: Store, model_ids: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """The value with the highest iteration of each metric of these models."""
    found: dict[str, dict[str, float | None]] = {}
    with store._reading() as connection:
        for batch in batches(model_ids):
            query = select(measures.c.model_id, measures.c.name, measures.c.last)
            for row in connection.execute(query.where(measures.c.model_id.in_(batch))):
                found.setdefault(row.model_id, {})[row.name] = row.last
    return found


def metrics_at(
    store: Store, model_id: str, iterations: Collection[int]
) -> dict[int, dict[str, float | None]]:
    """The scalars of a model that were reported at these iterations, by iteration and name."""
    found: dict[int, dict[str, float | None]] = {}
    # Below zero are those of the whole model.
    wanted = sorted(each for each in set(iterations) if each >= 0)
    with store._reading() as connection:
        for batch in batches(wanted):
            query = select(metrics).where(metrics.c.model_id == model_id, metrics.c.iteration.in_(batch))
            for row in connection.execute(query.order_by(metrics.c.name)):
                found.setdefault(row.iteration, {})[row.name] = row.value
    return found


def last_iteration(store: Store, task_id: str) -> int:
    """The highest iteration of any version or metric of a task's models; 0 if there is none."""
    of_versions = select(func.max(snapshots.c.iteration)).join(models).where(models.c.task_id == task_id)
    of_metrics = (
        select(func.max(metrics.c.iteration))
        .join(models, models.c.id == metrics.c.model_id)
        .where(models.c.task_id == task_id)
    )
    with store._reading() as connection:
        found = [connection.execute(query).scalar() for query in (of_versions, of_metrics)]
    return max((int(each) for each in found if each is not None and each >= 0), default=0)


def search_tasks(
    store: Store,
    *,
    ids: Sequence[str] | None = None,
    project: str | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    archived: bool | None = False,
) -> list[TaskRecord]:
    """Tasks, newest first; `project` and `name` are globs, `tags` as for models. Raises WhereError."""
    query = select(tasks).order_by(tasks.c.started.desc(), tasks.c.id)
    if archived is not None:
        query = query.where(tasks.c.archived.is_(archived))
    if ids is not None:
        query = query.where(tasks.c.id.in_(ids))
    with store._reading() as connection:
        return [
            task_record(row)
            for row in connection.execute(query).mappings()
            if (project is None or fnmatch.fnmatch(row["project"].lower(), project.lower()))
            and (name is None or fnmatch.fnmatch(row["name"].lower(), name.lower()))
            and is_met(tags, row["tags"])
        ]


def models_like(store: Store, digest: str, *, archived: bool = False) -> list[Match]:
    """The models with a version that has these very bytes, each with the newest one, the newest first."""
    query = select(models.c.id, snapshots.c.version).join(snapshots, snapshots.c.model_id == models.c.id)
    query = query.where(snapshots.c.digest == digest)
    if not archived:
        query = query.where(models.c.archived.is_(False))
    query = query.order_by(snapshots.c.created.desc(), snapshots.c.version.desc())
    found: dict[str, Match] = {}
    with store._reading() as connection:
        for row in connection.execute(query):
            found.setdefault(row.id, Match(row.id, row.version))
    return list(found.values())


def selected(
    store: Store, selection: Selection, order: str, *, limit: int | None = None, offset: int = 0
) -> list[str]:
    """The ids of the models that `Store.models` would give, all as they are now. Raises WhereError."""
    query = select(models.c.id).where(condition_of(selection)).order_by(*order_of(order))
    with store._reading() as connection:
        return list(connection.execute(query.limit(limit).offset(offset)).scalars())


def project_names(store: Store) -> list[str]:
    """The names of all projects."""
    query = select(models.c.project).union(select(tasks.c.project))
    with store._reading() as connection:
        return sorted(connection.execute(query).scalars())


def users_of(store: Store, model_id: str) -> list[str]:
    """The ids of the tasks that have loaded a version of this model and did not make it, oldest first."""
    query: Any = select(inputs.c.task_id).where(inputs.c.model_id == model_id, inputs.c.own.is_(False))
    with store._reading() as connection:
        return list(dict.fromkeys(connection.execute(query.order_by(inputs.c.id)).scalars()))
