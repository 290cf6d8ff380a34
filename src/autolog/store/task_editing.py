"""What people change of a task: its names, tags, configuration, status, and which models it has loaded."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from autolog.errors import InUse, NotFound

from .database import Store
from .describing import describe
from .editing import check_name
from .known import key_by_hand, new_id, new_model, text
from .racing import repeated
from .records import TaskRecord
from .rows import task_record
from .schema import artifacts, changes, done, faults, inputs, models, skips, snapshots, tasks
from .schema_kept import packs

__all__ = [
    "NewModel",
    "TakenInput",
    "connect_input",
    "create_model",
    "disconnect_inputs",
    "edit_task",
    "forget_task",
    "reconnect_inputs",
]

Change = Callable[[TaskRecord], Mapping[str, Any]]
_NAMES = ("name", "project")


def edit_task(store: Store, task_id: str, change: Change) -> TaskRecord:
    """Change a task: `change` gets it as it is now and returns the columns that become something else.

    Nobody changes it in between; `change` may be called several times. Raises NotFound, BadName, and whatever
    `change` raises; then nothing is changed.
    """
    return _edit(store, task_id, change)


@repeated
def _edit(store: Store, task_id: str, change: Change) -> TaskRecord:
    with store._writing(f"task:{task_id}") as connection:
        record = _task(connection, task_id)
        wanted = {name: value for name, value in change(record).items() if getattr(record, name) != value}
        if not wanted:
            return record
        for name in _NAMES:
            if name in wanted:
                check_name(wanted[name], f"a {'task' if name == 'name' else 'project'}'s name")
        if "tags" in wanted:
            wanted["tags"] = list(wanted["tags"])
        connection.execute(update(tasks).where(tasks.c.id == task_id).values(**wanted))
        if "project" in wanted:
            # Its models move along; those that somebody has put elsewhere stay there.
            own = (models.c.task_id == task_id, models.c.project == record.project)
            connection.execute(update(models).where(*own).values(project=wanted["project"]))
        return _task(connection, task_id)


def _task(connection: Connection, task_id: str) -> TaskRecord:
    row = connection.execute(select(tasks).where(tasks.c.id == task_id)).mappings().first()
    if row is None:
        raise NotFound(f"no task has the id {task_id!r}; list them with `autolog tasks`")
    return task_record(row)


@dataclass(frozen=True, slots=True)
class NewModel:
    """A model that somebody makes by hand; `task_id` is None for one that no task here has made."""

    name: str
    project: str
    task_id: str | None = None
    framework: str = ""
    role: str = ""
    tags: tuple[str, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    design: str | None = None
    comment: str = ""
    origin: str | None = None


@repeated
def create_model(store: Store, new: NewModel) -> str:
    """Make a model that has no version yet; its id. Raises BadName, and NotFound if there is no such task."""
    check_name(new.name, "a model's name")
    check_name(new.project, "a project's name")
    model_id = new_id()
    said = ["name"]
    said += [name for name, value in (("labels", new.labels), ("design", new.design)) if value]
    said += ["framework"] if new.framework else []
    with store._writing(*([] if new.task_id is None else [f"task:{new.task_id}"])) as connection:
        if new.task_id is not None:
            _task(connection, new.task_id)
        values = {
            **new_model(model_id, text(new.framework), time.time()),
            "project": text(new.project),
            "name": text(new.name),
            "task_id": new.task_id,
            "key": key_by_hand(model_id),
            "role": text(new.role),
            "model_type": "",
            "labels": dict(new.labels),
            "design": None if new.design is None else text(new.design),
            "comment": text(new.comment),
            "origin": None if new.origin is None else text(new.origin),
            "said": sorted(said),
        }
        connection.execute(insert(models).values(values))
        if new.tags:
            connection.execute(update(models).where(models.c.id == model_id).values(tags=list(new.tags)))
            describe(connection, model_id, new.tags, {})
    return model_id


@repeated
def connect_input(store: Store, task_id: str, model_id: str, version: int | None, name: str) -> None:
    """Make a model the task's input model, through one of its versions, the newest if none is given.

    Raises NotFound.
    """
    with store._writing(f"task:{task_id}") as connection:
        _task(connection, task_id)
        record = store._model(connection, model_id)
        query = select(snapshots.c.id, snapshots.c.uri).where(snapshots.c.model_id == model_id)
        if version is not None:
            query = query.where(snapshots.c.version == version)
        found = connection.execute(query.order_by(snapshots.c.version.desc())).first()
        if found is None and version is not None:
            raise NotFound(f"{record.name} has no version v{version}")
        snapshot_id = None if found is None else found.id
        path = None if found is None else found.uri
        named = name or os.path.splitext(os.path.basename(path or ""))[0] or record.name
        own = (inputs.c.task_id == task_id, inputs.c.model_id == model_id)
        same = inputs.c.snapshot_id.is_not_distinct_from(snapshot_id)
        known = connection.execute(select(inputs.c.id).where(*own, same)).first()
        if known is not None:
            changed = update(inputs).where(inputs.c.id == known.id)
            connection.execute(changed.values(name=text(named)))
            return
        connection.execute(
            insert(inputs).values(
                task_id=task_id,
                model_id=model_id,
                snapshot_id=snapshot_id,
                name=text(named),
                path=path,
                framework=record.framework,
                function="connect",
                own=record.task_id == task_id,
                also_made_by=[],
                count=1,
                first_loaded=time.time(),
            )
        )


@dataclass(frozen=True, slots=True)
class TakenInput:
    """An input that was taken out of a task: what was recorded of it, and which event made its snapshot."""

    recorded: Mapping[str, Any]
    event_id: str | None


@repeated
def disconnect_inputs(store: Store, task_id: str, model_ids: list[str]) -> list[TakenInput]:
    """Take models out of a task's inputs; `reconnect_inputs` puts back what this gives."""
    with store._writing(f"task:{task_id}") as connection:
        own = (inputs.c.task_id == task_id, inputs.c.model_id.in_(model_ids))
        # The number of a snapshot may be another one's later; its event never is.
        query = select(inputs, snapshots.c.event_id)
        query = query.outerjoin(snapshots, snapshots.c.id == inputs.c.snapshot_id)
        taken = []
        for row in connection.execute(query.where(*own).order_by(inputs.c.id)).mappings():
            recorded = {name: value for name, value in row.items() if name not in ("id", "event_id")}
            taken.append(TakenInput(recorded, row["event_id"]))
        connection.execute(delete(inputs).where(*own))
        return taken


