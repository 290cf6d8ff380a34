"""A copy of an artifact on this machine, in the same cache as those of snapshots."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

from autolog.errors import TargetError, UnreadableWeights

if TYPE_CHECKING:
    from autolog.keeping.cache_entries import Cache
    from autolog.store import ArtifactRecord

    from ._records import Records

__all__ = ["local_copy"]


def local_copy(
    records: Records, record: ArtifactRecord, fetch: Callable[[str], None], *, extract: bool, force: bool
) -> str:
    """The path of an artifact's file in the cache, or of the folder that was unpacked from it.

    `fetch` writes the verified file to a path. The copy stays as long as this process lives, unless it asks
    for many others. Raises what `fetch` does, CacheFull, and TargetError if the cache can't be written.
    """
    from autolog.keeping.cache_entries import OURS, Cache, hold, locked, take

    settings = records.settings
    root = os.path.abspath(settings.cache_dir or os.path.join(settings.home, "cache"))
    cache = Cache(root, settings.cache_max_bytes, settings.cache_min_free_bytes)
    folder = os.path.join(root, record.digest.partition(":")[2])
    try:
        lock = take(folder)
        try:
            with locked(os.path.join(folder, OURS, "fetching")) as fetching:
                try:
                    path = _filled(cache, folder, record, fetch, (fetching, extract, force))
                finally:
                    os.ftruncate(fetching, 0)
            os.utime(lock)  # it was used now
        except BaseException:
            os.close(lock)
            raise
    except OSError as error:
        raise TargetError(
            f"the cache in {root} can't be used ({error.strerror or error}); set cache.dir"
            " (AUTOLOG_CACHE_DIR) to a folder on a disk of this machine"
        ) from error
    hold(folder, lock)
    return path


def _filled(
    cache: Cache,
    folder: str,
    record: ArtifactRecord,
    fetch: Callable[[str], None],
    how: tuple[int, bool, bool],
) -> str:
    """Have an entry, which is locked, hold the file; the path of it, or of what was unpacked."""
    from autolog.keeping import digest_at
    from autolog.keeping.cache_entries import make_room

    fetching, extract, force = how
    path = os.path.join(folder, os.path.basename(record.path))
    is_there = not force and os.path.isfile(path) and digest_at(path) == record.digest
    if not is_there:
        os.ftruncate(fetching, 0)
        make_room(cache, folder, record.size, fetching)
        part = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
        try:
            fetch(part)
            os.rename(part, path)
        finally:
            if os.path.lexists(part):
                os.unlink(part)
    if not extract:
        return path
    return _unpacked(cache, folder, path, fetching, force=force)


def _unpacked(cache: Cache, folder: str, path: str, fetching: int, *, force: bool) -> str:
    from autolog.keeping.cache_entries import make_room
    from autolog.keeping.unpacking import unpacked

    target = os.path.splitext(path)[0] + ".files"
    if os.path.isdir(target):
        if not force:
            return target
        shutil.rmtree(target)
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        raise UnreadableWeights(f"{path} is a damaged archive: {error}") from error
    os.ftruncate(fetching, 0)
    make_room(cache, folder, size, fetching)
    return unpacked(path, target)
