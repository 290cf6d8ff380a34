"""Taking versions and models out of the records."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from autolog.errors import InUse

from .counting import adopt, lock_packs
from .database import Store
from .measuring import forget_metrics
from .racing import repeated
from .records import UseRecord
from .rows import batches
from .schema import (
    aliases,
    contents,
    described,
    figures,
    inputs,
    measures,
    metrics,
    models,
    parts,
    snapshots,
    tagged,
    tasks,
    weights,
)
from .schema_kept import kept

__all__ = ["Going", "published_among", "refuse", "remove", "uses_by_others"]


class Going(NamedTuple):
    """What is to be removed: versions, and whole models with all of theirs.

    What other tasks have loaded, and published models, only go by `force`; with `archived` only models that
    are in the archive.
    """

    snapshot_ids: Collection[int]
    model_ids: Collection[str] = ()
    force: bool = False
    archived: bool = False


def uses_by_others(
    store: Store, snapshot_ids: Collection[int], model_ids: Collection[str] = ()
) -> list[UseRecord]:
    """Where tasks have loaded these snapshots, or any of these models; a task's own models don't count."""
    with store._reading() as connection:
        return _uses(connection, snapshot_ids, model_ids)


def published_among(store: Store, model_ids: Collection[str]) -> int:
    """How many of these models are published."""
    query = select(func.count()).select_from(models).where(models.c.status == "published")
    with store._reading() as connection:
        return sum(
            connection.execute(query.where(models.c.id.in_(batch))).scalar_one()
            for batch in batches(sorted(set(model_ids)))
        )


@repeated
def remove(
    store: Store,
    snapshot_ids: Collection[int],
    model_ids: Collection[str] = (),
    *,
    force: bool = False,
    archived: bool = False,
) -> list[str]:
    """Take snapshots out of the records, and whole models with all that they have.

    Their bytes must be given up already. What other tasks have loaded, and what is published, is refused
    (InUse) unless `force`: then the inputs of others stay, without a version; a model that they name stays,
    too, without any. With `archived` models are refused that are not in the archive. The ids of the models
    that are gone. Nothing is changed if something is raised.
    """
    with store._writing() as connection:
        lock_packs(connection, shared=True)
        refuse(connection, Going(snapshot_ids, model_ids, force, archived))
        ids = set(snapshot_ids)
        for batch in batches(sorted(model_ids)):
            query = select(snapshots.c.id).where(snapshots.c.model_id.in_(batch))
            ids.update(connection.execute(query).scalars())
        for batch in batches(sorted(ids)):
            _remove_snapshots(connection, batch)
        return [each for each in sorted(set(model_ids)) if _remove_model(connection, each)]


def refuse(connection: Connection, going: Going) -> None:
    """Raise InUse if something is not to be removed, as it is now: inside the transaction that does it."""
    if not going.force and (uses := _uses(connection, going.snapshot_ids, going.model_ids)):
        raise InUse(
            f"{uses[0].name} has been loaded by task {uses[0].task_name}; it is removed only by force"
        )
    own = select(snapshots.c.model_id)
    touched = set(going.model_ids)
    for batch in batches(sorted(going.snapshot_ids)):
        touched.update(connection.execute(own.where(snapshots.c.id.in_(batch))).scalars())
    for batch in batches(sorted(touched)):
        query = select(models.c.name, models.c.status, models.c.archived).where(models.c.id.in_(batch))
        # Nobody publishes it or takes it out of the archive before this transaction is over.
        for name, status, archived in connection.execute(query.order_by(models.c.id).with_for_update()):
            if going.archived and not archived:
                raise InUse(f"{name} is not in the archive; only what is there can be deleted")
            if status == "published" and not going.force:
                raise InUse(f"{name} is published; it is removed only by force")


def _uses(
    connection: Connection, snapshot_ids: Collection[int], model_ids: Collection[str]
) -> list[UseRecord]:
    query = (
        select(tasks.c.id, tasks.c.name, models.c.id, models.c.name, snapshots.c.version)
        .select_from(inputs)
        .join(tasks, tasks.c.id == inputs.c.task_id)
        .join(models, models.c.id == inputs.c.model_id)
        .outerjoin(snapshots, snapshots.c.id == inputs.c.snapshot_id)
        .where(or_(models.c.task_id.is_(None), models.c.task_id != inputs.c.task_id))
        .order_by(inputs.c.id)
    )
    conditions = [inputs.c.snapshot_id.in_(batch) for batch in batches(sorted(snapshot_ids))]
    conditions += [inputs.c.model_id.in_(batch) for batch in batches(sorted(model_ids))]
    found = (UseRecord(*row) for each in conditions for row in connection.execute(query.where(each)))
    return list(dict.fromkeys(found))


def _remove_snapshots(connection: Connection, ids: Collection[int]) -> None:
    digests = set(connection.execute(select(snapshots.c.digest).where(snapshots.c.id.in_(ids))).scalars())
    connection.execute(update(inputs).where(inputs.c.snapshot_id.in_(ids)).values(snapshot_id=None))
    adopt(connection, ids)
    connection.execute(delete(kept).where(kept.c.snapshot_id.in_(ids)))
    forget_metrics(connection, ids)
    for table in (parts, weights, aliases):
        connection.execute(delete(table).where(table.c.snapshot_id.in_(ids)))
    connection.execute(delete(snapshots).where(snapshots.c.id.in_(ids)))
    # What is inside some bytes is kept once for all that have them.
    left = select(snapshots.c.digest).where(snapshots.c.digest == contents.c.digest).exists()
    connection.execute(delete(contents).where(contents.c.digest.in_(digests - {None}), ~left))


def _remove_model(connection: Connection, model_id: str) -> bool:
    task_id = connection.execute(select(models.c.task_id).where(models.c.id == model_id)).scalar()
    own = and_(inputs.c.model_id == model_id, inputs.c.task_id == task_id)
    connection.execute(delete(inputs).where(own))
    if connection.execute(select(inputs.c.id).where(inputs.c.model_id == model_id)).first() is not None:
        return False
    # Measures before metrics: what nobody will ask for isn't told anew at each that goes.
    for table in (tagged, described, aliases, measures, metrics, figures):
        connection.execute(delete(table).where(table.c.model_id == model_id))
    return connection.execute(delete(models).where(models.c.id == model_id)).rowcount > 0
