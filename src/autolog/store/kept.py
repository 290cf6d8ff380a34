"""What the store knows of kept bytes: places, packs, chunks, recipes, and which files of snapshots they give.

What keeps a chunk from vanishing under somebody who counts on it: whoever records a kept file looks in the
same transaction whether each of its chunks is there, and packs are given up (`doom`) only in a transaction
that no such one runs beside: SQLite has one writer at a time, PostgreSQL takes a lock that recorders share.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from autolog.errors import StoreError
from autolog.events import FileFacts

from .counting import adopt, any_counts_on, is_counted_on, lock_packs
from .kept_reading import KeptReading, chunks_at, pack_record
from .known import new_key, remember
from .known import text as as_text
from .racing import insert_into, insert_new, repeated
from .records import KeptRecord, PackRecord, PlaceRecord
from .removing import Going, refuse
from .rows import batches
from .schema import done, snapshots, tasks
from .schema_kept import chunks, kept, packs, places, recipes, uses

__all__ = ["ChunksMissing", "Kept", "NewFile", "NewPack"]

#: That what waits is still there is told once in so many seconds, however many commands see it.
_RENEWED_SECONDS = 86400.0


class ChunksMissing(StoreError):
    """A recipe names chunks that are not there (any more); `digests` are theirs."""

    def __init__(self, digests: Collection[bytes]) -> None:
        super().__init__(f"{len(digests)} chunks of the snapshot are not in the content store")
        self.digests = frozenset(digests)


class NewPack(NamedTuple):
    """A pack that has been published; its chunks as in `autolog.content.packs.Chunk`."""

    name: str
    size: int
    digest: bytes
    chunks: Sequence[Any]


class NewFile(NamedTuple):
    """A kept file: its recipe and the digests in it, or (`path`) where it lies below its place."""

    name: str
    digest: str
    size: int
    recipe: bytes = b""
    chunks: Sequence[bytes] = ()
    path: str | None = None


class Kept(KeptReading):
    """The records of kept bytes in one store, to be read and written."""

    # -- places -----------------------------------------------------------------------------------

    def place(self, url: str, host: str = "") -> PlaceRecord:
        """The record of a place, made if it is new."""
        url = as_text(url)
        with self._store._writing() as connection:
            row = {"url": url, "host": host}
            connection.execute(insert_into(connection, places).values(row).on_conflict_do_nothing())
            number = connection.execute(
                select(places.c.id).where(places.c.url == url, places.c.host == host)
            ).scalar_one()
        return PlaceRecord(int(number), url, host)

    @repeated
    def remember(self, facts: FileFacts, digest: str) -> None:
        """The digest of a file that somebody has just read, as long as nobody touches it."""
        with self._store._writing() as connection:
            remember(connection, facts, digest)

    @repeated
    def renew(self, task_ids: Iterable[str]) -> None:
        """What tasks that have ended put aside is still there: what it shares with others stays so long."""
        ended = (tasks.c.id.in_(sorted(set(task_ids))), tasks.c.status != "running")
        is_long_ago = tasks.c.heartbeat < time.time() - _RENEWED_SECONDS
        with self._store._reading() as connection:
            found = connection.execute(select(tasks.c.id).where(*ended, is_long_ago)).scalars().all()
        if found:
            with self._store._writing() as connection:
                connection.execute(update(tasks).where(*ended).values(heartbeat=time.time()))

    # -- recording --------------------------------------------------------------------------------

    @repeated
    def record(
        self, event_id: str, place_id: int, files: Sequence[NewFile], pack: NewPack | None, stored: int
    ) -> bool:
        """The files of the snapshot of an event are kept; False if there is no such snapshot (any more).

        Raises ChunksMissing, and then nothing is recorded.
        """
        with self._store._writing() as connection:
            lock_packs(connection, shared=True)
            row = connection.execute(select(snapshots.c.id).where(snapshots.c.event_id == event_id)).first()
            if row is None:
                return False
            if pack is not None:
                _add_pack(connection, place_id, pack, event_id)
            connection.execute(delete(kept).where(kept.c.snapshot_id == row.id, kept.c.place_id == place_id))
            for file in files:
                recipe_id = None if file.path is not None else _add_recipe(connection, place_id, file)
                connection.execute(
                    insert(kept).values(
                        snapshot_id=row.id,
                        name=as_text(file.name),
                        digest=file.digest,
                        size=file.size,
                        place_id=place_id,
                        recipe_id=recipe_id,
                        path=None if file.path is None else as_text(file.path),
                    )
                )
            _note(connection, event_id, "kept", "", stored)
        return True

    def note(self, event_id: str, keeping: str, reason: str = "") -> None:
        """What became of the bytes of an event's snapshot (see `SnapshotRecord.keeping`).

        One that is kept stays so: whoever says otherwise is late, or was at another place.
        """
        with self._store._writing() as connection:
            _note(connection, event_id, keeping, as_text(reason), None, snapshots.c.keeping != "kept")

    # -- giving up --------------------------------------------------------------------------------

    def drop(self, snapshot_ids: Collection[int], reason: str) -> None:
        """Keep these snapshots' bytes no longer.

        Their chunks are given up with the next `doom`; plain files are still to be taken away (`dropped`,
        then `forget_file`).
        """
        with self._store._writing() as connection:
            _drop(connection, snapshot_ids, reason)

    @repeated
    def give_up(self, going: Going, reason: str) -> None:
        """As `drop`, for what is to be removed; InUse is raised, and nothing changed, if it may not be."""
        with self._store._writing() as connection:
            lock_packs(connection, shared=True)
            refuse(connection, going)
            _drop(connection, going.snapshot_ids, reason)

    def forget_file(self, file: KeptRecord) -> None:
        """A plain file that was no longer kept is gone."""
        with self._store._writing() as connection:
            connection.execute(
                delete(kept).where(
                    kept.c.snapshot_id == file.snapshot_id,
                    kept.c.place_id == file.place.id,
                    kept.c.path == file.path,
                )
            )

    def doom(self, place_id: int) -> list[PackRecord]:
        """Give up recipes that no snapshot has and packs that no recipe needs; those packs.

        From then on nobody finds their chunks; their files are still to be taken away (`forget`). Packs that
        a task counts on are left (`counted_on`): what it has put aside may need them.
        """
        with self._store._writing() as connection:
            lock_packs(connection, shared=False)
            unused = (
                select(recipes.c.id)
                .outerjoin(kept, kept.c.recipe_id == recipes.c.id)
                .where(recipes.c.place_id == place_id, kept.c.id.is_(None))
            )
            ids = connection.execute(unused).scalars().all()
            for batch in batches(ids):
                connection.execute(delete(uses).where(uses.c.recipe_id.in_(batch)))
                connection.execute(delete(recipes).where(recipes.c.id.in_(batch)))
            idle = (
                select(packs.c.id)
                .outerjoin(uses, uses.c.pack_id == packs.c.id)
                .where(packs.c.place_id == place_id, uses.c.recipe_id.is_(None), packs.c.doomed.is_(False))
                .where(~is_counted_on())
            )
            ids = connection.execute(idle).scalars().all()
            for batch in batches(ids):
                connection.execute(delete(chunks).where(chunks.c.pack_id.in_(batch)))
                connection.execute(update(packs).where(packs.c.id.in_(batch)).values(doomed=True))
            doomed = select(packs).where(packs.c.place_id == place_id, packs.c.doomed.is_(True))
            return [pack_record(row) for row in connection.execute(doomed).mappings()]

    def forget(self, pack_id: int) -> None:
        """A doomed pack's file is gone."""
        with self._store._writing() as connection:
            connection.execute(delete(packs).where(packs.c.id == pack_id, packs.c.doomed.is_(True)))

    def replace(self, place_id: int, pack: NewPack, old: Collection[int]) -> None:
        """The chunks in a new pack are found there from now on; `old` packs they came from are doomed.

        Chunks that only the old packs had vanish with them. Raises ChunksMissing if a recipe still needs
        one, or if meanwhile somebody else has replaced an old pack or counts on one; then nothing is changed.
        """
        with self._store._writing() as connection:
            lock_packs(connection, shared=False)
            there = select(packs.c.id).where(packs.c.id.in_(old), packs.c.doomed.is_(False))
            found = set(connection.execute(there).scalars())
            if found != set(old) or any_counts_on(connection, old):
                raise ChunksMissing({each.digest for each in pack.chunks})
            pack_id = _new_pack(connection, place_id, pack, None)
            _refuse_circles(connection, place_id, pack)
            for each in pack.chunks:
                connection.execute(
                    update(chunks)
                    .where(chunks.c.place_id == place_id, chunks.c.digest == each.digest)
                    .where(chunks.c.pack_id.in_(old))
                    .values(_chunk_row(place_id, pack_id, each))
                )
            using = (
                connection.execute(select(uses.c.recipe_id).where(uses.c.pack_id.in_(old)).distinct())
                .scalars()
                .all()
            )
            connection.execute(delete(chunks).where(chunks.c.pack_id.in_(old)))
            connection.execute(update(packs).where(packs.c.id.in_(old)).values(doomed=True))
            for recipe_id in using:
                recipe = connection.execute(
                    select(recipes.c.chunks).where(recipes.c.id == recipe_id)
                ).scalar_one()
                connection.execute(delete(uses).where(uses.c.recipe_id == recipe_id))
                _add_uses(connection, place_id, recipe_id, _digests(bytes(recipe)))


