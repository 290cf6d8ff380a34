"""What the agent writes: one event, one transaction, never twice.

Every event leaves its id in `done` within the transaction that records it, so an event that is
replayed (after a crash, or by two processes at once) changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from autolog.events import NOT_IMPORTED, Bound, Failed, FileFacts, Finished, Loaded, Saved, Skipped, Started

from .changes import put_changes
from .database import Store
from .known import Look, keep_weights, remembered, skip, text
from .loads import record_load
from .racing import insert_new, lock, repeated
from .records import ChangesRecord
from .saves import places, record_moves, record_save
from .schema import contents, done, faults, parts, snapshots, tasks

__all__ = ["Writer"]


class Writer:
    """Records events in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- tasks ------------------------------------------------------------------------------------

    @repeated
    def started(self, event: Started, now: float) -> None:
        """A run began; its other processes and a replay find it there already.

        A task that goes on runs again, and keeps all else that was said of it.
        """
        values = {
            "id": event.task_id,
            "project": text(event.project),
            "name": text(event.name),
            "status": "running",
            "reason": "",
            "started": event.time,
            "heartbeat": now,
            "user": text(event.user),
            "host": text(event.host),
            "script": text(event.script),
            "argv": [text(each) for each in event.argv],
            "cwd": text(event.cwd),
            "tags": list(event.tags),
            "git": dict(event.git),
            "versions": {"python": event.python} if event.python else {},
            "job": dict(event.job),
            "hooks": {},
            "output_uri": text(event.output_uri),
            "kind": text(event.task_type),
        }
        with self._store._writing() as connection:
            insert_new(connection, tasks, values)
            if event.continues:
                again = {"status": "running", "reason": "", "finished": None, "heartbeat": now}
                connection.execute(update(tasks).where(tasks.c.id == event.task_id).values(again))

    @repeated
    def git(self, task_id: str, git: Mapping[str, Any]) -> None:
        """What the agent has found out of the run's code version."""
        with self._store._writing() as connection:
            connection.execute(update(tasks).where(tasks.c.id == task_id).values(git=dict(git)))

    @repeated
    def changes(self, task_id: str, found: ChangesRecord) -> None:
        """What the run's repository has beyond its commit."""
        with self._store._writing() as connection:
            put_changes(connection, task_id, found)

    @repeated
    def heartbeat(self, task_id: str, now: float) -> None:
        """The task's agent is alive."""
        with self._store._writing() as connection:
            connection.execute(update(tasks).where(tasks.c.id == task_id).values(heartbeat=now))

    @repeated
    def ended(self, task_id: str, status: str, reason: str, when: float) -> None:
        """The run is over (or runs again, `running`: a notebook went on)."""
        with self._store._writing() as connection:
            connection.execute(
                update(tasks)
                .where(tasks.c.id == task_id)
                .values(status=status, reason=text(reason), finished=None if status == "running" else when)
            )

    @repeated
    def bound(self, task_id: str, event: Bound) -> None:
        """Which hooks applied in one process of the run."""
        with self._once(event.id, task_id) as connection:
            if connection is None:
                return
            row = _one(connection, select(tasks.c.hooks, tasks.c.versions).where(tasks.c.id == task_id))
            targets = {**row["hooks"]}
            for target, result in event.targets.items():
                # What one process found out stands, whatever another one never imported.
                if targets.get(target) != "applied" and not (
                    target in targets and result.endswith(NOT_IMPORTED)
                ):
                    targets[target] = result
            versions = {**row["versions"], **event.versions}
            connection.execute(
                update(tasks).where(tasks.c.id == task_id).values(hooks=targets, versions=versions)
            )

    @repeated
    def skipped(self, task_id: str, event: Skipped) -> None:
        """A save was seen and not captured."""
        with self._once(event.id, task_id) as connection:
            if connection is not None:
                skip(connection, task_id, text(event.path), event.rule)

    @repeated
    def failed(self, task_id: str, event: Failed) -> None:
        """A fault of ours during the run."""
        with self._once(event.id, task_id) as connection:
            if connection is not None:
                connection.execute(
                    insert(faults).values(
                        task_id=task_id,
                        time=event.time,
                        place=event.where,
                        error=text(event.error),
                        traceback=text(event.traceback),
                    )
                )

    @repeated
    def finished(self, task_id: str, event: Finished) -> None:
        """A process of the run ended; its task's status is set by `ended`."""
        with self._once(event.id, task_id):
            return

    # -- saves ------------------------------------------------------------------------------------

    @repeated
    def saved(self, task_id: str, event: Saved, look: Look) -> None:
        """A weights file was saved: a further version of the task's model with this key."""
        names = places(event, look)
        with self._once(event.id, task_id, *names) as connection:
            if connection is not None:
                record_save(connection, task_id, event, look)

    @repeated
    def moved(self, moves: Sequence[tuple[str, Look, bool]]) -> None:
        """The files of these snapshots, by event, are at another path now, or (True) have none any more."""
        with self._store._writing() as connection:
            record_moves(connection, moves)

    # -- loads ------------------------------------------------------------------------------------

    @repeated
    def loaded(self, task_id: str, event: Loaded, look: Look) -> None:
        """A weights file was read: the task's input model, through the snapshot that it is."""
        # Two tasks that meet the same foreign file at once import it once.
        name = f"path:{look.path or event.path}" if look.digest is None else f"digest:{look.digest}"
        with self._once(event.id, task_id, name) as connection:
            if connection is not None:
                record_load(connection, task_id, event, look)

    @repeated
    def passed_over(self, task_id: str, looks: Sequence[tuple[Loaded, Look]]) -> None:
        """What is no model was loaded, again and again: inputs where a snapshot is known to lie there.

        One transaction, in which nothing is imported: nobody else is kept from importing meanwhile.
        """
        with self._store._writing() as connection:
            lock(connection, (f"task:{task_id}",))
            for event, look in looks:
                if insert_new(connection, done, {"event_id": event.id, "task_id": task_id}):
                    record_load(connection, task_id, event, look)

    def could_be_known(self, size: int | None) -> bool:
        """Whether any snapshot has this size: if none has, a file needn't be read to look it up."""
        with self._store._reading() as connection:
            for column in (snapshots.c.size, parts.c.size):
                if connection.execute(select(column).where(column == size).limit(1)).first() is not None:
                    return True
            return False

    def is_known(self, digest: str) -> bool:
        """Whether a snapshot, or a file of one, has these bytes."""
        with self._store._reading() as connection:
            for column in (snapshots.c.digest, parts.c.digest):
                if connection.execute(select(column).where(column == digest).limit(1)).first() is not None:
                    return True
            return False

    def weighed(self, event_id: str, digests: Sequence[str]) -> None:
        """The digests that the tensors in the snapshot of an event may have, the proper one first."""
        with self._store._writing() as connection:
            found = connection.execute(
                select(snapshots.c.id).where(snapshots.c.event_id == event_id)
            ).scalar()
            if found is not None and digests:
                proper = update(snapshots).where(snapshots.c.id == found).values(weights_digest=digests[0])
                connection.execute(proper)
                keep_weights(connection, found, digests)

    # -- files and contents -----------------------------------------------------------------------

    def known_digest(self, facts: FileFacts) -> str | None:
        """The digest of a file that has not been touched since we read it."""
        with self._store._reading() as connection:
            return remembered(connection, facts)

    def has_contents(self, digest: str) -> bool:
        """Whether a file with these bytes has been looked into already."""
        with self._store._reading() as connection:
            found = connection.execute(select(contents.c.digest).where(contents.c.digest == digest))
            return found.first() is not None

    # -- inside -----------------------------------------------------------------------------------

    @contextmanager
    def _once(self, event_id: str, task_id: str, *names: str) -> Iterator[Connection | None]:
        """A transaction for one event of a task; None if the event has been recorded before.

        What is written about one task is written by one at a time; `names` is what else has to be.
        """
        with self._store._writing() as connection:
            is_new = insert_new(connection, done, {"event_id": event_id, "task_id": task_id})
            if is_new:
                lock(connection, (f"task:{task_id}", *names))
            yield connection if is_new else None


def _one(connection: Connection, query: Any) -> RowMapping:
    return connection.execute(query).mappings().one()
