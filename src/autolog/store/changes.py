"""What tasks' repositories had beyond their commits: recording it, reading it, and taking it along."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from .database import Store
from .known import text
from .records import ChangesRecord
from .rows import batches
from .schema import changes

__all__ = ["changes_of", "give_changes", "put_changes"]

_NAMES = tuple(each.name for each in fields(ChangesRecord))


def changes_of(store: Store, task_id: str) -> ChangesRecord | None:
    """What a task's repository had beyond its commit; None if nothing was found or asked."""
    with store._reading() as connection:
        found = give_changes(connection, [task_id]).get(task_id)
    if found is None:
        return None
    listed: dict[str, Any] = {
        key: tuple(each) if isinstance(each, list) else each for key, each in found.items()
    }
    return ChangesRecord(**listed)


def give_changes(connection: Connection, task_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """The same of several tasks as plain data, by their ids."""
    found: dict[str, dict[str, Any]] = {}
    for batch in batches(sorted(task_ids)):
        for row in connection.execute(select(changes).where(changes.c.task_id.in_(batch))):
            known = {key: each for key, each in row.facts.items() if key in _NAMES}
            found[row.task_id] = {**known, "diff": row.diff}
    return found


def put_changes(connection: Connection, task_id: str, found: ChangesRecord | Mapping[str, Any]) -> None:
    """Record it, in place of what there is."""
    facts = asdict(found) if isinstance(found, ChangesRecord) else {k: found[k] for k in _NAMES if k in found}
    diff = text(facts.pop("diff", ""))
    for name in ("binary", "untracked"):
        facts[name] = [text(each) for each in facts.get(name, ())]
    connection.execute(delete(changes).where(changes.c.task_id == task_id))
    connection.execute(insert(changes).values(task_id=task_id, diff=diff, facts=facts))
