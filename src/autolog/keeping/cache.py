"""A snapshot's bytes on this machine: where the script saved them if they still are there, else in a cache.

What the cache's folder holds, by the digest's 64 hex digits:

    <digest>/<own name>            the file, or the folder, or the files that begin with this name
    <digest>/.autolog/in-use       locked (shared) by each process that was given a path in there
    <digest>/.autolog/fetching     locked by the one that writes; how large it will be, in bytes
    <digest>/.autolog/stamp        what each file was when it had been verified
    .room                          locked by whoever removes entries

A path is only as good as nobody removes the file, and the caller may open it much later. So a process keeps
its lock on an entry until it ends, or until it was given sixteen others, and an entry that another process
has locked is never removed. Locks and not ages: a lock is gone with its process, however that ends. What
this process itself was given goes when nothing else is left to remove, so that a loop over many models
doesn't fill the cache with its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from typing import TYPE_CHECKING, NamedTuple

from autolog.content import Told
from autolog.errors import IntegrityError, StoreError, WeightsUnavailable
from autolog.events import FileFacts
from autolog.files import facts_from

from .cache_entries import OURS, Cache, entry, filling, make_room
from .here import Here, seen_at
from .layout import Layout, is_safe_name, layout_of
from .restore import digest_at, files_of, has_source, restore, why_not

if TYPE_CHECKING:
    from autolog.store import Kept, SnapshotRecord

__all__ = ["Own", "local_copy", "still_there"]

_DIGEST = re.compile(r"blake3:([0-9a-f]{64})\Z")
#: What `restore` writes before it puts it in its place.
_PART = re.compile(r".+\.\d+-[0-9a-f]{8}\.part\Z")
#: Room in a name for what `restore` puts behind it.
_LONGEST_NAME = 200
#: A file that was written this recently, in nanoseconds, may be written again within the same tick.
_YOUNG = 2 * 10**9


class _Wanted(NamedTuple):
    """The files that an entry is to hold: their paths, below `target` in it."""

    folder: str
    target: str
    names: list[str]
    is_folder: bool
    force: bool


def local_copy(
    snapshot: SnapshotRecord,
    kept: Kept,
    here: Here,
    cache: Cache,
    *,
    force: bool = False,
    told: Told = lambda size: None,
) -> str:
    """The path of a snapshot's file, folder or prefix on this machine; what is there is what was saved.

    That is its own path, or where `path_substitution` has it, if the bytes there still are those: told by
    what the store remembers of the file, or by reading it. Else it is a copy in the cache, verified while it
    was written; after that its size and times are looked at. With `force` it is fetched anew.
    `snapshot.parts` must be there; `told` is called with the number of bytes after each step. The copy stays
    as long as this process lives (see above), and is not to be written to.

    Raises WeightsUnavailable, IntegrityError, DestinationError, CacheFull, and TargetError if the cache can't
    be written.
    """
    if not force and (own := still_there(snapshot, kept, here, told)) is not None:
        return own.uri.rstrip("/")
    if snapshot.digest is None:
        raise WeightsUnavailable(why_not(snapshot))
    if not _DIGEST.match(snapshot.digest):
        raise IntegrityError(f"{snapshot.model_id}:v{snapshot.version} has a digest of an unknown kind")
    layout = layout_of(snapshot.uri, [name for name, _, _ in files_of(snapshot)])
    with entry(cache, snapshot.digest) as folder:
        target = os.path.join(folder, _own_name(layout))
        names = [layout.at(target, name) for name, _, _ in files_of(snapshot)]
        wanted = _Wanted(folder, target, names, not layout.is_single and not layout.is_prefix, force)
        if force or not _is_whole(wanted):
            _fetch(snapshot, kept, here, cache, wanted, told)
    return _given(layout, snapshot.uri, target)


# -- its own path -------------------------------------------------------------------------------------


class Own(NamedTuple):
    """A snapshot's files at its own path, `uri`: `(name, path, digest)` of each."""

    uri: str
    files: list[tuple[str, str, str]]


def still_there(
    snapshot: SnapshotRecord, kept: Kept, here: Here, told: Told = lambda size: None
) -> Own | None:
    """A snapshot's files at its own path, here or where `path_substitution` says, if they still are the same.

    They are read for that unless the store remembers them. `snapshot.parts` must be there.
    """
    wanted = files_of(snapshot)
    for uri in seen_at(snapshot.uri, here) if wanted else ():
        if uri and "://" not in uri:
            layout = layout_of(uri, [name for name, _, _ in wanted])
            if all(_is_still(layout.at_own_path(name), size, d, kept, told) for name, size, d in wanted):
                return Own(uri, [(name, layout.at_own_path(name), digest) for name, _, digest in wanted])
    return None


