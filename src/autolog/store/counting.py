"""Which packs somebody counts on beyond what the records name.

What a task puts aside may need chunks that it has kept before, and say so only when it gets to where it is
kept. Until then their packs stay, whatever is given up: as long as the task runs, and as long as a snapshot
of it waits. A task that hasn't been heard of for a week is taken for gone: a machine may be off, or cut off
from the store, for a while.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, or_, select, text, union, update

from .rows import batches
from .schema import done, snapshots, tasks
from .schema_kept import kept, packs, uses

__all__ = ["adopt", "counting", "is_counting", "lock_packs"]

_LOCK = 7020395
#: A task whose end is not recorded may go on after so many seconds of silence.
_GONE_SECONDS = 7 * 86400.0


def lock_packs(connection: Connection, *, shared: bool) -> None:
    """Hold off whoever gives up packs (or, unless `shared`, records or adopts some) until this is over."""
    if connection.dialect.name == "postgresql":
        kind = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(text(f"SELECT {kind}({_LOCK})"))


def counting() -> Any:
    """The ids of all tasks that count on what they have kept."""
    return union(_unended(), _waiting())


def is_counting(connection: Connection, task_id: str | None) -> bool:
    """Whether a task counts on what it has kept."""
    if task_id is None:
        return False
    ways = (_unended().where(tasks.c.id == task_id), _waiting().where(done.c.task_id == task_id).limit(1))
    return any(connection.execute(each).first() is not None for each in ways)


def adopt(connection: Connection, snapshot_ids: Iterable[int]) -> None:
    """Have the packs that these snapshots need stay for their tasks, if these count on what they have kept.

    For when they are given up: what another task has brought, or a rewritten pack, is nobody's else. Packs of
    a task that counts on them itself are left to it.
    """
    lock_packs(connection, shared=True)
    wanted: dict[str, set[int]] = {}
    for batch in batches(sorted(snapshot_ids)):
        query = (
            select(done.c.task_id, packs.c.id)
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
        for task_id, pack_id in connection.execute(query):
            wanted.setdefault(task_id, set()).add(pack_id)
    for task_id, ids in wanted.items():
        if not is_counting(connection, task_id):
            continue
        for batch in batches(sorted(ids)):
            is_free = or_(packs.c.task_id.is_(None), packs.c.task_id.not_in(counting()))
            connection.execute(update(packs).where(packs.c.id.in_(batch), is_free).values(task_id=task_id))


def _unended() -> Any:
    since = time.time() - _GONE_SECONDS
    return select(tasks.c.id).where(tasks.c.status == "running", tasks.c.heartbeat > since)


def _waiting() -> Any:
    return (
        select(done.c.task_id)
        .join(snapshots, snapshots.c.event_id == done.c.event_id)
        .where(snapshots.c.keeping == "waiting", done.c.task_id.is_not(None))
    )
