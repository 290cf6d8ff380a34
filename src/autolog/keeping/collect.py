"""Taking away bytes that nobody needs any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from autolog.content import PackWriter, Place, from_recipe, new_name
from autolog.errors import AutologError, IntegrityError
from autolog.store import ChunksMissing, NewPack

from .destination import open_recorded
from .here import Here, home_of
from .reading import Reading, check_stored
from .scratch import scratch_pack, sweep

if TYPE_CHECKING:
    from autolog.store import ChunkRecord, Kept, PackRecord, PlaceRecord

__all__ = [
    "LEFTOVER_SECONDS",
    "USED_ENOUGH",
    "Collected",
    "collect",
    "copy_stored",
    "leftovers_at",
    "rewrite",
    "take_away",
]

#: A pack with less than this share of its bytes in use is written anew without the others.
USED_ENOUGH = 0.7
#: A file that no record knows may be one that somebody is just about to record, for so many seconds.
LEFTOVER_SECONDS = 3600.0


class Collected(NamedTuple):
    """What was freed in bytes, how much of it was `leftovers`, what is still `held`; and problems."""

    freed: int = 0
    leftovers: int = 0
    held: int = 0
    problems: tuple[str, ...] = ()


def collect(kept: Kept, here: Here, *, leftovers_after: float = LEFTOVER_SECONDS) -> Collected:
    """Take away packs that nobody needs, the unneeded part of others, and leftovers.

    Leftovers are files of ours that no record knows and that are older than `leftovers_after` seconds, and
    what commands that were killed were writing. A
    place that can't be reached is left for the next time, and a damaged pack as it is; `problems` says so.
    Raises StoreError.
    """
    freed = leftovers = 0
    problems: list[str] = []
    for record in kept.places():
        if kept.plain(record.id) and not kept.dropped(record.id) and not kept.pack_names(record.id):
            continue  # plain files, and all of them are needed: it needn't be reached
        before = _held(kept, record)
        try:
            place = open_recorded(record, here)
            for file in kept.dropped(record.id):
                assert file.path is not None  # only plain files are taken away one by one
                place.remove(file.path)
                place.tidy(file.path)
                kept.forget_file(file)
                freed += file.size
            take_away(kept, record, place)
            problems += _compact(kept, record, place)
            take_away(kept, record, place)
            for name, size in leftovers_at(kept, record, place, leftovers_after):
                place.remove(name)
                leftovers += size
        except (AutologError, OSError) as error:
            problems.append(str(error))
        freed += max(0, before - _held(kept, record))  # however far it came
    leftovers += sweep(kept.owner, home_of(here), leftovers_after)
    return Collected(freed + leftovers, leftovers, kept.total() + kept.plain(), tuple(problems))


def _held(kept: Kept, record: PlaceRecord) -> int:
    """How many bytes of packs are at a place, those that are still to be taken away included."""
    return kept.total(record.id) + sum(pack.size for pack in kept.doomed(record.id))


def take_away(kept: Kept, record: PlaceRecord, place: Place) -> None:
    """Give up what no snapshot needs, and take it away."""
    for pack in kept.doom(record.id):
        place.remove(pack.name)
        kept.forget(pack.id)


def _compact(kept: Kept, record: PlaceRecord, place: Place) -> list[str]:
    """Write those packs anew of which little is needed; what is wrong with the ones that are damaged."""
    problems = []
    counted_on = kept.counted_on(record.id)
    for pack in kept.packs(record.id).values():
        if pack.id in counted_on:
            continue
        used = _used(kept, record.id, pack.id)
        rows = [each for each in kept.chunks_in(pack.id) if each.digest in used]
        if sum(each.length for each in rows) >= pack.size * USED_ENOUGH:
            continue
        try:
            rewrite(kept, record, place, pack, partial(copy_stored, rows=rows))
        except IntegrityError as error:
            said = str(error)
            problems.append(said if pack.name in said else f"{place.name}/{pack.name}: {said}")
    return problems


def _used(kept: Kept, place_id: int, pack_id: int) -> set[bytes]:
    """The chunks that files with this pack need, themselves or as the base of a difference."""
    wanted: set[bytes] = set()
    for _, recipe in kept.recipes_using(pack_id):
        wanted.update(digest for digest, _ in from_recipe(recipe))
    return {d for d, each in kept.chunks(place_id, wanted).items() if each.pack_id == pack_id}


def rewrite(
    kept: Kept,
    record: PlaceRecord,
    place: Place,
    pack: PackRecord,
    fill: Callable[[PackWriter, Reading], None],
    *,
    at_most: float = 1.0,
) -> bool:
    """Have a new pack take an old one's place; `fill` writes into it what is still wanted.

    False, and nothing is changed, if the new one isn't smaller than this share of the old one, or if somebody
    has recorded a snapshot that needs more of it, or has rewritten it, meanwhile.
    """
    with scratch_pack(kept.owner) as output:
        writer = PackWriter(output)
        fill(writer, Reading(kept, record.id, place))
        new = writer.finish(new_name(kept.owner))
        if new.size >= pack.size * at_most:
            return False  # as a small one, which is mostly index: it would be written anew each time
        place.publish(new.name, output.name)
    try:
        kept.replace(record.id, NewPack(new.name, new.size, new.digest, new.chunks), [pack.id])
    except ChunksMissing:
        place.remove(new.name)
        return False
    return True


def copy_stored(writer: PackWriter, reading: Reading, rows: Iterable[ChunkRecord]) -> None:
    """Write chunks into a pack as they are stored. Raises IntegrityError if one is damaged."""
    rows = list(rows)
    reading.find(each.digest for each in rows)
    for row, stored in reading.stored(rows):
        check_stored(row, stored)
        writer.add_stored(row.digest, bytes(stored), row.size, row.itemsize, row.base)


def leftovers_at(
    kept: Kept, record: PlaceRecord, place: Place, after: float = LEFTOVER_SECONDS
) -> Iterator[tuple[str, int]]:
    """`(name, size in bytes)` of this store's packs that no record knows, untouched for so many seconds."""
    there = list(place.names(f"packs/{kept.owner}"))
    # Asked afterwards: one that was published and recorded meanwhile is known then. And of all places: two
    # records may name one folder, as two machines do, or two spellings of its URL.
    known = kept.pack_names()
    for name, size, modified in there:
        if name not in known and time.time() - modified >= after:
            yield name, size
