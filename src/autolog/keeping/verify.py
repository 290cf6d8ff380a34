"""Comparing what is kept with what was recorded."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from autolog.content import Place, Told, from_recipe, verify_pack
from autolog.errors import AutologError, DestinationError, IntegrityError

from .destination import open_recorded, place_name
from .here import Here
from .reading import Reading
from .restore import copy_verified

if TYPE_CHECKING:
    from autolog.store import ChunkRecord, Kept, KeptRecord, PackRecord, PlaceRecord

__all__ = ["Damage", "size_of", "verify"]


class Damage(NamedTuple):
    """Something kept that is not what was recorded; `snapshots` are the ids of those that it concerns.

    If the place `is_away`, nothing is known of what is there.
    """

    place: str
    problem: str
    snapshots: tuple[int, ...]
    is_away: bool = False


def verify(
    kept: Kept,
    here: Here,
    *,
    deep: bool = False,
    only: Collection[int] | None = None,
    told: Told = lambda size: None,
) -> Iterator[Damage]:
    """Everything that is wrong with what is kept, of all snapshots or `only` those with these ids.

    Without `deep`: every file and pack is there in its recorded size, and every recipe's chunks are recorded.
    With it every byte is read and compared with its digest. `told` is called with the size in bytes of each
    file and pack that was looked at. Raises StoreError.
    """
    for record in kept.places():
        files = [each for each in kept.files_at(record.id) if only is None or each.snapshot_id in only]
        if not files and (only is not None or not kept.packs(record.id)):
            continue
        try:
            place = open_recorded(record, here)
            yield from _at_place(kept, place, record, files, _How(deep, only is None, told))
        except AutologError as error:
            concerned = tuple(sorted({each.snapshot_id for each in files}))
            yield Damage(place_name(record, here), str(error), concerned, is_away=True)


def size_of(kept: Kept, only: Collection[int] | None = None) -> int:
    """About how many bytes `verify` will look at."""
    if only is None:
        return kept.total() + kept.plain()
    files = (each for record in kept.places() for each in kept.files_at(record.id))
    return sum(each.size for each in files if each.snapshot_id in only)


class _How(NamedTuple):
    """How closely to look, whether at all that is there, and whom to tell how far it is."""

    deep: bool
    is_all: bool
    told: Told


def _at_place(
    kept: Kept, place: Place, record: PlaceRecord, files: list[KeptRecord], how: _How
) -> Iterator[Damage]:
    """What is wrong at one place. Raises DestinationError if it can't be reached."""
    for file in files:
        if file.path is not None:
            if problem := _problem_of_file(kept, place, file, deep=how.deep):
                yield Damage(place.name, problem, (file.snapshot_id,))
            how.told(file.size)
    packed = [each for each in files if each.path is None]
    yield from _Packed(kept, place, record.id, how).damages(packed)


def _problem_of_file(kept: Kept, place: Place, file: KeptRecord, *, deep: bool) -> str:
    try:
        if place.size(file.path or "") != file.size:
            return f"{file.path} is gone or has another size than was recorded"
        if deep:
            with tempfile.TemporaryDirectory(prefix="autolog-verify-") as folder:
                copy_verified(file, kept, place, os.path.join(folder, "file"))
    except IntegrityError as error:
        return str(error)
    except OSError as error:
        raise DestinationError(
            f"{file.path} can't be fetched to be looked at ({error.strerror or error}); make room in"
            f" {tempfile.gettempdir()}, or set TMPDIR"
        ) from error
    return ""


class _Packed:
    """The packs and recipes of one place."""

    def __init__(self, kept: Kept, place: Place, place_id: int, how: _How) -> None:
        self._kept = kept
        self._place = place
        self._how = how
        self._reading = Reading(kept, place_id, place)
        self._packs = kept.packs(place_id)
        #: Pack -> its problems, and which of its chunks are damaged: none named means all of them.
        self._broken: dict[int, tuple[list[str], set[bytes]]] = {}
        #: Differences that were made to see what they give.
        self._made: set[bytes] = set()

    def damages(self, files: list[KeptRecord]) -> Iterator[Damage]:
        """What is wrong, pack by pack and recipe by recipe; of all packs, or those that these files need."""
        packs = self._packs if self._how.is_all else self._needed(files)
        for pack in packs.values():
            for digest, problem in self._problems(pack):
                problems, chunks = self._broken.setdefault(pack.id, ([], set()))
                problems.append(problem)
                chunks.update({digest} - {b""})
            self._how.told(pack.size)
        # What was given up while we looked, by collecting or repacking, is gone rightly.
        still = self._kept.packs(self._reading.place_id, set(self._broken))
        self._broken = {pack_id: found for pack_id, found in self._broken.items() if pack_id in still}
        concerned: dict[int, set[int]] = {pack_id: set() for pack_id in self._broken}
        known: dict[int, tuple[str, set[int]]] = {}
        for file in files:
            assert file.recipe_id is not None  # what is not plain has one
            if file.recipe_id not in known:
                known[file.recipe_id] = self._look(file.recipe_id)
            problem, broken = known[file.recipe_id]
            if problem:
                yield Damage(self._place.name, problem, (file.snapshot_id,))
            for pack_id in broken:
                concerned[pack_id].add(file.snapshot_id)
        for pack_id, (problems, _) in self._broken.items():
            if self._how.is_all or concerned[pack_id]:
                yield Damage(self._place.name, "; ".join(problems[:3]), tuple(sorted(concerned[pack_id])))

    def _needed(self, files: Iterable[KeptRecord]) -> dict[int, PackRecord]:
        needed: set[int] = set()
        for recipe_id in {each.recipe_id for each in files}:
            assert recipe_id is not None  # what is not plain has one
            try:
                needed.update(each.pack_id for each in self._records(recipe_id).values())
            except IntegrityError:
                continue  # `_look` tells it
        return {pack_id: self._packs[pack_id] for pack_id in sorted(needed & self._packs.keys())}

    def _records(self, recipe_id: int) -> dict[bytes, ChunkRecord]:
        return self._reading.find(digest for digest, _ in from_recipe(self._kept.recipe(recipe_id)))

    def _problems(self, pack: PackRecord) -> Iterator[tuple[bytes, str]]:
        try:
            if self._how.deep:
                yield from verify_pack(self._place, pack.name, pack.size, pack.digest)
            elif self._place.size(pack.name) != pack.size:
                yield b"", f"the pack {pack.name} is gone or has another size than was recorded"
        except IntegrityError as error:
            yield b"", str(error)

    def _look(self, recipe_id: int) -> tuple[str, set[int]]:
        """What is wrong with a recipe, and which broken packs it needs."""
        problem, broken = self._look_once(recipe_id)
        # Its chunks may have been put into other packs meanwhile: what is wrong twice is wrong.
        return self._look_once(recipe_id) if problem else (problem, broken)

    def _look_once(self, recipe_id: int) -> tuple[str, set[int]]:
        try:
            records = self._records(recipe_id)
        except IntegrityError as error:
            return str(error), set()
        broken = {each.pack_id for each in records.values() if self._is_broken(each)}
        if self._how.deep and not broken:
            # The stored forms are right; whether differences give what they should is seen by making them.
            differences = {digest for digest, each in records.items() if each.base} - self._made
            try:
                for digest, _ in self._reading.read(differences, records):
                    self._made.add(digest)
            except IntegrityError as error:
                return str(error), set()
        return "", broken

    def _is_broken(self, record: ChunkRecord) -> bool:
        if record.pack_id not in self._broken:
            return False
        chunks = self._broken[record.pack_id][1]
        return not chunks or record.digest in chunks
