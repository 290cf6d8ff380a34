"""Artifacts of tasks: what a run keeps beside its models, one plain file each."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update

from autolog.errors import NotFound

from .database import Store
from .known import new_key
from .known import text as as_text
from .racing import repeated
from .records import PlaceRecord
from .rows import batches
from .schema import artifacts, tasks
from .schema_kept import places

__all__ = [
    "ArtifactRecord",
    "NewArtifact",
    "artifacts_of",
    "delete_artifacts",
    "find_artifact",
    "has_artifact_at",
    "record_artifact",
]


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """A file that has been put at `path` below a place; `kind`, `preview` as in `ArtifactRecord`."""

    name: str
    kind: str
    place_id: int
    path: str
    digest: str
    size: int
    metadata: Mapping[str, Any]
    preview: str


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """An artifact of a task: its file at `path` below its place, the file's digest and size in bytes.

    `kind` says what it was made of: `file`, `folder` (a zip), `json`, `array`, `table`, `image`, `text` or
    `pickle`. `preview` is its beginning as text. `created` is when it was last uploaded, in seconds.
    """

    id: int
    task_id: str
    name: str
    kind: str
    place: PlaceRecord
    path: str
    digest: str
    size: int
    metadata: Mapping[str, Any]
    preview: str
    created: float


@repeated
def record_artifact(
    store: Store, task_id: str, new: NewArtifact
) -> tuple[ArtifactRecord, ArtifactRecord | None]:
    """Record an artifact of a task, and the one of the same name that it replaces, if there was one.

    The file of the replaced one is the caller's to take away. Raises NotFound if there is no such task.
    """
    values = {
        "kind": new.kind,
        "place_id": new.place_id,
        "path": new.path,
        "digest": new.digest,
        "size": new.size,
        "metadata": dict(new.metadata),
        "preview": new.preview,
        "created": time.time(),
    }
    with store._writing(f"artifacts:{task_id}") as connection:
        _see_task(connection, task_id)
        before = _one(connection, task_id, new.name)
        if before is None:
            row = {"task_id": task_id, "name": new.name, **values}
            new_key(connection.execute(insert(artifacts).values(**row)))
        else:
            connection.execute(update(artifacts).where(artifacts.c.id == before.id).values(**values))
        after = _one(connection, task_id, new.name)
        assert after is not None  # it has just been written
        return after, before


def artifacts_of(store: Store, task_id: str) -> list[ArtifactRecord]:
    """All artifacts of a task, in the order in which their names came up. Raises NotFound."""
    with store._reading() as connection:
        _see_task(connection, task_id)
        query = _query().where(artifacts.c.task_id == task_id).order_by(artifacts.c.id)
        return [_record(row) for row in connection.execute(query).mappings()]


def find_artifact(store: Store, task_id: str, name: str) -> ArtifactRecord:
    """The artifact of a task that goes by a name. Raises NotFound."""
    with store._reading() as connection:
        _see_task(connection, task_id)
        found = _one(connection, task_id, name)
        if found is None:
            raise NotFound(_none(connection, task_id, name))
        return found


def has_artifact_at(store: Store, place_id: int, path: str, *, besides: int | None = None) -> bool:
    """Whether any artifact's file is at this path below a place; `besides` is one that doesn't count."""
    query = select(artifacts.c.id).where(artifacts.c.place_id == place_id, artifacts.c.path == path)
    if besides is not None:
        query = query.where(artifacts.c.id != besides)
    with store._reading() as connection:
        return connection.execute(query.limit(1)).first() is not None


@repeated
def delete_artifacts(store: Store, task_id: str, names: Collection[str]) -> list[ArtifactRecord]:
    """Take artifacts of a task out of the records; what they were. Unknown names are passed over."""
    with store._writing(f"artifacts:{task_id}") as connection:
        found = [_one(connection, task_id, name) for name in dict.fromkeys(names)]
        gone = [each for each in found if each is not None]
        for batch in batches([each.id for each in gone]):
            connection.execute(delete(artifacts).where(artifacts.c.id.in_(batch)))
        return gone


def _see_task(connection: Connection, task_id: str) -> None:
    if connection.execute(select(tasks.c.id).where(tasks.c.id == task_id)).first() is None:
        raise NotFound(f"no task has the id {task_id!r}; list them with `autolog tasks`")


def _none(connection: Connection, task_id: str, name: str) -> str:
    query = select(artifacts.c.name).where(artifacts.c.task_id == task_id).order_by(artifacts.c.name)
    there = connection.execute(query.limit(10)).scalars().all()
    known = f"; it has {', '.join(map(repr, there))}" if there else "; it has none at all"
    return f"the task {task_id[:12]} has no artifact {as_text(name)!r}{known}"


def _query() -> Select[Any]:
    return select(artifacts, places.c.url, places.c.host).join(places, places.c.id == artifacts.c.place_id)


def _one(connection: Connection, task_id: str, name: str) -> ArtifactRecord | None:
    query = _query().where(artifacts.c.task_id == task_id, artifacts.c.name == name)
    row = connection.execute(query).mappings().first()
    return None if row is None else _record(row)


def _record(row: Mapping[Any, Any]) -> ArtifactRecord:
    return ArtifactRecord(
        id=row["id"],
        task_id=row["task_id"],
        name=row["name"],
        kind=row["kind"],
        place=PlaceRecord(row["place_id"], row["url"], row["host"]),
        path=row["path"],
        digest=row["digest"],
        size=row["size"],
        metadata=row["metadata"],
        preview=row["preview"],
        created=row["created"],
    )
