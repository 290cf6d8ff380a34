"""Which packs somebody counts on beyond what the records name.

What a task puts aside may need chunks that it has kept before, and say so only when it gets to where it is
kept. Until then their packs stay, whatever is given up: as long as the task runs, and as long as a snapshot
of it waits. A task is taken for gone when for a week it hasn't been heard of and no snapshot was made that
waits: a machine may be off, or cut off from the store, for a while, or never be seen again.

A task counts on the packs that it has brought, and on those that it holds (`adopt`); several may on one.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, and_, or_, select, text, union

from .racing import insert_into
from .rows import batches
from .schema import WAITING, done, snapshots, tasks
from .schema_kept import holds, kept, packs, uses

__all__ = ["adopt", "any_counts_on", "is_counted_on", "lock_packs"]

_LOCK = 7020395
#: A task may go on, or what it has put aside be sent, after so many seconds of silence.
_GONE_SECONDS = 7 * 86400.0


def lock_packs(connection: Connection, *, shared: bool) -> None:
    """Hold off whoever gives up packs (or, unless `shared`, records or adopts some) until this is over."""
    if connection.dialect.name == "postgresql":
        kind = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(text(f"SELECT {kind}({_LOCK})"))


def is_counted_on() -> Any:
    """The condition that a task counts on a pack, for statements about `packs`."""
    counting = union(_unended(), _waiting())
    return or_(
        # Said of NULL, too: the condition may be turned round.
        and_(packs.c.task_id.is_not(None), packs.c.task_id.in_(counting)),
        packs.c.id.in_(select(holds.c.pack_id).where(holds.c.task_id.in_(counting))),
    )


def any_counts_on(connection: Connection, pack_ids: Collection[int]) -> bool:
    """Whether a task counts on one of these packs; takes no longer where there are many others."""
    found: set[str] = set()
    for batch in batches(sorted(pack_ids)):
        for column, pack_id in ((packs.c.task_id, packs.c.id), (holds.c.task_id, holds.c.pack_id)):
            found.update(connection.execute(select(column).where(pack_id.in_(batch))).scalars())
    return bool(_counting_among(connection, found))


def adopt(connection: Connection, snapshot_ids: Iterable[int]) -> None:
    """Have the packs that these snapshots need stay for their tasks, if these count on what they have kept.

    For when they are given up: what another task has brought, or a rewritten pack, is held by them from then
    on, beside whoever else counts on it.
    """
    lock_packs(connection, shared=True)
    found: set[tuple[int, str]] = set()
    for batch in batches(sorted(snapshot_ids)):
        query = (
            select(packs.c.id, done.c.task_id)
            .select_from(snapshots)
            .join(done, done.c.event_id == snapshots.c.event_id)
            .join(kept, kept.c.snapshot_id == snapshots.c.id)
            .join(uses, uses.c.recipe_id == kept.c.recipe_id)
            .join(packs, packs.c.id == uses.c.pack_id)
            .where(
                snapshots.c.id.in_(batch), or_(packs.c.task_id.is_(None), packs.c.task_id != done.c.task_id)
            )
            .distinct()
        )
        found.update((pack_id, task_id) for pack_id, task_id in connection.execute(query))
    counting = _counting_among(connection, {task_id for _, task_id in found})
    # In one order: two writers that have several rows in common would wait for each other otherwise.
    rows = [
        {"pack_id": pack_id, "task_id": task_id} for pack_id, task_id in sorted(found) if task_id in counting
    ]
    if rows:
        connection.execute(insert_into(connection, holds).on_conflict_do_nothing(), rows)


def _counting_among(connection: Connection, task_ids: Iterable[str | None]) -> set[str]:
    """Those of these tasks that count on what they have kept."""
    asked = {each for each in task_ids if each is not None}
    if not asked:
        return set()
    found = asked.intersection(connection.execute(_waiting()).scalars())
    for batch in batches(sorted(asked - found)):
        found.update(connection.execute(_unended().where(tasks.c.id.in_(batch))).scalars())
    return found


def _unended() -> Any:
    since = time.time() - _GONE_SECONDS
    return select(tasks.c.id).where(tasks.c.status == "running", tasks.c.heartbeat > since)


def _waiting() -> Any:
    since = time.time() - _GONE_SECONDS
    return (
        select(tasks.c.id)
        .select_from(snapshots)
        .join(done, done.c.event_id == snapshots.c.event_id)
        .join(tasks, tasks.c.id == done.c.task_id)
        .where(WAITING, or_(tasks.c.heartbeat > since, snapshots.c.created > since))
        .distinct()
    )
