"""From the rows of queries to the records that leave the store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping

from .records import ContentsRecord, InputRecord, ModelRecord, PartRecord, SnapshotRecord, TaskRecord

__all__ = [
    "SILENCE",
    "batches",
    "contents_record",
    "input_record",
    "model_record",
    "part_records",
    "snapshot_record",
    "status_of",
    "task_record",
]

#: A running task whose agent has not been heard of for this many seconds has lost contact.
SILENCE = 90.0
#: How many values one query may name: SQLite takes 32,766.
_BATCH = 500


def contents_record(row: RowMapping, listed: Sequence[Any]) -> ContentsRecord:
    """What is inside a file."""
    return ContentsRecord(
        format=row["format"],
        parameters=row["parameters"],
        tensors=tuple((name, tuple(shape), dtype) for name, shape, dtype in listed),
        details=row["details"],
        dangerous=tuple(row["dangerous"]),
    )


def part_records(rows: Iterable[RowMapping]) -> dict[int, tuple[PartRecord, ...]]:
    """The files of snapshots, by snapshot."""
    found: dict[int, list[PartRecord]] = {}
    for row in rows:
        part = PartRecord(row["name"], row["size"], row["digest"], row["weights"])
        found.setdefault(row["snapshot_id"], []).append(part)
    return {snapshot_id: tuple(each) for snapshot_id, each in found.items()}


def snapshot_record(
    row: RowMapping, *, tensors: bool = False, parts: Mapping[int, tuple[PartRecord, ...]] | None = None
) -> SnapshotRecord:
    """A snapshot's row, joined with its contents."""
    inside = None
    if row["format"] is not None:
        listed: Sequence[Any] = row["tensors"] if tensors else ()
        inside = contents_record(row, listed)
    return SnapshotRecord(
        id=row["id"],
        model_id=row["model_id"],
        version=row["version"],
        digest=row["digest"],
        size=row["size"],
        uri=row["uri"],
        state=row["state"],
        reason=row["reason"],
        iteration=row["iteration"],
        function=row["function"],
        rank=row["rank"],
        metrics=row["metrics"],
        created=row["created"],
        contents=inside,
        parts=(parts or {}).get(row["id"], ()),
        keeping=row["keeping"],
        keeping_reason=row["keeping_reason"],
        stored=row["stored"],
        weights_digest=row["weights_digest"],
    )


def model_record(
    row: RowMapping,
    found: tuple[SnapshotRecord, ...],
    versions: int,
    aliases: Mapping[str, int] | None = None,
) -> ModelRecord:
    """A model, with the snapshots found."""
    return ModelRecord(
        id=row["id"],
        project=row["project"],
        name=row["name"],
        key=row["key"],
        task_id=row["task_id"],
        task_name=row["task_name"],
        framework=row["framework"],
        model_type=row["model_type"],
        status=row["status"],
        archived=row["archived"],
        tags=tuple(row["tags"]),
        labels=row["labels"],
        metadata=row["metadata"],
        design=row["design"],
        comment=row["comment"],
        origin=row["origin"],
        created=row["created"],
        updated=row["updated"],
        versions=versions,
        snapshots=found,
        aliases=aliases or {},
        system_tags=tuple(row["system_tags"]),
        role=row["role"],
        upload_uri=row["upload_uri"],
        said=tuple(row["said"]),
    )


def input_record(row: RowMapping) -> InputRecord:
    """A load, joined with its model and snapshot."""
    return InputRecord(
        task_id=row["task_id"],
        model_id=row["model_id"],
        model_name=row["model_name"],
        name=row["name"],
        framework=row["framework"],
        version=row["version"],
        digest=row["digest"],
        path=row["path"],
        origin=row["origin"],
        own=row["own"],
        also_made_by=tuple(row["also_made_by"]),
        count=row["count"],
        first_loaded=row["first_loaded"],
    )


def status_of(status: str, heartbeat: float | None) -> str:
    """A task's status: one that runs and has long not been heard of has lost contact."""
    is_silent = heartbeat is not None and time.time() - heartbeat > SILENCE
    return "lost contact" if status == "running" and is_silent else status


def task_record(row: RowMapping, **more: Any) -> TaskRecord:
    """A task, `more` of it where it was asked for."""
    return TaskRecord(
        id=row["id"],
        project=row["project"],
        name=row["name"],
        status=status_of(row["status"], row["heartbeat"]),
        reason=row["reason"],
        started=row["started"],
        finished=row["finished"],
        heartbeat=row["heartbeat"],
        user=row["user"],
        host=row["host"],
        script=row["script"],
        argv=tuple(row["argv"]),
        cwd=row["cwd"],
        tags=tuple(row["tags"]),
        git=row["git"],
        versions=row["versions"],
        job=row["job"],
        hooks=row["hooks"],
        kind=row["kind"],
        comment=row["comment"],
        archived=row["archived"],
        parent=row["parent"],
        configurations=row["configurations"],
        parameters=row["parameters"],
        labels=row["labels"],
        design=row["design"],
        output_uri=row["output_uri"],
        initial_iteration=row["initial_iteration"],
        **more,
    )


def batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """As many values at a time as one query may name."""
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
