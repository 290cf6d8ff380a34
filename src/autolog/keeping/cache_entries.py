"""The cache's folder: its entries, their locks, and making room. See `cache` for what lies where."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from typing import NamedTuple

from autolog.errors import CacheFull, TargetError
from autolog.files import is_at

__all__ = ["OURS", "Cache", "entry", "filling", "make_room"]

#: What an entry holds of ours, beside what it is for.
OURS = ".autolog"
_ROOM = ".room"
_REMOVED = ".removed-"
_ENTRY = re.compile(r"[0-9a-f]{64}\Z")
_MOST_HELD = 16

#: The locks that this process keeps, by the entry's folder, the latest last.
_held: dict[str, int] = {}


class Cache(NamedTuple):
    """Where copies lie, how many bytes they may take together, and how many stay free on that disk."""

    dir: str
    max_bytes: int
    min_free_bytes: int


class _Entry(NamedTuple):
    """A snapshot in the cache: the bytes that it takes, those still to come, and when it was used (ns)."""

    folder: str
    size: int
    coming: int
    used: int


@contextlib.contextmanager
def entry(cache: Cache, digest: str) -> Iterator[str]:
    """The folder of the entry of a digest, made if there is none; one that stays empty goes again.

    Nobody removes it from here on, as long as this process lives, unless it asks for many others. Raises
    TargetError if the cache can't be written.
    """
    folder = os.path.join(os.path.abspath(cache.dir), digest.partition(":")[2])
    try:
        lock = _take(folder)
        try:
            yield folder
            # It was used now. The kernel's own clock for this has steps of milliseconds: two uses would tie.
            os.utime(lock, ns=(time.time_ns(),) * 2)
        except BaseException:
            os.close(lock)
            if os.listdir(folder) == [OURS]:
                _remove(folder)
            raise
    except OSError as error:
        raise TargetError(
            f"the cache in {cache.dir} can't be used ({error.strerror or error}); set cache.dir"
            " (AUTOLOG_CACHE_DIR) to a folder on a disk of this machine"
        ) from error
    _hold(folder, lock)


@contextlib.contextmanager
def filling(folder: str) -> Iterator[int]:
    """While something is put into an entry: the descriptor of the file that tells `make_room` of it.

    One at a time: another one waits, and finds what this one has put there.
    """
    with _locked(os.path.join(folder, OURS, "fetching")) as fetching:
        os.ftruncate(fetching, 0)
        try:
            yield fetching
        finally:
            os.ftruncate(fetching, 0)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[int]:
    """The descriptor of a file that nobody else has locked."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(folder: str) -> int:
    """The lock of an entry, which is made if there is none; as long as it is open, nobody removes it."""
    path = os.path.join(folder, OURS, "in-use")
    while True:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            continue  # it was just removed
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if is_at(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _hold(folder: str, lock: int) -> None:
    """Keep an entry's lock beyond the call."""
    _let_go(folder)
    _held[folder] = lock
    for each in list(_held)[:-_MOST_HELD]:
        _let_go(each)


def _let_go(folder: str) -> None:
    lock = _held.pop(folder, None)
    # A script may have closed all its descriptors, and then the number is that of a file of its own.
    if lock is not None and is_at(os.path.join(folder, OURS, "in-use"), lock):
        os.close(lock)


def make_room(cache: Cache, folder: str, size: int, fetching: int) -> None:
    """Remove what was used longest ago until `size` more bytes fit, and note that they will come."""
    if size > cache.max_bytes:
        raise CacheFull(
            f"it takes {size:,} bytes, and the cache in {cache.dir} may take {cache.max_bytes:,}; set"
            f" cache.max_bytes to at least {size:,}"
        )
    with _locked(os.path.join(cache.dir, _ROOM)):
        for name in os.listdir(cache.dir):
            if name.startswith(_REMOVED):
                shutil.rmtree(os.path.join(cache.dir, name), ignore_errors=True)
        entries = list(_entries(cache.dir))
        present = sum(each.size for each in entries if each.folder == folder)
        others = [each for each in entries if each.folder != folder]
        above = present + sum(each.size for each in others) + size - cache.max_bytes
        free = shutil.disk_usage(cache.dir).free - sum(each.coming for each in others)
        lacking = max(above, cache.min_free_bytes + size - free)
        removable = sorted(others, key=lambda each: (each.folder in _held, each.used))
        if lacking <= sum(each.size for each in removable):
            for each in removable:
                if lacking > 0 and _remove(each.folder):
                    lacking -= each.size
        if lacking > 0:
            raise CacheFull(
                f"it takes {size:,} bytes, and {lacking:,} of them have no room in the cache in {cache.dir}"
                f" beside what running programs use: it may take {cache.max_bytes:,} bytes"
                f" (cache.max_bytes), and {cache.min_free_bytes:,} have to stay free on its disk"
                " (cache.min_free_bytes); change these, or set cache.dir to a larger disk"
            )
        os.pwrite(fetching, str(present + size).encode(), 0)


def _entries(root: str) -> Iterator[_Entry]:
    root = os.path.abspath(root)
    for name in os.listdir(root):
        if not _ENTRY.match(name):
            continue
        folder = os.path.join(root, name)
        ours = os.path.join(folder, OURS)
        size = 0
        for here, _, names in os.walk(folder):
            if here != ours:
                size += sum(_size(os.path.join(here, each)) for each in names)
        try:
            used = os.stat(os.path.join(ours, "in-use")).st_mtime_ns
            with open(os.path.join(ours, "fetching"), "rb") as file:
                whole = int(file.read(20) or 0)
        except (OSError, ValueError):
            used, whole = 0, 0
        yield _Entry(folder, max(size, whole), max(0, whole - size), used)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _remove(folder: str) -> bool:
    """Remove an entry; False if another process uses it."""
    was_held = folder in _held
    _let_go(folder)
    path = os.path.join(folder, OURS, "in-use")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if was_held:
            fcntl.flock(lock, fcntl.LOCK_SH)
            _held[folder] = lock
        else:
            os.close(lock)
        return False
    root, name = os.path.split(folder)
    gone = os.path.join(root, f"{_REMOVED}{name}-{os.urandom(4).hex()}")
    try:
        os.rename(folder, gone)  # whoever waits for its lock sees that it is no more
    except OSError:
        return False
    finally:
        os.close(lock)
    shutil.rmtree(gone, ignore_errors=True)
    return True
