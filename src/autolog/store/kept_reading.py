"""Reading what the store knows of kept bytes."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, func, select

from autolog.events import FileFacts

from .counting import is_counted_on
from .database import Store
from .known import remembered
from .known import text as as_text
from .records import ChunkRecord, KeptRecord, PackRecord, PlaceRecord
from .rows import batches
from .schema import models, snapshots, tasks
from .schema_kept import chunks, identity, kept, packs, places, recipes, uses

__all__ = ["KeptReading", "chunks_at", "kept_record", "pack_record", "running"]

#: A task whose agent was heard of within this many seconds may count on chunks that it has written.
_ALIVE_SECONDS = 120.0


class KeptReading:
    """The records of kept bytes in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._owner = ""

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    @property
    def owner(self) -> str:
        """The store's own id: what it keeps at a place that others use, too, lies below that name."""
        if not self._owner:
            with self._store._reading() as connection:
                self._owner = str(connection.execute(select(identity.c.id)).scalar_one())
        return self._owner

    def known_digest(self, facts: FileFacts) -> str | None:
        """The digest of a file that has not been touched since it was read."""
        with self._store._reading() as connection:
            return remembered(connection, facts)

    def places(self) -> list[PlaceRecord]:
        """Every place that something is or was kept at."""
        with self._store._reading() as connection:
            return [PlaceRecord(*row) for row in connection.execute(select(places).order_by(places.c.id))]

    def files(self, snapshot_id: int) -> list[KeptRecord]:
        """The kept files of a snapshot; those of several places one after the other."""
        return self._files(kept.c.snapshot_id, (snapshot_id,))

    def files_of(self, snapshot_ids: Iterable[int]) -> dict[int, list[KeptRecord]]:
        """The kept files of several snapshots, by snapshot."""
        found: dict[int, list[KeptRecord]] = {}
        for each in self._files(kept.c.snapshot_id, snapshot_ids):
            found.setdefault(each.snapshot_id, []).append(each)
        return found

    def files_like(self, digests: Iterable[str]) -> list[KeptRecord]:
        """The kept files of any snapshots that have one of these digests."""
        return self._files(kept.c.digest, digests)

    def _files(self, column: Any, values: Iterable[Any]) -> list[KeptRecord]:
        query = (
            select(kept, places.c.url, places.c.host)
            .join(places, places.c.id == kept.c.place_id)
            .join(snapshots, snapshots.c.id == kept.c.snapshot_id)
            .where(snapshots.c.keeping != "dropped")
            .order_by(kept.c.place_id, kept.c.name, kept.c.id)
        )
        with self._store._reading() as connection:
            return [
                kept_record(row)
                for batch in batches(sorted(set(values)))
                for row in connection.execute(query.where(column.in_(batch))).mappings()
            ]

    def recipe(self, recipe_id: int) -> bytes:
        """The recipe with this id."""
        with self._store._reading() as connection:
            return bytes(
                connection.execute(select(recipes.c.chunks).where(recipes.c.id == recipe_id)).scalar_one()
            )

    def chunks(self, place_id: int, digests: Iterable[bytes]) -> dict[bytes, ChunkRecord]:
        """Where chunks lie, and those that they are differences to, by digest, as far as they are there."""
        with self._store._reading() as connection:
            return chunks_at(connection, place_id, digests)

    def packs(self, place_id: int, ids: Collection[int] | None = None) -> dict[int, PackRecord]:
        """The packs of a place (or those with these ids) by id."""
        query = select(packs).where(packs.c.place_id == place_id, packs.c.doomed.is_(False))
        with self._store._reading() as connection:
            if ids is None:
                rows = connection.execute(query).mappings().all()
            else:
                rows = [
                    row
                    for batch in batches(sorted(ids))
                    for row in connection.execute(query.where(packs.c.id.in_(batch))).mappings()
                ]
        return {row["id"]: pack_record(row) for row in rows}

    def doomed(self, place_id: int) -> list[PackRecord]:
        """The packs of a place that are given up and still to be taken away."""
        query = select(packs).where(packs.c.place_id == place_id, packs.c.doomed.is_(True))
        with self._store._reading() as connection:
            return [pack_record(row) for row in connection.execute(query).mappings()]

    def chunks_in(self, pack_id: int) -> list[ChunkRecord]:
        """The chunks that are to be found in a pack, in their order."""
        query = select(chunks).where(chunks.c.pack_id == pack_id).order_by(chunks.c.offset)
        with self._store._reading() as connection:
            return [chunk_record(row) for row in connection.execute(query).mappings()]

    def recipes_using(self, pack_id: int) -> list[tuple[int, bytes]]:
        """`(id, recipe)` of every file that needs a pack."""
        query = select(recipes.c.id, recipes.c.chunks).join(uses).where(uses.c.pack_id == pack_id)
        with self._store._reading() as connection:
            return [(row[0], bytes(row[1])) for row in connection.execute(query)]

    def total(self, place_id: int | None = None) -> int:
        """How many bytes the packs hold, at one place or at all."""
        query = select(func.coalesce(func.sum(packs.c.size), 0)).where(packs.c.doomed.is_(False))
        if place_id is not None:
            query = query.where(packs.c.place_id == place_id)
        with self._store._reading() as connection:
            return int(connection.execute(query).scalar_one())

    def recorded(self, event_id: str, place_id: int) -> tuple[str, list[KeptRecord]]:
        """What became of an event's snapshot (`SnapshotRecord.keeping`), and its files at a place.

        Plain files of a dropped one are those that are still to be taken away. `("", [])` if it is gone.
        """
        state = select(snapshots.c.id, snapshots.c.keeping).where(snapshots.c.event_id == event_id)
        with self._store._reading() as connection:
            row = connection.execute(state).first()
            if row is None:
                return "", []
            query = (
                select(kept, places.c.url, places.c.host)
                .join(places, places.c.id == kept.c.place_id)
                .where(kept.c.place_id == place_id, kept.c.snapshot_id == row.id)
                .order_by(kept.c.id)
            )
            return str(row.keeping or ""), [
                kept_record(each) for each in connection.execute(query).mappings()
            ]

    def has_path(self, place_id: int, path: str, digest: str) -> bool:
        """Whether the plain file with this digest at a path is that of a snapshot, maybe of a dropped one."""
        query = select(kept.c.id).where(
            kept.c.digest == digest, kept.c.place_id == place_id, kept.c.path == as_text(path)
        )
        with self._store._reading() as connection:
            return connection.execute(query).first() is not None

    def plain(self, place_id: int | None = None) -> int:
        """How many bytes are kept as plain files, at one place or at all."""
        query = (
            select(func.coalesce(func.sum(kept.c.size), 0))
            .join(snapshots, snapshots.c.id == kept.c.snapshot_id)
            .where(kept.c.path.is_not(None), snapshots.c.keeping != "dropped")
        )
        if place_id is not None:
            query = query.where(kept.c.place_id == place_id)
        with self._store._reading() as connection:
            return int(connection.execute(query).scalar_one())

    def event_of(self, snapshot_id: int) -> str:
        """The event that a snapshot was recorded with: what is put aside for it goes by that name."""
        query = select(snapshots.c.event_id).where(snapshots.c.id == snapshot_id)
        with self._store._reading() as connection:
            return str(connection.execute(query).scalar_one())

    def layout(self, event_id: str) -> tuple[str, str, str, int, int] | None:
        """`(project, "task name.id", model, version, snapshot id)` of an event; None if it is gone."""
        query = (
            select(
                models.c.project, tasks.c.name, tasks.c.id, models.c.name, snapshots.c.version, snapshots.c.id
            )
            .join(models, models.c.id == snapshots.c.model_id)
            .outerjoin(tasks, tasks.c.id == models.c.task_id)
            .where(snapshots.c.event_id == event_id)
        )
        with self._store._reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        project, task, task_id, model, version, snapshot_id = row
        # A model is called "task - file": its task is in the path already.
        model = model.removeprefix(f"{task} - ")
        return (
            project,
            # What no task made goes by the store's own id: others import things of the same name.
            f"{task or 'imported'}.{(task_id or self.owner)[:12]}",
            model,
            version,
            snapshot_id,
        )

    def files_at(self, place_id: int) -> list[KeptRecord]:
        """Every file that is kept at a place."""
        return self._files_at(place_id, snapshots.c.keeping != "dropped")

    def dropped(self, place_id: int) -> list[KeptRecord]:
        """The plain files at a place that are no longer kept and still to be taken away."""
        return self._files_at(place_id, (snapshots.c.keeping == "dropped") & kept.c.path.is_not(None))

    def _files_at(self, place_id: int, condition: Any) -> list[KeptRecord]:
        query = (
            select(kept, places.c.url, places.c.host)
            .join(places, places.c.id == kept.c.place_id)
            .join(snapshots, snapshots.c.id == kept.c.snapshot_id)
            .where(kept.c.place_id == place_id, condition)
            .order_by(kept.c.id)
        )
        with self._store._reading() as connection:
            return [kept_record(row) for row in connection.execute(query).mappings()]

    def pack_names(self, place_id: int | None = None) -> set[str]:
        """The names of all packs, at one place or at all, the doomed ones included."""
        query = select(packs.c.name)
        if place_id is not None:
            query = query.where(packs.c.place_id == place_id)
        with self._store._reading() as connection:
            return set(connection.execute(query).scalars())

    def counted_on(self, place_id: int) -> set[int]:
        """The packs of a place that a task counts on: they may hold what it has put aside needs.

        To be asked once for all: it takes as long as there are packs. Others may be counted on a moment later
        (`Kept.replace` looks again).
        """
        query = select(packs.c.id).where(packs.c.place_id == place_id, is_counted_on())
        with self._store._reading() as connection:
            return set(connection.execute(query).scalars())

    def became(self, events: Iterable[str]) -> dict[str, tuple[str, str]]:
        """What became of the bytes of these events' snapshots (`SnapshotRecord.keeping`), and why."""
        query = select(snapshots.c.event_id, snapshots.c.keeping, snapshots.c.keeping_reason)
        with self._store._reading() as connection:
            return {
                row.event_id: (row.keeping, row.keeping_reason)
                for batch in batches(sorted(set(events)))
                for row in connection.execute(query.where(snapshots.c.event_id.in_(batch)))
            }

    def series(
        self, task_id: str | None = None, model_id: str | None = None
    ) -> list[tuple[PlaceRecord, list[int]]]:
        """The recipes of the versions of each model in order, file by file and place by place.

        Of all models, of those that one task made, or of one.
        """
        query = (
            select(snapshots.c.model_id, kept.c.name, kept.c.recipe_id, places)
            .join(snapshots, snapshots.c.id == kept.c.snapshot_id)
            .join(places, places.c.id == kept.c.place_id)
            .join(models, models.c.id == snapshots.c.model_id)
            .where(kept.c.recipe_id.is_not(None))
            .order_by(snapshots.c.model_id, kept.c.name, snapshots.c.version)
        )
        if task_id is not None:
            query = query.where(models.c.task_id == task_id)
        if model_id is not None:
            query = query.where(models.c.id == model_id)
        found: dict[tuple[str, str, PlaceRecord], list[int]] = {}
        with self._store._reading() as connection:
            for row in connection.execute(query).mappings():
                place = PlaceRecord(row["id"], row["url"], row["host"])
                series = found.setdefault((row["model_id"], row["name"], place), [])
                if row["recipe_id"] not in series:
                    series.append(row["recipe_id"])
        return [(key[2], series) for key, series in found.items() if len(series) > 1]


