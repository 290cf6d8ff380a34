"""The models of a task, as its page lists them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from .database import Store
from .records import ModelRecord
from .rows import batches, model_record
from .schema import models

__all__ = ["models_by_id"]


def models_by_id(store: Store, ids: Sequence[str]) -> dict[str, ModelRecord]:
    """Models with their designs and newest versions, by their ids; those that are gone are left out."""
    query = select(models)
    found: dict[str, ModelRecord] = {}
    with store._reading() as connection:
        for batch in batches(list(dict.fromkeys(ids))):
            rows = connection.execute(query.where(models.c.id.in_(batch))).mappings().all()
            latest = store._latest(connection, [row["id"] for row in rows])
            for row in rows:
                found[row["id"]] = model_record(row, latest.get(row["id"], ()), row["versions"])
    return found
