"""The models of a task, as its page lists them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from .database import Store
from .records import ModelRecord
from .rows import batches, model_record
from .schema import models, snapshots, tasks

__all__ = ["models_by_id"]


def models_by_id(store: Store, ids: Sequence[str]) -> dict[str, ModelRecord]:
    """Models with their designs and newest versions, by their ids; those that are gone are left out."""
    count = select(func.count()).where(snapshots.c.model_id == models.c.id).scalar_subquery().label("n")
    query = select(models, tasks.c.name.label("task_name"), count)
    query = query.outerjoin(tasks, tasks.c.id == models.c.task_id)
    found: dict[str, ModelRecord] = {}
    with store._reading() as connection:
        for batch in batches(list(dict.fromkeys(ids))):
            rows = connection.execute(query.where(models.c.id.in_(batch))).mappings().all()
            latest = store._latest(connection, [row["id"] for row in rows])
            for row in rows:
                found[row["id"]] = model_record(row, latest.get(row["id"], ()), row["n"])
    return found
