"""What collecting would free, without doing it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from autolog.content import from_recipe
from autolog.errors import AutologError

from .collect import LEFTOVER_SECONDS, USED_ENOUGH, Collected, leftovers_at
from .destination import open_recorded
from .here import Here, home_of
from .scratch import left_behind

if TYPE_CHECKING:
    from autolog.store import ChunkRecord, Kept, PackRecord, PlaceRecord

__all__ = ["forecast"]


def forecast(
    kept: Kept, here: Here, dropping: Collection[int] = (), *, leftovers_after: float = LEFTOVER_SECONDS
) -> Collected:
    """What `collect` would give once these snapshots' bytes are kept no longer.

    Exact for what goes as a whole; of packs that would be written anew, the size of the new one's index is
    estimated. Raises StoreError.
    """
    freed = 0
    held = kept.total() + kept.plain()
    problems: list[str] = []
    left: dict[str, int] = {}  # by name: two records may name one folder
    for record in kept.places():
        files = kept.files_at(record.id)
        earlier = sum(each.size for each in kept.dropped(record.id)) + sum(
            pack.size for pack in kept.doomed(record.id)
        )
        held += earlier
        freed += earlier
        freed += sum(each.size for each in files if each.path is not None and each.snapshot_id in dropping)
        recipes = {each.recipe_id for each in files if each.snapshot_id not in dropping}
        freed += _freed_of_packs(kept, record, recipes - {None})  # type: ignore[arg-type]
        if kept.plain(record.id) and not kept.pack_names(record.id):
            continue
        try:
            place = open_recorded(record, here)
            left.update(leftovers_at(kept, record, place, leftovers_after))
        except (AutologError, OSError) as error:
            problems.append(str(error))
    left.update(left_behind(kept.owner, home_of(here), leftovers_after))
    leftovers = sum(left.values())
    return Collected(freed + leftovers, leftovers, held - freed, tuple(problems))


def _freed_of_packs(kept: Kept, record: PlaceRecord, recipes: Collection[int]) -> int:
    needed: set[bytes] = set()
    for recipe_id in recipes:
        needed.update(digest for digest, _ in from_recipe(kept.recipe(recipe_id)))
    used: dict[int, list[ChunkRecord]] = {}
    for chunk in kept.chunks(record.id, needed).values():
        used.setdefault(chunk.pack_id, []).append(chunk)
    counted_on = kept.counted_on(record.id)
    return sum(
        _freed_of(kept, pack, used.get(pack.id, []))
        for pack in kept.packs(record.id).values()
        if pack.id not in counted_on
    )


def _freed_of(kept: Kept, pack: PackRecord, used: list[ChunkRecord]) -> int:
    length = sum(chunk.length for chunk in used)
    if length >= pack.size * USED_ENOUGH:
        return 0
    if not used:
        return pack.size
    there = kept.chunks_in(pack.id)
    # What isn't chunks is mostly the index, which has an entry for each.
    beside = pack.size - sum(chunk.length for chunk in there)
    return max(0, pack.size - length - beside * len(used) // len(there))
