"""Records on their way from one store into another: whole, with the lineage that they come from.

What leaves is plain data in JSON types, as docs/bundle.md describes it. Ids are kept: the same record is
never there twice, and one that is there already is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, or_, select

from autolog.errors import BundleError

from .changes import give_changes, put_changes
from .database import Store
from .describing import describe
from .exchange_said import SAID_OF_MODELS, SAID_OF_TASKS, said, take_said, take_weights, weights_digests
from .known import text
from .measuring import note_metrics
from .rows import batches
from .schema import contents, done, inputs, models, parts, snapshots, tasks

__all__ = ["Taken", "give", "take"]

Row = dict[str, Any]

_TASK = ("id", "project", "name", "status", "reason", "user", "host", "script", "argv", "cwd", "tags", "git",
         "versions", "job", "hooks")  # fmt: skip
_MODEL = ("id", "project", "name", "task_id", "key", "framework", "status", "archived", "tags", "labels",
          "metadata", "design", "comment", "origin")  # fmt: skip
_SNAPSHOT = ("model_id", "version", "event_id", "digest", "size", "uri", "state", "reason", "iteration",
             "function", "rank", "metrics")  # fmt: skip
_INPUT = ("task_id", "model_id", "name", "path", "framework", "function", "own", "also_made_by", "count")
_INSIDE = ("digest", "format", "parameters", "tensors", "details", "dangerous")


class Taken(NamedTuple):
    """How many records were new."""

    tasks: int
    models: int
    snapshots: int


# -- giving ---------------------------------------------------------------------------------------


def give(store: Store, snapshot_ids: Collection[int]) -> dict[str, list[Row]]:
    """The records of snapshots and all that they come from: `tasks`, `models`, `snapshots`, `inputs`,
    `contents`.

    That is each snapshot's model, the task that made it, what that task loaded, and so on to the first task.
    """
    with store._reading() as connection:
        found = _Walk(connection)
        found.follow(snapshot_ids)
        return found.rows()


class _Walk:
    """Upward through the lineage, a generation at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tasks: dict[str, Row] = {}
        self._models: dict[str, Row] = {}
        self._snapshots: dict[int, Row] = {}
        self._inputs: dict[int, Row] = {}

    def follow(self, snapshot_ids: Iterable[int]) -> None:
        ids, model_ids = set(snapshot_ids), set[str]()
        while ids or model_ids:
            rows = self._read(snapshots, snapshots.c.id, ids)
            self._snapshots.update((row["id"], row) for row in rows)
            model_ids |= {row["model_id"] for row in rows}
            made = self._read(models, models.c.id, model_ids - self._models.keys())
            self._models.update((row["id"], row) for row in made)
            makers = {row["task_id"] for row in made if row["task_id"] is not None} - self._tasks.keys()
            self._tasks.update((row["id"], row) for row in self._read(tasks, tasks.c.id, makers))
            loaded = self._read(inputs, inputs.c.task_id, makers)
            self._inputs.update((row["id"], row) for row in loaded)
            ids = {row["snapshot_id"] for row in loaded if row["snapshot_id"] is not None}
            ids -= self._snapshots.keys()
            model_ids = {row["model_id"] for row in loaded} - self._models.keys()

    def rows(self) -> dict[str, list[Row]]:
        files: dict[int, list[Row]] = {}
        for row in self._read(parts, parts.c.snapshot_id, self._snapshots):
            files.setdefault(row["snapshot_id"], []).append(
                {"path": row["name"], "size": row["size"], "digest": row["digest"], "weights": row["weights"]}
            )
        numbers = {number: row["version"] for number, row in self._snapshots.items()}
        digests = {row["digest"] for row in self._snapshots.values()} - {None}
        told = said(self._connection, self._models, _iso)
        # An alias of a version that doesn't come along stands for nothing there.
        coming = {(row["model_id"], row["version"]) for row in self._snapshots.values()}
        for model_id, each in told.items():
            named = each["aliases"].items()
            each["aliases"] = {name: version for name, version in named if (model_id, version) in coming}
        weighed = weights_digests(self._connection, self._snapshots)
        changed = give_changes(self._connection, self._tasks)
        return {
            "tasks": [
                {
                    **_pick(row, (*_TASK, *SAID_OF_TASKS)),
                    **({"changes": changed[row["id"]]} if row["id"] in changed else {}),
                    "started": _iso(row["started"]),
                    "finished": _iso(row["finished"]),
                }
                for row in self._tasks.values()
            ],
            "models": [
                {
                    **_pick(row, (*_MODEL, *SAID_OF_MODELS)),
                    **told[row["id"]],
                    "type": row["model_type"],
                    "created": _iso(row["created"]),
                    "updated": _iso(row["updated"]),
                }
                for row in self._models.values()
            ],
            "snapshots": [
                {
                    **_pick(row, _SNAPSHOT),
                    "weights_digests": weighed.get(number, []),
                    "created": _iso(row["created"]),
                    "files": sorted(files.get(number, ()), key=lambda each: str(each["path"])),
                }
                for number, row in sorted(self._snapshots.items())
            ],
            "inputs": [
                {
                    **_pick(row, _INPUT),
                    "version": numbers.get(row["snapshot_id"]),
                    "first_loaded": _iso(row["first_loaded"]),
                }
                for row in self._inputs.values()
            ],
            "contents": [_pick(row, _INSIDE) for row in self._read(contents, contents.c.digest, digests)],
        }

    def _read(self, table: Any, column: Any, values: Collection[Any]) -> list[Row]:
        return [
            dict(row)
            for batch in batches(sorted(values))
            for row in self._connection.execute(select(table).where(column.in_(batch))).mappings()
        ]