def _drop(connection: Connection, snapshot_ids: Collection[int], reason: str) -> None:
    adopt(connection, snapshot_ids)
    for batch in batches(sorted(snapshot_ids)):
        connection.execute(delete(kept).where(kept.c.snapshot_id.in_(batch), kept.c.path.is_(None)))
        connection.execute(
            update(snapshots)
            .where(snapshots.c.id.in_(batch))
            .values(keeping="dropped", keeping_reason=as_text(reason), stored=None)
        )


def _refuse_circles(connection: Connection, place_id: int, pack: NewPack) -> None:
    """No chunk may be a difference to one that is, by however many steps, a difference to it."""
    bases = {each.digest: each.base for each in pack.chunks if each.base}
    there = chunks_at(connection, place_id, bases.values())
    for digest, base in bases.items():
        while base:
            if base == digest:
                raise ChunksMissing((digest,))
            base = bases.get(base, there[base].base if base in there else b"")


def _add_pack(connection: Connection, place_id: int, pack: NewPack, event_id: str) -> None:
    task = connection.execute(select(done.c.task_id).where(done.c.event_id == event_id)).scalar()
    pack_id = _new_pack(connection, place_id, pack, task)
    # In the order of their digests: two writers of the same chunks then wait for each other, and never both.
    rows = [_chunk_row(place_id, pack_id, each) for each in sorted(pack.chunks, key=lambda each: each.digest)]
    for batch in batches(rows):
        # The rows apart from the statement, which is then put together once and not for every pack.
        connection.execute(insert_into(connection, chunks).on_conflict_do_nothing(), batch)


