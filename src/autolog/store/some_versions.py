"""A model with some of its versions: one may have a hundred thousand, and a page shows one, or a hundred."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import and_, false, func, or_, select

from autolog.errors import NotFound

from .database import Store
from .queries import snapshot_query
from .records import ModelRecord, SnapshotRecord
from .rows import part_records, snapshot_record
from .schema import contents, parts, snapshots

__all__ = [
    "Growing",
    "Sized",
    "model_at",
    "model_to_download",
    "model_to_look_into",
    "model_with_newest",
    "page_of_versions",
    "sizes_of",
    "version_numbers",
]

#: Stretches that the sizes of very many versions are told by.
_STRETCHES = 180


class Sized(NamedTuple):
    """A version and its size; `stored` is how many bytes keeping it added, if it is kept."""

    version: int
    size: int
    stored: int | None


class Growing(NamedTuple):
    """How large versions are: the largest of each stretch of them, oldest first, and sums over all."""

    largest: tuple[Sized, ...]
    total: int
    stored: int | None
    first: int
    last: int


def model_with_newest(store: Store, model_id: str) -> ModelRecord:
    """A model with its newest version alone. Raises NotFound."""
    return _with(store, model_id, 1)


def model_at(store: Store, model_id: str, version: int | None) -> ModelRecord:
    """A model with one version alone, the newest for None. Raises NotFound, also where it has none such."""
    found = _with(store, model_id, 1, *_is(version))
    if not found.snapshots:
        which = "versions" if version is None else f"version v{version}"
        raise NotFound(f"{found.name!r} has no {which}")
    return found


def model_to_download(store: Store, model_id: str) -> ModelRecord:
    """A model with its newest version whose bytes are to be had, as far as the records know; none if there is
    none. Raises NotFound.
    """
    is_local = or_(snapshots.c.uri.is_(None), snapshots.c.uri.not_like("%://%"))
    at_path = and_(snapshots.c.state == "at_path", snapshots.c.digest.is_not(None), is_local)
    return _with(store, model_id, 1, or_(snapshots.c.keeping == "kept", at_path))


def model_to_look_into(store: Store, model_id: str) -> ModelRecord:
    """A model with its newest version that somebody has looked into, else its newest. Raises NotFound."""
    found = _with(store, model_id, 1, contents.c.digest.is_not(None))
    return found if found.snapshots else model_with_newest(store, model_id)


def page_of_versions(store: Store, model_id: str, offset: int, limit: int) -> ModelRecord:
    """A model with `limit` of its versions behind the `offset` newest ones, oldest first. Raises NotFound."""
    return _with(store, model_id, limit, offset=offset)


def version_numbers(store: Store, model_id: str, *, before: int | None = None, limit: int) -> list[int]:
    """The numbers of a model's versions, the newest first, or of those before one."""
    query = select(snapshots.c.version).where(snapshots.c.model_id == model_id)
    if before is not None:
        query = query.where(snapshots.c.version < before)
    with store._reading() as connection:
        found = connection.execute(query.order_by(snapshots.c.version.desc()).limit(limit))
        return list(found.scalars())


def sizes_of(store: Store, model_id: str) -> Growing | None:
    """How large a model's versions are; None for fewer than two whose size is known."""
    known = and_(snapshots.c.model_id == model_id, snapshots.c.size.is_not(None))
    sums = select(
        func.count(),
        func.sum(snapshots.c.size),
        func.sum(snapshots.c.stored),
        func.min(snapshots.c.version),
        func.max(snapshots.c.version),
    ).where(known)
    columns = (snapshots.c.version, snapshots.c.size, snapshots.c.stored)
    with store._reading() as connection:
        count, total, stored, first, last = connection.execute(sums).one()
        if count < 2:
            return None
        step = -(-count // _STRETCHES)
        largest: list[Sized] = []
        rows = connection.execute(select(*columns).where(known).order_by(snapshots.c.version))
        for number, row in enumerate(rows):
            each = Sized(row[0], row[1], row[2])
            if number % step == 0:
                largest.append(each)
            elif each.size > largest[-1].size:
                largest[-1] = each
    return Growing(tuple(largest), int(total), None if stored is None else int(stored), first, last)


def _is(version: int | None) -> list[Any]:
    if version is None:
        return []
    # A database is never asked for a number that it couldn't hold.
    return [snapshots.c.version == version if version < 1 << 31 else false()]


def _with(store: Store, model_id: str, limit: int, *conditions: Any, offset: int = 0) -> ModelRecord:
    query = snapshot_query().where(snapshots.c.model_id == model_id, *conditions)
    query = query.order_by(snapshots.c.version.desc()).limit(limit).offset(offset)
    with store._reading() as connection:
        record = store._model(connection, model_id)
        rows = connection.execute(query).mappings().all()
        of = _parts(connection, [row["id"] for row in rows])
    found: list[SnapshotRecord] = [snapshot_record(row, parts=of) for row in rows]
    return replace(record, snapshots=tuple(sorted(found, key=lambda each: each.version)))


def _parts(connection: Any, ids: Collection[int]) -> Any:
    # No page has more versions than one query may name.
    query = select(parts).where(parts.c.snapshot_id.in_(ids)).order_by(parts.c.name)
    return part_records(connection.execute(query).mappings()) if ids else {}
