"""Comparing what is kept with what was recorded."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from autolog.content import Place, from_recipe, verify_pack
from autolog.errors import AutologError, IntegrityError

from .destination import open_recorded
from .reading import Reading
from .restore import copy_verified

if TYPE_CHECKING:
    from autolog.store import ChunkRecord, Kept, KeptRecord, PackRecord

__all__ = ["Damage", "verify"]


class Damage(NamedTuple):
    """Something kept that is not what was recorded; `snapshots` are the ids of those that it concerns."""

    place: str
    problem: str
    snapshots: tuple[int, ...]


def verify(kept: Kept, home: str, *, deep: bool = False) -> Iterator[Damage]:
    """Everything that is wrong with what is kept.

    Without `deep`: every file and pack is there in its recorded size, and every recipe's chunks are recorded.
    With it every byte is read and compared with its digest. Raises StoreError.
    """
    for record in kept.places():
        files = kept.files_at(record.id)
        if not files and not kept.packs(record.id):
            continue
        try:
            place = open_recorded(record, home)
        except AutologError as error:
            yield Damage(record.url, str(error), tuple(sorted({each.snapshot_id for each in files})))
            continue
        for file in files:
            if file.path is not None and (problem := _problem_of_file(kept, place, file, deep)):
                yield Damage(place.name, problem, (file.snapshot_id,))
        packed = [each for each in files if each.path is None]
        yield from _Packed(kept, place, record.id, deep).damages(packed)


def _problem_of_file(kept: Kept, place: Place, file: KeptRecord, deep: bool) -> str:
    try:
        if place.size(file.path or "") != file.size:
            return f"{file.path} is gone or has another size than was recorded"
        if deep:
            with tempfile.TemporaryDirectory(prefix="autolog-verify-") as folder:
                copy_verified(file, kept, place, os.path.join(folder, "file"))
    except AutologError as error:
        return str(error)
    return ""


class _Packed:
    """The packs and recipes of one place."""

    def __init__(self, kept: Kept, place: Place, place_id: int, deep: bool) -> None:
        self._kept = kept
        self._place = place
        self._deep = deep
        self._reading = Reading(kept, place_id, place)
        self._packs = kept.packs(place_id)
        #: Pack -> its problems, and which of its chunks are damaged: none named means all of them.
        self._broken: dict[int, tuple[list[str], set[bytes]]] = {}

    def damages(self, files: list[KeptRecord]) -> Iterator[Damage]:
        """What is wrong, pack by pack and recipe by recipe."""
        for pack in self._packs.values():
            for digest, problem in self._problems(pack):
                problems, chunks = self._broken.setdefault(pack.id, ([], set()))
                problems.append(problem)
                chunks.update({digest} - {b""})
        concerned: dict[int, set[int]] = {pack_id: set() for pack_id in self._broken}
        known: dict[int, tuple[str, set[int]]] = {}
        for file in files:
            assert file.recipe_id is not None  # what is not plain has one
            if file.recipe_id not in known:
                known[file.recipe_id] = self._look(file.recipe_id)
            problem, packs = known[file.recipe_id]
            if problem:
                yield Damage(self._place.name, problem, (file.snapshot_id,))
            for pack_id in packs:
                concerned[pack_id].add(file.snapshot_id)
        for pack_id, (problems, _) in self._broken.items():
            yield Damage(self._place.name, "; ".join(problems[:3]), tuple(sorted(concerned[pack_id])))

    def _problems(self, pack: PackRecord) -> Iterator[tuple[bytes, str]]:
        try:
            if self._deep:
                yield from verify_pack(self._place, pack.name, pack.size, pack.digest)
            elif self._place.size(pack.name) != pack.size:
                yield b"", f"the pack {pack.name} is gone or has another size than was recorded"
        except AutologError as error:
            yield b"", str(error)

    def _look(self, recipe_id: int) -> tuple[str, set[int]]:
        """What is wrong with a recipe, and which broken packs it needs."""
        try:
            records = self._reading.find(digest for digest, _ in from_recipe(self._kept.recipe(recipe_id)))
        except IntegrityError as error:
            return str(error), set()
        broken = {each.pack_id for each in records.values() if self._is_broken(each)}
        if self._deep and not broken:
            try:
                # The stored forms are right; whether differences give what they should is seen by making
                # them.
                for _ in self._reading.read((d for d, each in records.items() if each.base), records):
                    pass
            except AutologError as error:
                return str(error), set()
        return "", broken

    def _is_broken(self, record: ChunkRecord) -> bool:
        if record.pack_id not in self._broken:
            return False
        chunks = self._broken[record.pack_id][1]
        return not chunks or record.digest in chunks