def _new_pack(connection: Connection, place_id: int, pack: NewPack, task: str | None) -> int:
    inserted = connection.execute(
        insert(packs).values(
            place_id=place_id,
            name=pack.name,
            size=pack.size,
            digest=pack.digest,
            created=time.time(),
            task_id=task,
            doomed=False,
        )
    )
    return new_key(inserted)


def _add_recipe(connection: Connection, place_id: int, file: NewFile) -> int:
    row = {
        "place_id": place_id,
        "digest": file.digest,
        "size": file.size,
        "chunks": file.recipe,
        "created": time.time(),
    }
    is_new = insert_new(connection, recipes, row)
    found = connection.execute(
        select(recipes.c.id).where(recipes.c.place_id == place_id, recipes.c.digest == file.digest)
    ).scalar_one()
    if is_new:
        _add_uses(connection, place_id, found, file.chunks)
    return int(found)


def _add_uses(connection: Connection, place_id: int, recipe_id: int, digests: Iterable[bytes]) -> None:
    wanted = set(digests)
    there = chunks_at(connection, place_id, wanted)
    bases = {each.base for each in there.values() if each.base}
    if missing := (wanted | bases) - there.keys():
        raise ChunksMissing(missing)
    rows = [{"recipe_id": recipe_id, "pack_id": each} for each in sorted({c.pack_id for c in there.values()})]
    for batch in batches(rows):
        connection.execute(insert(uses), batch)


def _digests(recipe: bytes) -> Iterator[bytes]:
    for at in range(0, len(recipe), 36):
        yield recipe[at : at + 32]


def _note(
    connection: Connection, event_id: str, keeping: str, reason: str, stored: int | None, *only: Any
) -> None:
    values: dict[str, Any] = {"keeping": keeping, "keeping_reason": reason}
    if stored is not None:
        values["stored"] = stored
    connection.execute(update(snapshots).where(snapshots.c.event_id == event_id, *only).values(values))


def _chunk_row(place_id: int, pack_id: int, chunk: Any) -> dict[str, Any]:
    return {
        "place_id": place_id,
        "digest": chunk.digest,
        "pack_id": pack_id,
        "offset": chunk.offset,
        "length": chunk.length,
        "size": chunk.size,
        "itemsize": chunk.itemsize,
        "check": chunk.check,
        "base": chunk.base or None,
    }
