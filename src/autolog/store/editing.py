"""What people change on purpose: names, tags, labels, metadata, design, aliases, metrics; and publishing."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, select, update

from autolog.errors import BadName, NotFound, Published

from .database import Store
from .describing import describe
from .racing import put, repeated
from .records import ModelRecord
from .schema import aliases, metrics, models, snapshots, tasks

__all__ = [
    "Change",
    "alias",
    "edit",
    "edit_within",
    "is_same",
    "metrics_of",
    "publish",
    "publish_within",
    "report",
    "unalias",
]

#: What may be changed, and whether that is so once the model is published.
_MAY = {
    "name": True,
    "project": True,
    "comment": True,
    "tags": True,
    "metadata": True,
    "archived": True,
    "system_tags": True,
    "upload_uri": True,
    "role": True,
    "framework": False,
    "labels": False,
    "design": False,
}
#: What a save would fill by itself otherwise.
_SAID = frozenset({"name", "framework", "labels", "design"})
#: No version and no id, and nothing that has a meaning in `name@alias`.
_ALIAS = re.compile(r"(?!v\d+\Z)[^\W_][\w.+-]{0,127}\Z")
_LONGEST_NAME = 4096
_LONGEST_TAG = 1_000


Change = Callable[[ModelRecord], Mapping[str, Any]]


def edit(store: Store, model_id: str, change: Change, *, when: float | None = None) -> ModelRecord:
    """Change a model: `change` gets it as it is now and returns the columns that become something else.

    Nobody changes it in between, so what is built on what was there loses nothing of what others write.
    `change` may be called several times; records are handed over without their snapshots. Raises NotFound,
    Published where a published model would get other labels, design or framework, BadName for a name that
    is none, and whatever `change` raises; then nothing is changed.
    """
    return _edit(store, model_id, change, time.time() if when is None else when)


def is_same(one: Any, other: Any) -> bool:
    """Whether values are equal, and what is in them of the same types: 1, 1.0 and true are three."""
    if one != other or not isinstance(one, Mapping):
        return bool(one == other)
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@repeated
def _edit(store: Store, model_id: str, change: Change, when: float) -> ModelRecord:
    with store._writing(f"model:{model_id}") as connection:
        return edit_within(store, connection, model_id, change, when)


def edit_within(
    store: Store, connection: Connection, model_id: str, change: Change, when: float
) -> ModelRecord:
    """`edit` within a transaction that holds the model's lock."""
    record = store._model(connection, model_id)
    wanted = {
        name: value for name, value in change(record).items() if not is_same(getattr(record, name), value)
    }
    if not wanted:
        return record
    forbidden = sorted(name for name in wanted if not _MAY[name])
    if forbidden and record.status == "published":
        raise Published(
            f"{record.name} is published: its {' and '.join(forbidden)} can't change; make another model"
        )
    for name in ("name", "project"):
        if name in wanted:
            check_name(wanted[name], f"a {'model' if name == 'name' else 'project'}'s name")
    for name in ("tags", "system_tags"):
        if name in wanted:
            wanted[name] = list(wanted[name])
    if said := sorted({*record.said, *(wanted.keys() & _SAID)}):
        wanted["said"] = said
    connection.execute(update(models).where(models.c.id == model_id).values(**wanted, updated=when))
    record = store._model(connection, model_id)
    if wanted.keys() & {"tags", "metadata"}:
        describe(connection, model_id, record.tags, record.metadata)
    return record


def check_name(name: str, what: str) -> None:
    """See that a name is one. Raises BadName."""
    if not isinstance(name, str) or not name.strip():
        raise BadName(f"{what} has to be text that isn't empty, not {name!r}")
    if len(name) > _LONGEST_NAME:
        raise BadName(f"{what} may have {_LONGEST_NAME:,} characters; this one has {len(name):,}")


def check_tag(tag: object) -> str:
    """See that a tag is one, and give it. Raises BadName."""
    if not isinstance(tag, str) or not tag.strip():
        raise BadName(f"a tag is text that isn't empty, not {repr(tag)[:60]}")
    if len(tag) > _LONGEST_TAG:
        raise BadName(f"a tag may have {_LONGEST_TAG:,} characters; this one has {len(tag):,}")
    return tag


@repeated
def publish(store: Store, model_id: str) -> ModelRecord:
    """Publish a model and the task that made it; its weights, design and labels don't change any more.

    A task that still runs stays as it is. Raises NotFound.
    """
    with store._writing(f"model:{model_id}") as connection:
        return publish_within(store, connection, model_id)


def publish_within(store: Store, connection: Connection, model_id: str) -> ModelRecord:
    """`publish` within a transaction that holds the model's lock."""
    record = store._model(connection, model_id)
    if record.status == "published":
        return record
    changed = update(models).where(models.c.id == model_id)
    connection.execute(changed.values(status="published", updated=time.time()))
    ended = (tasks.c.id == record.task_id, tasks.c.status != "running")
    connection.execute(update(tasks).where(*ended).values(status="published"))
    return store._model(connection, model_id)


@repeated
def alias(store: Store, model_id: str, name: str, version: int) -> None:
    """Have a name stand for a version; it stands for no other one of that model any more.

    Raises BadName for a name that reads as a version or is none, and NotFound.
    """
    if not _ALIAS.match(name):
        raise BadName(
            f"{name!r} can't be an alias: it has to begin with a letter or a digit, then letters, digits and"
            " _ . + - follow, and it must not read as a version (v3)"
        )
    with store._writing(f"model:{model_id}") as connection:
        record = store._model(connection, model_id)
        query = select(snapshots.c.id)
        query = query.where(snapshots.c.model_id == model_id, snapshots.c.version == version)
        snapshot_id = connection.execute(query).scalar()
        if snapshot_id is None:
            raise NotFound(f"{record.name} has no version v{version}")
        put(connection, aliases, [{"model_id": model_id, "name": name, "snapshot_id": snapshot_id}])
        connection.execute(update(models).where(models.c.id == model_id).values(updated=time.time()))


@repeated
def unalias(store: Store, model_id: str, name: str) -> None:
    """Take an alias away. Raises NotFound."""
    with store._writing(f"model:{model_id}") as connection:
        own = (aliases.c.model_id == model_id, aliases.c.name == name)
        if not connection.execute(delete(aliases).where(*own)).rowcount:
            raise NotFound(f"{store._model(connection, model_id).name} has no alias {name!r}")


@repeated
def report(store: Store, model_id: str, name: str, value: float, iteration: int | None = None) -> None:
    """Record a scalar of a model at an iteration, or of the whole model; a later one takes its place.

    Raises NotFound, BadName.
    """
    check_name(name, "a metric's name")
    number = None if math.isnan(value) else float(value)  # SQLite has no NaN
    row = {"model_id": model_id, "name": name, "iteration": -1 if iteration is None else iteration}
    with store._writing(f"model:{model_id}") as connection:
        store._model(connection, model_id)
        put(connection, metrics, [{**row, "value": number, "time": time.time()}])


def metrics_of(store: Store, model_id: str) -> list[tuple[str, int | None, float | None]]:
    """`(name, iteration, value)` of all scalars of a model, by name and iteration."""
    query = select(metrics.c.name, metrics.c.iteration, metrics.c.value)
    query = query.where(metrics.c.model_id == model_id).order_by(metrics.c.name, metrics.c.iteration)
    with store._reading() as connection:
        return [
            (name, None if iteration < 0 else iteration, value)
            for name, iteration, value in connection.execute(query)
        ]
