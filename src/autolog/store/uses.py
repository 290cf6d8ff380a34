"""Which tasks a model has to do with: the one that made it, and those that have loaded it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, select

from .database import Store
from .rows import status_of
from .schema import inputs, models, snapshots, tasks

__all__ = ["MOST_USES", "Use", "Uses", "uses_of"]

#: The most loads of one model that are looked at, the newest.
MOST_USES = 10_000


@dataclass(frozen=True, slots=True)
class Use:
    """A task that made a model, or has loaded one version of it.

    `role` is `made` or `loaded`; `version` is None where it isn't known; `own` if the task loaded back what
    it had made; `count` is how often it was loaded, `when` first, in seconds. `key` is unique, and the
    larger the later.
    """

    key: int
    role: str
    task_id: str
    task_name: str
    project: str
    user: str
    status: str
    tags: tuple[str, ...]
    version: int | None
    own: bool
    count: int
    when: float


class Uses(NamedTuple):
    """The maker first, then the loads, the newest first; `is_cut` if there were too many of these."""

    rows: tuple[Use, ...]
    is_cut: bool


def uses_of(store: Store, model_id: str) -> Uses:
    """The tasks of a model. Raises NotFound."""
    columns = [tasks.c[name] for name in ("name", "project", "user", "status", "heartbeat", "tags")]
    made = select(tasks.c.id, *columns, models.c.created).join(models, models.c.task_id == tasks.c.id)
    loads = (
        select(inputs.c.id.label("key"), inputs.c.task_id, inputs.c.own, inputs.c.count)
        .add_columns(inputs.c.first_loaded, snapshots.c.version, *columns)
        .join(tasks, tasks.c.id == inputs.c.task_id)
        .outerjoin(snapshots, snapshots.c.id == inputs.c.snapshot_id)
        .where(inputs.c.model_id == model_id)
        .order_by(inputs.c.id.desc())
        .limit(MOST_USES + 1)
    )
    with store._reading() as connection:
        store._model(connection, model_id)
        maker = connection.execute(made.where(models.c.id == model_id)).mappings().first()
        rows = connection.execute(loads).mappings().all()
    found = [] if maker is None else [_use(maker, "made", maker["id"], key=0, when=maker["created"])]
    for row in rows[:MOST_USES]:
        loaded = {"version": row["version"], "own": row["own"], "count": row["count"]}
        found.append(_use(row, "loaded", row["task_id"], key=row["key"], when=row["first_loaded"], **loaded))
    return Uses(tuple(found), len(rows) > MOST_USES)


def _use(row: RowMapping, role: str, task_id: str, **more: Any) -> Use:
    return Use(
        role=role,
        task_id=task_id,
        task_name=row["name"],
        project=row["project"],
        user=row["user"],
        status=status_of(row["status"], row["heartbeat"]),
        tags=tuple(row["tags"]),
        **{"version": None, "own": False, "count": 1, **more},
    )
