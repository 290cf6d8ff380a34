"""Bringing a snapshot's bytes back, verified."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from blake3 import blake3

from autolog.content import Place
from autolog.errors import AutologError, DestinationError, IntegrityError, WeightsUnavailable

from .destination import open_recorded
from .reading import Reading

if TYPE_CHECKING:
    from autolog.store import Kept, KeptRecord, SnapshotRecord

__all__ = ["copy_verified", "restore"]

_BLOCK = 1 << 20


def restore(snapshot: SnapshotRecord, kept: Kept, home: str, target: str) -> None:
    """Write a snapshot's file, or its folder of files, to the path `target`; every byte is verified.

    Nothing is there unless all of it is right: it is written beside and then renamed. Raises IntegrityError
    naming the snapshot, WeightsUnavailable, DestinationError, and OSError if `target` can't be written.
    """
    name = f"{snapshot.model_id}:v{snapshot.version}"
    files = kept.files(snapshot.id)
    if not files:
        raise WeightsUnavailable(_why_not(snapshot))
    problem: AutologError | None = None
    for place_id in dict.fromkeys(each.place.id for each in files):
        temporary = f"{target}.{os.getpid()}-{os.urandom(4).hex()}.part"
        try:
            _restore_from([each for each in files if each.place.id == place_id], kept, home, temporary)
            os.rename(temporary, target)
            return
        except (IntegrityError, DestinationError, WeightsUnavailable) as error:
            problem = problem or error  # it may be kept at another place, too
        finally:
            _take_away(temporary)
    assert problem is not None  # there was at least one place
    raise type(problem)(f"{name} can't be restored: {problem}") from problem


def _restore_from(files: list[KeptRecord], kept: Kept, home: str, target: str) -> None:
    place = open_recorded(files[0].place, home)
    for file in files:
        path = os.path.join(target, file.name) if file.name else target
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        copy_verified(file, kept, place, path)


def copy_verified(file: KeptRecord, kept: Kept, place: Place, path: str) -> None:
    """Write one kept file to a path. Raises IntegrityError, DestinationError, OSError."""
    if file.path is not None:
        place.fetch(file.path, path)
        _check(path, file)
        return
    assert file.recipe_id is not None  # a kept file has either
    reading = Reading(kept, file.place.id, place)
    size = 0
    with open(path, "wb", buffering=0) as output:
        for data in reading.file(kept.recipe(file.recipe_id)):
            output.write(data)
            size += len(data)
    if size != file.size:
        raise IntegrityError(f"its recipe gives {size} bytes instead of {file.size}")


def _check(path: str, file: KeptRecord) -> None:
    hasher = blake3()
    with open(path, "rb", buffering=0) as source:
        while data := source.read(_BLOCK):
            hasher.update(data)
    if f"blake3:{hasher.hexdigest()}" != file.digest:
        raise IntegrityError(f"{file.path} does not match the digest that was recorded")


def _take_away(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)


def _why_not(snapshot: SnapshotRecord) -> str:
    name = f"{snapshot.model_id[:12]}:v{snapshot.version}"
    if snapshot.keeping == "waiting":
        return f"the bytes of {name} wait to be kept ({snapshot.keeping_reason}); try again later"
    if snapshot.keeping in ("failed", "dropped"):
        return f"the bytes of {name} are not kept: {snapshot.keeping_reason}"
    where = f"; the file is recorded at {snapshot.uri}" if snapshot.uri else ""
    return f"the bytes of {name} were not kept{where}. Run with output_uri=True to keep every version"
