"""Making what is kept smaller while nobody waits: chunks as differences to those of the snapshot before.

Successive checkpoints differ by little, and the difference of two floats close to each other has few bits.
Whether it pays is decided for each chunk; a chain of differences is bounded, so that an old snapshot isn't
much slower to restore than a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from autolog.content import PackWriter, Place, from_recipe
from autolog.errors import AutologError

from .collect import copy_stored, rewrite, take_away
from .destination import open_recorded
from .here import Here
from .reading import LONGEST_CHAIN, Reading

if TYPE_CHECKING:
    from autolog.store import ChunkRecord, Kept, PlaceRecord

__all__ = ["Repacked", "repack"]

#: A pack is written anew only if that makes it this much smaller.
_WORTHWHILE = 0.97
#: Chunks that are held in memory at a time, with those they become differences to.
_BATCH = 32
#: Two lists of sizes are compared for what came or went in their middle if the product of their lengths is at
#: most this: that takes as long as it is large, here a quarter of a second.
_COMPARED = 1 << 22


class Repacked(NamedTuple):
    """Bytes of packs before and after, how many packs were written anew, and problems."""

    before: int = 0
    after: int = 0
    packs: int = 0
    problems: tuple[str, ...] = ()


def repack(kept: Kept, here: Here, *, task_id: str | None = None, model_id: str | None = None) -> Repacked:
    """Store chunks as differences to the same ones of the version before, where that is smaller.

    Of all models, of those that one task made, or of one model. Raises StoreError; a place that can't be
    reached is said in `problems`.
    """
    before = kept.total()
    count = 0
    problems: list[str] = []
    counted_on: dict[int, set[int]] = {}
    for place_record, recipes in kept.series(task_id, model_id):
        try:
            place = open_recorded(place_record, here)
            if place_record.id not in counted_on:
                counted_on[place_record.id] = kept.counted_on(place_record.id)
            left = counted_on[place_record.id]
            for older, newer in pairwise(recipes):
                count += _repack_one(kept, place_record, place, (older, newer), left)
            take_away(kept, place_record, place)
        except (AutologError, OSError) as error:
            problems.append(str(error))
    return Repacked(before, kept.total(), count, tuple(problems))


def _repack_one(
    kept: Kept, record: PlaceRecord, place: Place, recipes: tuple[int, int], left: Collection[int]
) -> int:
    """Repack the packs, except those `left`, that hold chunks of the second file and not of the first."""
    older, newer = map(kept.recipe, recipes)
    pairs = _pairs(older, newer)
    wanted = [*pairs, *pairs.values()]
    done = 0
    for pack in kept.packs(record.id, _packs_of(kept, record, pairs)).values():
        if pack.id in left:
            continue
        # Asked anew for each: rewriting the one before has moved chunks, and made chains longer.
        records = Reading(kept, record.id, place).find(wanted)
        bases = {
            digest: base
            for digest, base in pairs.items()
            if records[digest].pack_id == pack.id
            and not records[digest].base
            and _may_be_base(digest, base, records)
        }
        fill = partial(_fill, rows=kept.chunks_in(pack.id), bases=bases)
        if bases and rewrite(kept, record, place, pack, fill, at_most=_WORTHWHILE):
            done += 1
    return done


def _packs_of(kept: Kept, record: PlaceRecord, digests: Iterable[bytes]) -> set[int]:
    return {each.pack_id for each in kept.chunks(record.id, digests).values()}


def _pairs(older: bytes, newer: bytes) -> dict[bytes, bytes]:
    """Chunk -> the one that was at its place in the version before, for those that changed."""
    before, after = list(from_recipe(older)), list(from_recipe(newer))
    same = {digest for digest, _ in before}
    return {
        after[j + k][0]: before[i + k][0]
        for i, j, length in _alike([size for _, size in before], [size for _, size in after])
        for k in range(length)
        if after[j + k][0] not in same
    }


def _alike(before: list[int], after: list[int]) -> Iterator[tuple[int, int, int]]:
    """`(index, index, length)` of runs of chunks of the same sizes: they are taken for the same places."""
    import difflib

    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    yield 0, 0, start
    yield len(before) - end, len(after) - end, end
    # Something came or went between them; most sizes are those of whole chunks, and tell little.
    middle = before[start : len(before) - end], after[start : len(after) - end]
    if len(middle[0]) * len(middle[1]) <= _COMPARED:
        for i, j, length in difflib.SequenceMatcher(None, *middle, autojunk=False).get_matching_blocks():
            yield start + i, start + j, length
    else:
        for k, (one, other) in enumerate(zip(*middle, strict=False)):
            if one == other:
                yield start + k, start + k, 1


def _common(before: list[int], after: list[int]) -> int:
    """How many are the same at the beginning."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((k for k, (one, other) in pairs if one != other), min(len(before), len(after)))


def _may_be_base(digest: bytes, base: bytes, records: dict[bytes, ChunkRecord]) -> bool:
    """Whether the chain behind a base is short enough, and does not come back to the chunk itself."""
    length = 1
    while base:
        if base == digest or length >= LONGEST_CHAIN:
            return False
        length += 1
        base = records[base].base
    return True


def _fill(
    writer: PackWriter,
    reading: Reading,
    *,
    rows: list[ChunkRecord],
    bases: dict[bytes, bytes],
) -> None:
    """Write a pack's chunks, those that have a base as differences to it where that is smaller."""
    copy_stored(writer, reading, (each for each in rows if each.digest not in bases))
    changing = [each.digest for each in rows if each.digest in bases]
    records = reading.find([*changing, *bases.values()])
    for start in range(0, len(changing), _BATCH):
        batch = changing[start : start + _BATCH]
        before = dict(reading.read((bases[each] for each in batch), records))
        for digest, data in reading.read(batch, records):
            base = bases[digest]
            writer.add_difference(digest, data, records[digest].itemsize, (base, before[base]))
