"""Other things that the cache holds: a file of an artifact, and what was in an archive."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from .cache_entries import Cache, entry, filling, make_room
from .restore import digest_at
from .unpacking import unpacked, unpacked_size

__all__ = ["archive_copy", "file_copy"]


def file_copy(
    cache: Cache, digest: str, name: str, size: int, fetch: Callable[[str], None], *, force: bool = False
) -> str:
    """The path of a file in the cache, by its own name; `fetch` writes it, `size` bytes, to a path.

    The file is read whenever it is asked for, and written anew if it hasn't this digest any more, or with
    `force`; `fetch` has verified what it writes. Raises what `fetch` does, CacheFull and TargetError.
    """
    with entry(cache, digest) as folder, filling(folder) as fetching:
        path = os.path.join(folder, name)
        if not force and os.path.isfile(path) and digest_at(path) == digest:
            return path
        make_room(cache, folder, size, fetching)
        part = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
        try:
            fetch(part)
            os.rename(part, path)
        finally:
            if os.path.lexists(part):
                os.unlink(part)
    return path


def archive_copy(cache: Cache, digest: str, path: str, *, force: bool = False) -> str:
    """The folder in the cache that holds what is in the archive at a path, whose digest this is.

    It is unpacked once, or anew with `force`. Raises UnreadableWeights for an archive that is damaged or
    built to do harm, CacheFull and TargetError.
    """
    with entry(cache, digest) as folder, filling(folder) as fetching:
        target = os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + ".files")
        if os.path.isdir(target):
            if not force:
                return target
            shutil.rmtree(target)
        make_room(cache, folder, unpacked_size(path), fetching)
        return unpacked(path, target)
