"""Recording loads: which snapshot a file is, whoever made it and wherever it has been since."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from autolog.events import Loaded

from .known import (
    Look,
    keep_contents,
    keep_parts,
    keep_weights,
    new_id,
    new_key,
    new_model,
    remember,
    skip,
    text,
)
from .schema import inputs, models, parts, snapshots, weights

__all__ = ["record_load"]


def record_load(connection: Connection, task_id: str, event: Loaded, look: Look) -> None:
    """A weights file was read: the task's input model, through the snapshot that it is."""
    path = text(look.path or event.path) or None
    keep_contents(connection, look)
    matches: list[Mapping[Any, Any]] = [*_snapshots_like(connection, event, look, path)]
    if not matches:
        if event.skip is not None:
            _skip_load(connection, task_id, event, path)
            return
        matches = [_import(connection, event, look, path)]
    chosen = matches[0]
    others = [each for each in matches[1:] if each["model_id"] != chosen["model_id"]]
    also = [f"{each['model_id']}:v{each['version']}" for each in others]
    _add_input(connection, task_id, event, chosen, {"path": path, "also": also[:20]})
    if event.facts is not None and look.digest is not None and not look.parts:
        remember(connection, event.facts, look.digest)


def _snapshots_like(connection: Connection, event: Loaded, look: Look, path: str | None) -> list[RowMapping]:
    """Snapshots with these bytes, best first: the same file, the same path or folder, the newest."""
    query = select(snapshots, models.c.task_id, models.c.name.label("model_name")).join(models)
    if look.digest is not None:
        same = _ids_like(connection, look)
        if not same and look.weights:
            # Other bytes, but the same tensors: saved again, or converted. Only from a run that made them: an
            # import is no maker, and what was found elsewhere keeps its own origin.
            alike = select(weights.c.snapshot_id).where(weights.c.digest.in_(look.weights))
            query = query.where(snapshots.c.id.in_(alike), models.c.task_id.is_not(None))
        else:
            query = query.where(snapshots.c.id.in_(same))
    elif path is not None and look.lost is None:
        # The bytes are out of reach: what was last recorded under this very URI.
        query = query.where(snapshots.c.uri == path, snapshots.c.state == "at_path")
    else:
        return []
    facts = event.facts

    def rank(row: RowMapping) -> tuple[bool, bool, bool, float]:
        file = None if facts is None else (str(facts.device), str(facts.inode))
        same = (row["device"], row["inode"]) == file
        made = float(row["created"])
        is_there = path is not None and (row["uri"] == path or path.startswith(f"{row['uri']}/"))
        return not same, not is_there, made > event.time, -made

    return sorted(connection.execute(query).mappings().all(), key=rank)


def _ids_like(connection: Connection, look: Look) -> list[int]:
    """Snapshots that are these bytes: all of them, or as far as weights go.

    A file may be a part of a snapshot, and a folder may have the one file that was saved in it, or all
    the weights of another one beside other things.
    """
    same = connection.execute(select(snapshots.c.id).where(snapshots.c.digest == look.digest)).scalars().all()
    if same and look.parts:
        return [*same]
    wanted = {digest for part, digest in look.parts if part.weights} or {look.digest or ""}
    rows = connection.execute(
        select(parts.c.snapshot_id, parts.c.digest).where(parts.c.digest.in_(wanted), parts.c.weights)
    ).all()
    having: dict[int, set[str]] = {}
    for snapshot_id, digest in rows:
        having.setdefault(snapshot_id, set()).add(digest)
    complete = [snapshot_id for snapshot_id, digests in having.items() if digests == wanted]
    if not look.parts:
        return [*same, *complete]  # saved alone, or in a folder: the path decides
    if complete:
        return complete
    inside = [
        snapshot_id
        for snapshot_id, digests in having.items()
        if len(digests) == _count_weights(connection, snapshot_id)
    ]
    singles = connection.execute(select(snapshots.c.id).where(snapshots.c.digest.in_(wanted))).scalars().all()
    return [*inside, *singles]


def _count_weights(connection: Connection, snapshot_id: int) -> int:
    query = select(func.count(parts.c.digest.distinct())).where(
        parts.c.snapshot_id == snapshot_id, parts.c.weights
    )
    return int(connection.execute(query).scalar_one())


def _import(connection: Connection, event: Loaded, look: Look, path: str | None) -> Mapping[str, Any]:
    """A file that nobody here made: a model of its own, with the place it was found as its origin."""
    model_id = new_id()
    origin = text(look.origin) or path or f"<{event.place}>"
    connection.execute(
        insert(models).values(
            **{**new_model(model_id, event.framework, event.time), "labels": dict(look.labels)},
            project="imported",
            name=look.stem or origin,
            task_id=None,
            key=origin,
            model_type=text(event.model_type),
            design=None if look.design is None else text(look.design),
            origin=origin,
        )
    )
    facts = event.facts
    row = {
        "model_id": model_id,
        "version": 1,
        "event_id": event.id,
        "digest": look.digest,
        "size": event.size,
        "uri": path,
        "state": "in_memory" if event.place == "memory" else "lost" if look.lost else "at_path",
        "reason": look.lost or "",
        "iteration": None,
        "function": event.function,
        "rank": None,
        "device": None if facts is None else str(facts.device),
        "inode": None if facts is None else str(facts.inode),
        "weights_digest": look.weights[0] if look.weights else None,
        "metrics": {},
        "created": event.time,
    }
    inserted = connection.execute(insert(snapshots).values(row))
    keep_parts(connection, new_key(inserted), look)
    keep_weights(connection, new_key(inserted), look.weights)
    return {**row, "id": new_key(inserted), "task_id": None}


def _add_input(
    connection: Connection,
    task_id: str,
    event: Loaded,
    chosen: Mapping[Any, Any],
    more: Mapping[str, Any],
) -> None:
    known = connection.execute(
        select(inputs.c.id).where(inputs.c.task_id == task_id, inputs.c.snapshot_id == chosen["id"])
    ).scalar()
    if known is not None:
        connection.execute(update(inputs).where(inputs.c.id == known).values(count=inputs.c.count + 1))
        return
    path = more["path"]
    connection.execute(
        insert(inputs).values(
            task_id=task_id,
            model_id=chosen["model_id"],
            snapshot_id=chosen["id"],
            name=_stem(path) or "model",
            path=path,
            framework=event.framework,
            function=event.function,
            own=chosen["task_id"] == task_id,
            also_made_by=more["also"],
            count=1,
            first_loaded=event.time,
        )
    )


def _skip_load(connection: Connection, task_id: str, event: Loaded, path: str | None) -> None:
    skip(connection, task_id, path or f"<{event.place}>", f"loaded {event.skip}")


def _stem(path: str | None) -> str:
    return os.path.splitext(os.path.basename(path))[0] if path else ""
