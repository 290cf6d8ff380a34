"""A snapshot's files, open for reading wherever they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, cast

from autolog.errors import WeightsUnavailable

from .cache import still_there
from .destination import open_recorded
from .here import Here
from .ranges import open_file
from .restore import kept_for, why_not

if TYPE_CHECKING:
    from autolog.store import Kept, KeptRecord, SnapshotRecord

__all__ = ["openers"]

Opener = Callable[[], BinaryIO]


def openers(snapshot: SnapshotRecord, kept: Kept, here: Here) -> list[tuple[str, Opener]]:
    """The name of each file of a snapshot, and what opens it for reading.

    Kept ones are read where they are kept, and only as far as is asked for. Else the file at its own path is
    taken if it still is what was saved, here or where `path_substitution` says, else what is kept for another
    snapshot with the same bytes; `snapshot.parts` must be there. Raises WeightsUnavailable; opening and
    reading raise IntegrityError and DestinationError.
    """
    own = None if kept.files(snapshot.id) else still_there(snapshot, kept, here)
    if own is not None:
        return [(name, partial(_open_own, path)) for name, path, _ in own.files]
    if found := kept_for(snapshot, kept):
        return [(name, partial(_open, each, kept, here)) for name, each in found]
    raise WeightsUnavailable(why_not(snapshot))


def _open_own(path: str) -> BinaryIO:
    return open(path, "rb")


def _open(file: KeptRecord, kept: Kept, here: Here) -> BinaryIO:
    return cast(BinaryIO, open_file(file, kept, open_recorded(file.place, here)))