@repeated
def reconnect_inputs(store: Store, task_id: str, taken: Sequence[TakenInput]) -> None:
    """Put back what `disconnect_inputs` has taken out of a task's inputs, as it was recorded.

    Which version it was isn't known any more if that one is gone by now. What the task has loaded meanwhile
    is counted to it. Raises NotFound if the task or a model is gone.
    """
    with store._writing(f"task:{task_id}") as connection:
        _task(connection, task_id)
        for each in taken:
            row = {**each.recorded, "snapshot_id": None}
            known = None
            query = select(snapshots.c.id, snapshots.c.model_id).where(snapshots.c.event_id == each.event_id)
            if (there := connection.execute(query).first()) is not None:
                row |= {"snapshot_id": there.id, "model_id": there.model_id}
                same = (inputs.c.task_id == task_id, inputs.c.snapshot_id == there.id)
                known = connection.execute(select(inputs.c.id, inputs.c.count).where(*same)).first()
            store._model(connection, row["model_id"])
            if known is None:
                connection.execute(insert(inputs).values(row))
            else:
                row["count"] += known.count
                connection.execute(update(inputs).where(inputs.c.id == known.id).values(row))


@repeated
def forget_task(store: Store, task_id: str, *, force: bool = False) -> None:
    """Take a task that runs no more out of the records, with its inputs; its models must be gone already.

    Raises NotFound, and InUse if it runs, or still has models: by `force` these stay, as nobody's.
    """
    with store._writing(f"task:{task_id}") as connection:
        record = _task(connection, task_id)
        if record.status == "running":
            raise InUse(f"the task {record.name} is running; end it first")
        own = models.c.task_id == task_id
        if force:
            connection.execute(update(models).where(own).values(task_id=None))
        if connection.execute(select(models.c.id).where(own)).first() is not None:
            raise InUse(f"the task {record.name} still has models; remove them first, or its models along")
        for table in (inputs, skips, faults, artifacts, changes):
            connection.execute(delete(table).where(table.c.task_id == task_id))
        connection.execute(update(packs).where(packs.c.task_id == task_id).values(task_id=None))
        connection.execute(delete(done).where(done.c.task_id == task_id))
        connection.execute(delete(tasks).where(tasks.c.id == task_id))
