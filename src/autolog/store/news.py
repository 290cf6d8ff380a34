"""How far a model or a running task has come: so little that a page may ask every other second."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Float, cast, func, select

from autolog.errors import NotFound

from .database import Store
from .rows import status_of
from .schema import artifacts, faults, inputs, measures, models, skips, tasks

__all__ = ["ModelState", "TaskState", "state_of_model", "state_of_task"]


class ModelState(NamedTuple):
    """How many versions a model has; `scalars` grows with its values. `is_running` if its task runs."""

    is_running: bool
    versions: int
    scalars: int


class TaskState(NamedTuple):
    """A task's status, and how many of everything it has: `versions` are those of its output models."""

    status: str
    inputs: int
    outputs: int
    versions: int
    artifacts: int
    skipped: int
    faults: int


def state_of_model(store: Store, model_id: str) -> ModelState:
    """How far a model has come. Raises NotFound."""
    task = select(models.c.versions, tasks.c.status, tasks.c.heartbeat).where(models.c.id == model_id)
    # Not all points, of which there may be millions: each metric's last iteration.
    far = select(func.count(), func.sum(cast(measures.c.iteration, Float))).where(
        measures.c.model_id == model_id
    )
    with store._reading() as connection:
        row = connection.execute(task.outerjoin(tasks, tasks.c.id == models.c.task_id)).first()
        if row is None:
            raise NotFound(f"no model has the id {model_id!r}; list them with `autolog models`")
        count, iterations = connection.execute(far).one()
    is_running = row.status is not None and status_of(row.status, row.heartbeat) == "running"
    return ModelState(is_running, row.versions, count + int(iterations or 0))


def state_of_task(store: Store, task_id: str) -> TaskState:
    """How far a task has come. Raises NotFound."""
    row_of = select(tasks.c.status, tasks.c.heartbeat).where(tasks.c.id == task_id)
    made = select(func.count(), func.sum(models.c.versions)).where(models.c.task_id == task_id)
    with store._reading() as connection:
        row = connection.execute(row_of).first()
        if row is None:
            raise NotFound(f"no task has the id {task_id!r}; list them with `autolog tasks`")
        outputs, versions = connection.execute(made).one()
        counts = [
            connection.execute(select(func.count()).where(table.c.task_id == task_id)).scalar_one()
            for table in (inputs, artifacts, skips, faults)
        ]
    status = status_of(row.status, row.heartbeat)
    return TaskState(status, counts[0], outputs, int(versions or 0), *counts[1:])
