"""Records as the JSON that docs/json.md describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from autolog.config import conceal

from .words import iso

if TYPE_CHECKING:
    from autolog.formats import Change
    from autolog.store import (
        ChangesRecord,
        FaultRecord,
        InputRecord,
        ModelRecord,
        OutputRecord,
        SnapshotRecord,
        TaskRecord,
        VersionRecord,
    )

__all__ = [
    "SCHEMA",
    "change",
    "fault",
    "git",
    "given",
    "made",
    "model",
    "snapshot",
    "task",
    "task_row",
    "version",
]

#: The version of these names, carried by every object that is a whole answer.
SCHEMA = 1


def model(
    record: ModelRecord, *, tensors: bool = False, kept_at: Mapping[int, Sequence[str]] = MappingProxyType({})
) -> dict[str, Any]:
    """A model with the snapshots that its record holds; `kept_at` says by their ids where they are kept."""
    known = record.task_id is not None
    return {
        "id": record.id,
        "name": record.name,
        "project": record.project,
        "framework": record.framework,
        "type": record.model_type,
        "status": record.status,
        "archived": record.archived,
        "tags": list(record.tags),
        "aliases": dict(record.aliases),
        "task": {"id": record.task_id, "name": record.task_name} if known else None,
        "origin": record.origin,
        "labels": dict(record.labels),
        "design": record.design,
        "metadata": dict(record.metadata),
        "comment": record.comment,
        "created": iso(record.created),
        "updated": iso(record.updated),
        "versions": record.versions,
        "snapshots": [
            snapshot(each, tensors=tensors, kept_at=kept_at.get(each.id, ())) for each in record.snapshots
        ],
    }


def snapshot(record: SnapshotRecord, *, tensors: bool = False, kept_at: Sequence[str] = ()) -> dict[str, Any]:
    """One version; its tensors only on request."""
    inside = record.contents
    found: dict[str, Any] = {
        "version": record.version,
        "digest": record.digest,
        "weights_digest": record.weights_digest,
        "size": record.size,
        "uri": record.uri,
        "state": record.standing,
        "reason": record.reason,
        "keeping": record.keeping,
        "keeping_reason": record.keeping_reason,
        "kept_at": list(kept_at),
        "stored": record.stored,
        "iteration": record.iteration,
        "metrics": dict(record.metrics),
        "created": iso(record.created),
        "format": None if inside is None else inside.format,
        "parameters": None if inside is None else inside.parameters,
        "dangerous": [] if inside is None else list(inside.dangerous),
        "files": [{"path": each.name, "size": each.size, "digest": each.digest} for each in record.parts],
    }
    if tensors:
        listed = () if inside is None else inside.tensors
        found["tensors"] = [{"name": n, "shape": list(shape), "dtype": kind} for n, shape, kind in listed]
    return found


def version(record: VersionRecord) -> dict[str, Any]:
    """Which version of which model is meant."""
    return {
        "model_id": record.model_id,
        "name": record.name,
        "version": record.version,
        "digest": record.digest,
        "size": record.size,
    }


def task(record: TaskRecord, changes: ChangesRecord | None = None) -> dict[str, Any]:
    """A task with all that belongs to it; `changes` is what its repository had beyond the commit."""
    return {
        "id": record.id,
        "name": record.name,
        "project": record.project,
        "status": record.status,
        "reason": record.reason,
        "started": iso(record.started),
        "finished": iso(record.finished),
        "user": record.user,
        "host": record.host,
        "script": record.script,
        "argv": conceal(list(record.argv)),
        "cwd": record.cwd,
        "tags": list(record.tags),
        "git": git(record, changes),
        "versions": dict(record.versions),
        "job": dict(record.job),
        "hooks": dict(record.hooks),
        "inputs": [given(each) for each in record.inputs],
        "outputs": [made(each) for each in record.outputs],
        "skipped": [{"path": each.path, "rule": each.rule, "count": each.count} for each in record.skipped],
        "not_kept": [
            {"keeping": each.keeping, "keeping_reason": each.reason, "count": each.count}
            for each in record.not_kept
        ],
        "faults": [fault(each) for each in record.faults],
    }


def git(record: TaskRecord, changes: ChangesRecord | None) -> dict[str, Any]:
    """The version of a task's code, and what its repository had beyond the commit."""
    found = dict(record.git)
    if changes is not None:
        is_cut = changes.cut_bytes or changes.names_left
        found |= {
            "diff": changes.diff,
            "binary": list(changes.binary),
            "untracked": list(changes.untracked),
            "altered": changes.altered,
            "cut": {"lines": changes.cut_lines, "bytes": changes.cut_bytes, "names": changes.names_left}
            if is_cut
            else None,
            "read": iso(changes.read),
            "problem": changes.problem,
        }
    return found


def task_row(record: TaskRecord) -> dict[str, Any]:
    """A task as a table has it: how many models it has, and not which."""
    return {
        "id": record.id,
        "name": record.name,
        "project": record.project,
        "status": record.status,
        "reason": record.reason,
        "started": iso(record.started),
        "finished": iso(record.finished),
        "user": record.user,
        "host": record.host,
        "script": record.script,
        "argv": conceal(list(record.argv)),
        "tags": list(record.tags),
        "comment": record.comment,
        "archived": record.archived,
        "input_count": record.input_count,
        "output_count": record.output_count,
    }


def given(record: InputRecord) -> dict[str, Any]:
    """An input model of a task. `name` is the model's, as in every other object."""
    return {
        "model_id": record.model_id,
        "name": record.model_name,
        "framework": record.framework,
        "version": record.version,
        "digest": record.digest,
        "path": record.path,
        "origin": record.origin,
        "own": record.own,
        "also_made_by": list(record.also_made_by),
        "count": record.count,
    }


def made(record: OutputRecord) -> dict[str, Any]:
    """An output model of a task."""
    return {
        "model_id": record.model_id,
        "name": record.name,
        "framework": record.framework,
        "versions": record.versions,
    }


def fault(record: FaultRecord) -> dict[str, Any]:
    """One of our own faults."""
    return {
        "time": iso(record.time),
        "where": record.where,
        "error": record.error,
        "traceback": record.traceback,
    }


def change(record: Change) -> dict[str, Any]:
    """What became of a tensor."""

    def tensor(each: Any) -> Any:
        return None if each is None else {"shape": list(each.shape), "dtype": each.dtype}

    return {
        "name": record.name,
        "kind": record.kind,
        "a": tensor(record.old),
        "b": tensor(record.new),
        "norm": record.norm,
        "relative": record.relative,
        "largest": record.largest,
        "share": record.share,
        "nonfinite": record.nonfinite,
    }
