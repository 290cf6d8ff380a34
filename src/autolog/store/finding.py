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
from .tags import is_met

__all__ = [
    "Made",
    "last_iteration",
    "latest_metrics",
    "made_by_event",
    "metrics_at",
    "models_at",
    "models_like",
    "project_names",
    "search_tasks",
    "users_of",
]


class Made(NamedTuple):
    """What became of an event: a version of a model."""

    model_id: str
    version: int


def made_by_event(store: Store, event_id: str) -> Made | None:
    """The version that an event has made; None if it isn't recorded."""
    query = select(snapshots.c.model_id, snapshots.c.version).where(snapshots.c.event_id == event_id)
    with store._reading() as connection:
        found = connection.execute(query).first()
    return None if found is None else Made(found.model_id, found.version)


def models_at(store: Store, uris: Collection[str], *, archived: bool = False) -> list[str]:
    """The ids of models with a version recorded at one of these paths or URLs, or that came from one.

    Those that are still there come first, then the newest.
    """
    query = (
        select(models.c.id, snapshots.c.state, snapshots.c.created)
        .join(snapshots, snapshots.c.model_id == models.c.id)
        .where(snapshots.c.uri.in_(uris) | models.c.origin.in_(uris))
    )
    if not archived:
        query = query.where(models.c.archived.is_(False))
    with store._reading() as connection:
        rows = connection.execute(query).all()
    rows = sorted(rows, key=lambda row: (row.state != "at_path", -row.created))
    return list(dict.fromkeys(row.id for row in rows))


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
    with store._reading() as connection:
        for batch in batches(sorted(set(iterations))):
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


def models_like(store: Store, digest: str, *, archived: bool = False) -> list[str]:
    """The ids of models with a version that has these very bytes, the newest first."""
    query = select(models.c.id).join(snapshots, snapshots.c.model_id == models.c.id)
    query = query.where(snapshots.c.digest == digest)
    if not archived:
        query = query.where(models.c.archived.is_(False))
    with store._reading() as connection:
        found = connection.execute(query.order_by(snapshots.c.created.desc())).scalars()
        return list(dict.fromkeys(found))


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
