"""What people and frameworks have said of models, on its way from one store into another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Connection, insert, select

from .known import keep_weights, text
from .racing import put
from .rows import batches
from .schema import aliases, figures, metrics, snapshots, weights

__all__ = ["SAID_OF_MODELS", "SAID_OF_TASKS", "said", "take_said", "take_weights", "weights_digests"]

Row = dict[str, Any]

#: Columns that bundles of earlier versions haven't got.
SAID_OF_TASKS = ("kind", "comment", "archived", "parent", "configurations", "parameters", "labels", "design")
SAID_OF_MODELS = ("role", "system_tags", "said")


def said(connection: Connection, model_ids: Collection[str], iso: Callable[[float], Any]) -> dict[str, Row]:
    """The aliases, scalars and figures of models, by their ids."""
    found: dict[str, Row] = {each: {"aliases": {}, "scalars": [], "figures": []} for each in model_ids}
    for batch in batches(sorted(model_ids)):
        named = select(aliases.c.model_id, aliases.c.name, snapshots.c.version)
        named = named.join(snapshots, snapshots.c.id == aliases.c.snapshot_id)
        for row in connection.execute(named.where(aliases.c.model_id.in_(batch))):
            found[row.model_id]["aliases"][row.name] = row.version
        for row in connection.execute(select(metrics).where(metrics.c.model_id.in_(batch))):
            iteration = None if row.iteration < 0 else row.iteration
            found[row.model_id]["scalars"].append([row.name, iteration, row.value, iso(row.time)])
        for each in connection.execute(select(figures).where(figures.c.model_id.in_(batch))).mappings():
            figure = {name: each[name] for name in ("title", "series", "kind", "figure")}
            figure["iteration"] = None if each["iteration"] < 0 else each["iteration"]
            found[each["model_id"]]["figures"].append({**figure, "created": iso(each["created"])})
    return found


def weights_digests(connection: Connection, snapshot_ids: Collection[int]) -> dict[int, list[str]]:
    """The digests that the tensors of versions may have, the proper one first."""
    found: dict[int, list[str]] = {}
    for batch in batches(sorted(snapshot_ids)):
        query = select(weights, snapshots.c.weights_digest).join(snapshots)
        for row in connection.execute(
            query.where(weights.c.snapshot_id.in_(batch)).order_by(weights.c.digest)
        ):
            known = found.setdefault(row.snapshot_id, [])
            known.insert(0 if row.digest == row.weights_digest else len(known), row.digest)
    return found


def take_said(connection: Connection, row: Mapping[str, Any]) -> None:
    """Take a new model's aliases, scalars and figures; its versions are there already."""
    model_id = row["id"]
    there = select(snapshots.c.version, snapshots.c.id).where(snapshots.c.model_id == model_id)
    numbers = {each.version: each.id for each in connection.execute(there)}
    for name, version in row.get("aliases", {}).items():
        if version in numbers:
            entry = {"model_id": model_id, "name": text(name), "snapshot_id": numbers[version]}
            connection.execute(insert(aliases).values(entry))
    scalars = {
        (text(name), -1 if iteration is None else iteration): {"value": value, "time": _when(moment)}
        for name, iteration, value, moment in row.get("scalars", [])
    }
    put(
        connection,
        metrics,
        [
            {"model_id": model_id, "name": name, "iteration": at, **each}
            for (name, at), each in scalars.items()
        ],
    )
    for each in row.get("figures", []):
        entry = {name: each[name] for name in ("kind", "figure")}
        entry |= {"title": text(each["title"]), "series": text(each["series"])}
        entry["iteration"] = -1 if each["iteration"] is None else each["iteration"]
        values = {**entry, "model_id": model_id, "created": _when(each["created"])}
        connection.execute(insert(figures).values(values))


def take_weights(connection: Connection, snapshot_id: int, row: Mapping[str, Any]) -> None:
    """Take the digests that the tensors of a new version may have."""
    if digests := row.get("weights_digests", []):
        proper = snapshots.update().where(snapshots.c.id == snapshot_id)
        connection.execute(proper.values(weights_digest=digests[0]))
        keep_weights(connection, snapshot_id, sorted(set(digests)))


def _when(moment: str) -> float:
    return datetime.fromisoformat(moment).astimezone(timezone.utc).timestamp()
