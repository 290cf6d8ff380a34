"""Versions across all models: what retention, verification and removal ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import or_, select

from .database import Store
from .kept_reading import running
from .records import VersionRecord
from .rows import batches
from .schema import aliases, inputs, models, snapshots

__all__ = ["aliased", "newest_of_tagged", "published", "used_as_input", "versions"]


def versions(
    store: Store, *, keeping: str | None = None, ids: Collection[int] | None = None
) -> list[VersionRecord]:
    """Versions of all models, model by model and in their order: all, those with this `keeping`, or by id."""
    query = (
        select(
            snapshots,
            models.c.name,
            models.c.project,
            models.c.newest,
            models.c.task_id.in_(running()).label("runs"),
        )
        .join(models, models.c.id == snapshots.c.model_id)
        .order_by(models.c.name, snapshots.c.model_id, snapshots.c.version)
    )
    if keeping is not None:
        query = query.where(snapshots.c.keeping == keeping)
    return [_record(row) for row in _rows(store, query, ids)]


def used_as_input(store: Store) -> set[int]:
    """The snapshots that a task has loaded; and where such a one's bytes are not kept, all that have the
    same ones.
    """
    loaded = select(inputs.c.snapshot_id).where(inputs.c.snapshot_id.is_not(None))
    not_kept = select(snapshots.c.digest).where(
        snapshots.c.id.in_(loaded), snapshots.c.keeping != "kept", snapshots.c.digest.is_not(None)
    )
    query = select(snapshots.c.id).where(or_(snapshots.c.id.in_(loaded), snapshots.c.digest.in_(not_kept)))
    with store._reading() as connection:
        return set(connection.execute(query).scalars())


def published(store: Store) -> set[int]:
    """The snapshots of published models."""
    query = select(snapshots.c.id).join(models).where(models.c.status == "published")
    with store._reading() as connection:
        return set(connection.execute(query).scalars())


def aliased(store: Store) -> set[int]:
    """The snapshots that an alias stands for."""
    with store._reading() as connection:
        return set(connection.execute(select(aliases.c.snapshot_id)).scalars())


def newest_of_tagged(store: Store) -> set[int]:
    """The newest snapshot of each model that has a tag."""
    query = select(snapshots.c.id).join(models).where(snapshots.c.version == models.c.newest)
    with store._reading() as connection:
        return set(connection.execute(query.where(models.c.first_tag.is_not(None))).scalars())


def _rows(store: Store, query: Any, ids: Collection[int] | None) -> Iterator[Any]:
    with store._reading() as connection:
        if ids is None:
            yield from connection.execute(query).mappings()
            return
        for batch in batches(sorted(ids)):
            yield from connection.execute(query.where(snapshots.c.id.in_(batch))).mappings()


def _record(row: Any) -> VersionRecord:
    return VersionRecord(
        snapshot_id=row["id"],
        model_id=row["model_id"],
        name=row["name"],
        project=row["project"],
        version=row["version"],
        created=row["created"],
        size=row["size"],
        digest=row["digest"],
        uri=row["uri"],
        state=row["state"],
        keeping=row["keeping"],
        is_newest=row["version"] == row["newest"],
        is_running=bool(row["runs"]),
    )
