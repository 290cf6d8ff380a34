"""A snapshot's files as streams of verified bytes, for whoever passes them on without a file of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from autolog.errors import IntegrityError, WeightsUnavailable

from .cache import still_there
from .destination import open_recorded
from .here import Here
from .layout import is_safe_name
from .reading import Reading
from .restore import files_of, kept_for, why_not

if TYPE_CHECKING:
    from autolog.content import Data
    from autolog.store import ArtifactRecord, Kept, KeptRecord, SnapshotRecord

__all__ = ["Streamed", "artifact_stream", "streams", "verified"]

_BLOCK = 1 << 20


class Streamed(NamedTuple):
    """One file of a snapshot: its name as in its parts (empty for a single one), its size in bytes.

    `open` gives its bytes, block by block. The last block comes only when all of them have turned out to be
    what was saved, so whoever was told the size knows without it that the file is none. Reading raises
    IntegrityError, DestinationError and WeightsUnavailable.
    """

    name: str
    size: int
    open: Callable[[], Iterator[Data]]


def streams(snapshot: SnapshotRecord, kept: Kept, here: Here) -> list[Streamed]:
    """The files of a snapshot, kept for it or for another one with the same bytes, else from its own path.

    A file at its own path is taken if it still is what was saved, here or where `path_substitution` says;
    it is read for that unless the store remembers it. `snapshot.parts` must be there. Raises
    WeightsUnavailable, and IntegrityError for a file whose name leads elsewhere.
    """
    wanted = files_of(snapshot)
    if not all(is_safe_name(name) for name, _, _ in wanted):
        raise IntegrityError(f"v{snapshot.version} has a file with a name that leads elsewhere")
    if found := kept_for(snapshot, kept):
        return [_kept(name, each, kept, here) for name, each in found]
    if (own := still_there(snapshot, kept, here)) is not None:
        return [_at_path(name, path, digest) for name, path, digest in own.files]
    raise WeightsUnavailable(why_not(snapshot))


def artifact_stream(record: ArtifactRecord, here: Here) -> Streamed:
    """An artifact's file. Raises WeightsUnavailable and DestinationError if its place can't be reached."""
    place = open_recorded(record.place, here)
    if place.size(record.path) is None:
        raise WeightsUnavailable(f"the file of the artifact {record.name!r} isn't where it was kept any more")

    def blocks() -> Iterator[Data]:
        for offset in range(0, record.size, _BLOCK):
            yield place.read(record.path, offset, min(_BLOCK, record.size - offset))

    return Streamed(
        os.path.basename(record.path), record.size, lambda: verified(blocks(), record.digest, record.size)
    )


def _kept(name: str, file: KeptRecord, kept: Kept, here: Here) -> Streamed:
    def blocks() -> Iterator[Data]:
        place = open_recorded(file.place, here)
        if file.path is not None:
            for offset in range(0, file.size, _BLOCK):
                yield place.read(file.path, offset, min(_BLOCK, file.size - offset))
            return
        assert file.recipe_id is not None  # a kept file has either
        yield from Reading(kept, file.place.id, place).file(kept.recipe(file.recipe_id))

    return Streamed(name, file.size, lambda: verified(blocks(), file.digest, file.size))


def _at_path(name: str, path: str, digest: str) -> Streamed:
    size = os.path.getsize(path)
    return Streamed(name, size, lambda: verified(_blocks_of(path), digest, size))


def _blocks_of(path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb", buffering=0) as file:
            yield from iter(partial(file.read, _BLOCK), b"")
    except OSError as error:
        raise WeightsUnavailable(f"{path} can't be read any more ({error.strerror or error})") from error


def verified(blocks: Iterable[Data], digest: str, size: int) -> Iterator[Data]:
    """The blocks, the last of them only if they are of this size and digest. Raises IntegrityError."""
    hasher = blake3()
    held: Data = b""
    for block in blocks:
        if len(held):
            yield held
        held = block
        hasher.update(block)
        size -= len(block)
        if size < 0:
            break
    if size != 0 or f"blake3:{hasher.hexdigest()}" != digest:
        raise IntegrityError("the bytes that were read are not those that were recorded")
    if len(held):
        yield held