def _pick(row: Mapping[str, Any], names: Iterable[str]) -> Row:
    return {name: row[name] for name in names}


def _iso(when: float | None) -> str | None:
    return None if when is None else datetime.fromtimestamp(when, timezone.utc).isoformat()


# -- taking ---------------------------------------------------------------------------------------


def take(store: Store, found: Mapping[str, list[Row]], is_there: Callable[[str], bool]) -> Taken:
    """Take records that `give` gave and somebody has checked; what is there already stays as it is.

    `is_there` says whether a file recorded at a path is to be found at it on this machine. Raises BundleError
    where a record would contradict one that is there, and then nothing is taken.
    """
    with store._writing() as connection:
        new_tasks = [row for row in found["tasks"] if not _has(connection, tasks, row["id"])]
        for row in new_tasks:
            values = {
                **_pick(row, (*_TASK, *(name for name in SAID_OF_TASKS if name in row))),
                "started": _when(row["started"]),
                "finished": _when(row["finished"]),
            }
            # Nobody here will ever hear of one that was running there.
            connection.execute(insert(tasks).values(**_clean(values), heartbeat=values["started"]))
            if "changes" in row:
                put_changes(connection, row["id"], row["changes"])
        new_models = [row for row in found["models"] if not _has(connection, models, row["id"])]
        for row in new_models:
            if row["task_id"] is not None and not _has(connection, tasks, row["task_id"]):
                raise BundleError(f"the task that made {row['name']!r} is not in the bundle")
            more = (name for name in SAID_OF_MODELS if name in row)
            values = {**_pick(row, (*_MODEL, *more)), "model_type": row["type"]}
            times = {"created": _when(row["created"]), "updated": _when(row["updated"])}
            connection.execute(insert(models).values(**_clean(values), **times))
            describe(connection, row["id"], row["tags"], row["metadata"])
        count = sum(_take_snapshot(connection, row, is_there) for row in found["snapshots"])
        for row in new_models:
            take_said(connection, row)
        for row in found["contents"]:
            known = select(contents.c.digest).where(contents.c.digest == row["digest"])
            if connection.execute(known).first() is None:
                connection.execute(insert(contents).values(**_clean(_pick(row, _INSIDE))))
        names = {row["id"] for row in new_tasks}
        for row in found["inputs"]:
            if row["task_id"] in names:
                _take_input(connection, row)
    return Taken(len(new_tasks), len(new_models), count)


def _take_snapshot(connection: Connection, row: Row, is_there: Callable[[str], bool]) -> bool:
    same = or_(
        snapshots.c.event_id == row["event_id"],
        (snapshots.c.model_id == row["model_id"]) & (snapshots.c.version == row["version"]),
    )
    known = connection.execute(
        select(snapshots.c.event_id, snapshots.c.model_id, snapshots.c.version, snapshots.c.digest).where(
            same
        )
    ).all()
    if any(
        tuple(each) != (row["event_id"], row["model_id"], row["version"], row["digest"]) for each in known
    ):
        raise BundleError(
            f"version {row['version']} of model {row['model_id'][:12]} is another one in this store;"
            " export it again from where it was made"
        )
    if known:
        return False
    if not _has(connection, models, row["model_id"]):
        raise BundleError(f"the model {row['model_id'][:12]} of a version is not in the bundle")
    values = {**_pick(row, _SNAPSHOT), "created": _when(row["created"])}
    if row["state"] == "at_path" and not is_there(row["uri"] or ""):
        values["state"] = "gone"
    inserted = connection.execute(insert(snapshots).values(**_clean(values)))
    key = inserted.inserted_primary_key
    assert key is not None  # the table has one
    note_metrics(connection, [values])
    take_weights(connection, int(key[0]), row)
    for file in row["files"]:
        connection.execute(
            insert(parts).values(
                snapshot_id=key[0],
                name=text(file["path"]),
                size=file["size"],
                digest=file["digest"],
                weights=file["weights"],
            )
        )
    if connection.execute(select(done.c.event_id).where(done.c.event_id == row["event_id"])).first() is None:
        maker = select(models.c.task_id).where(models.c.id == row["model_id"])
        task_id = connection.execute(maker).scalar()
        connection.execute(insert(done).values(event_id=row["event_id"], task_id=task_id))
    return True


def _take_input(connection: Connection, row: Row) -> None:
    if not _has(connection, models, row["model_id"]):
        raise BundleError(f"the model {row['model_id'][:12]} that a task loaded is not in the bundle")
    loaded = select(snapshots.c.id).where(
        snapshots.c.model_id == row["model_id"], snapshots.c.version == row["version"]
    )
    connection.execute(
        insert(inputs).values(
            **_clean(_pick(row, _INPUT)),
            snapshot_id=connection.execute(loaded).scalar(),
            first_loaded=_when(row["first_loaded"]),
        )
    )


def _has(connection: Connection, table: Any, number: str) -> bool:
    return connection.execute(select(table.c.id).where(table.c.id == number)).first() is not None


def _clean(values: Row) -> Row:
    return {key: text(each) if isinstance(each, str) else each for key, each in values.items()}


def _when(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()