def _is_still(path: str, size: int | None, digest: str, kept: Kept, told: Told = lambda size: None) -> bool:
    """Whether a file has these bytes; it is read only if the store doesn't know it as it is now."""
    facts = _facts(path)
    if facts is None or size not in (None, facts.size):
        return False
    known = kept.known_digest(facts)
    if known is not None:
        return known == digest
    began = time.time_ns()
    try:
        found = digest_at(path, told)
    except OSError:
        return False
    if found != digest or _facts(path) != facts:
        return False
    if facts.mtime_ns < began - _YOUNG:
        # Next time it need not be read. A store that can't be written now says no other thing of the file.
        with contextlib.suppress(StoreError):
            kept.remember(facts, digest)
    return True


def _facts(path: str) -> FileFacts | None:
    try:
        return facts_from(os.stat(path))
    except (OSError, ValueError):
        return None


# -- names --------------------------------------------------------------------------------------------


def _own_name(layout: Layout) -> str:
    """What a snapshot is called in its entry: as where it was saved, if that can be a name there.

    Loaders go by the suffix.
    """
    name = layout.own_name
    is_usable = name and is_safe_name(name) and "/" not in name and name != OURS and not _PART.match(name)
    if is_usable and len(os.fsencode(name)) <= _LONGEST_NAME:
        return name
    suffix = os.path.splitext(name)[1]
    return f"weights{suffix}" if re.fullmatch(r"\.\w{1,15}", suffix) and suffix != ".part" else "weights"


def _given(layout: Layout, uri: str | None, target: str) -> str:
    """What a loader is given, below `target`: what the script's own path was in the place of its files."""
    path = uri or ""
    if "://" in path:
        path = path.partition("?")[0].partition("#")[0]
    rest = path[len(layout.base) :]
    return layout.at(target, rest) if rest else target


# -- fetching -----------------------------------------------------------------------------------------


def _fetch(
    snapshot: SnapshotRecord, kept: Kept, here: Here, cache: Cache, wanted: _Wanted, told: Told
) -> None:
    """Have an entry, which is taken, hold these files."""
    with filling(wanted.folder) as fetching:
        if not wanted.force and _is_whole(wanted):
            return  # another one has fetched it meanwhile
        if not has_source(snapshot, kept, here):
            raise WeightsUnavailable(why_not(snapshot))
        for each in os.listdir(wanted.folder):
            if _PART.match(each):  # somebody didn't come to the end
                shutil.rmtree(os.path.join(wanted.folder, each), ignore_errors=True)
        make_room(cache, wanted.folder, sum(size or 0 for _, size, _ in files_of(snapshot)), fetching)
        _clear(wanted)
        restore(snapshot, kept, here, wanted.target, replace=True, told=told)
        _stamp(wanted)


def _clear(wanted: _Wanted) -> None:
    """Take away what is of another kind than what is to be there: a rename can't replace it."""
    for each in wanted.names:
        if os.path.isdir(each) and not os.path.islink(each):
            shutil.rmtree(each)
    if wanted.is_folder and os.path.lexists(wanted.target) and not os.path.isdir(wanted.target):
        os.unlink(wanted.target)


def _stamps(folder: str) -> dict[str, list[int]]:
    """What the files of an entry were when they had been verified, by their paths in it."""
    try:
        with open(os.path.join(folder, OURS, "stamp"), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _stamp(wanted: _Wanted) -> None:
    stamps = _stamps(wanted.folder)
    stamps.update((os.path.relpath(each, wanted.folder), _now(each)) for each in wanted.names)
    path = os.path.join(wanted.folder, OURS, "stamp")
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(stamps, file)
    os.rename(f"{path}.new", path)


def _now(path: str) -> list[int]:
    # Not its device: that of a network's filesystem changes when it is mounted again.
    status = os.lstat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _is_whole(wanted: _Wanted) -> bool:
    stamps = _stamps(wanted.folder)
    try:
        return all(stamps.get(os.path.relpath(each, wanted.folder)) == _now(each) for each in wanted.names)
    except OSError:
        return False
