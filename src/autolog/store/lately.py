"""What happened lately: the newest versions, the newest tasks, and how much there is of everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, select

from .database import Store
from .records import TaskRecord
from .rows import task_record
from .schema import faults, inputs, models, snapshots, tasks

__all__ = ["Lately", "NewVersion", "lately"]


class NewVersion(NamedTuple):
    """A version that was made lately; size in bytes, the time in seconds since the epoch."""

    model_id: str
    name: str
    project: str
    framework: str
    version: int
    iteration: int | None
    size: int | None
    created: float


@dataclass(frozen=True, slots=True)
class Lately:
    """The newest first; `size` is that of all versions together in bytes."""

    tasks: tuple[TaskRecord, ...]
    versions: tuple[NewVersion, ...]
    task_count: int
    model_count: int
    version_count: int
    size: int
    fault_count: int


def lately(store: Store, limit: int = 8) -> Lately:
    """What happened lately, at most `limit` of each. Raises StoreError."""
    counts_in = select(func.count()).where(inputs.c.task_id == tasks.c.id).scalar_subquery()
    counts_out = select(func.count()).where(models.c.task_id == tasks.c.id).scalar_subquery()
    of_tasks = select(tasks, counts_in.label("i"), counts_out.label("o"))
    of_tasks = of_tasks.where(tasks.c.archived.is_(False)).order_by(tasks.c.started.desc(), tasks.c.id)
    of_versions = (
        select(
            snapshots.c.model_id,
            models.c.name,
            models.c.project,
            models.c.framework,
            snapshots.c.version,
            snapshots.c.iteration,
            snapshots.c.size,
            snapshots.c.created,
        )
        .join(models, models.c.id == snapshots.c.model_id)
        .order_by(snapshots.c.id.desc())
    )
    totals = select(func.count(), func.coalesce(func.sum(snapshots.c.size), 0)).select_from(snapshots)
    with store._reading() as connection:
        rows = connection.execute(of_tasks.limit(limit)).mappings()
        found = tuple(task_record(row, input_count=row["i"], output_count=row["o"]) for row in rows)
        versions = tuple(NewVersion(*row) for row in connection.execute(of_versions.limit(limit)))
        counted = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (tasks, models, faults)
        ]
        version_count, size = connection.execute(totals).one()
    return Lately(found, versions, counted[0], counted[1], version_count, int(size), counted[2])
