"""Where a model's weights are, in words; and archives that are to be looked into."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autolog.store import ModelRecord, SnapshotRecord

    from ._records import Records

__all__ = ["address_of", "paths_of", "unpacked"]


def address_of(records: Records, model: ModelRecord, snapshot: SnapshotRecord | None) -> str | None:
    """The URL of a version: where it is kept as a plain file, else where it was saved."""
    if snapshot is None:
        return model.origin
    for file in records.kept.files(snapshot.id) if snapshot.keeping == "kept" else ():
        if file.path is not None:
            from autolog.keeping import kept_at

            return _url(kept_at(records.kept.files(snapshot.id), records.home)[0])
    return None if snapshot.uri is None else _url(snapshot.uri)


def _url(path: str) -> str:
    return path if "://" in path else f"file://{path}"


def paths_of(address: str) -> tuple[str, ...]:
    """All that a path or URL may be recorded as."""
    from autolog.config import mask

    if "://" in address and not address.startswith(("file://", "local://")):
        return address, mask(address)
    path = address.partition("://")[2] if "://" in address else address
    whole = os.path.abspath(os.path.expanduser(path))
    return tuple(dict.fromkeys((whole, os.path.realpath(whole))))


def unpacked(records: Records, path: str) -> str:
    """The folder that an archive unpacks to, in the cache; what isn't an archive is left as it is.

    Raises UnreadableWeights for one that is damaged or built to do harm, CacheFull and TargetError.
    """
    from autolog.keeping import archive_copy, digest_at, is_archive

    return archive_copy(records.cache, digest_at(path), path) if is_archive(path) else path