def running() -> Any:
    """The ids of tasks that run."""
    return select(tasks.c.id).where(
        tasks.c.status == "running", tasks.c.heartbeat > time.time() - _ALIVE_SECONDS
    )


def chunks_at(connection: Connection, place_id: int, digests: Iterable[bytes]) -> dict[bytes, ChunkRecord]:
    """Where chunks lie, and those that they are differences to."""
    found: dict[bytes, ChunkRecord] = {}
    wanted = sorted(set(digests))
    while wanted:
        bases: set[bytes] = set()
        for batch in batches(wanted):
            query = select(chunks).where(chunks.c.place_id == place_id, chunks.c.digest.in_(batch))
            for row in connection.execute(query).mappings():
                record = found[bytes(row["digest"])] = chunk_record(row)
                if record.base:
                    bases.add(record.base)
        wanted = sorted(bases - found.keys())
    return found


def chunk_record(row: Any) -> ChunkRecord:
    """Of a row of `chunks`."""
    return ChunkRecord(
        digest=bytes(row["digest"]),
        pack_id=row["pack_id"],
        offset=row["offset"],
        length=row["length"],
        size=row["size"],
        itemsize=row["itemsize"],
        check=bytes(row["check"]),
        base=bytes(row["base"] or b""),
    )


def pack_record(row: Any) -> PackRecord:
    """Of a row of `packs`."""
    return PackRecord(
        row["id"], row["place_id"], row["name"], row["size"], bytes(row["digest"]), row["created"]
    )


def kept_record(row: Any) -> KeptRecord:
    """Of a row of `kept`, joined with its place."""
    return KeptRecord(
        snapshot_id=row["snapshot_id"],
        name=row["name"],
        digest=row["digest"],
        size=row["size"],
        place=PlaceRecord(row["place_id"], row["url"], row["host"]),
        recipe_id=row["recipe_id"],
        path=row["path"],
    )
