"""What is only needed for a moment, and what a process that was killed has left of it.

Packs that are written anew lie in the system's temporary folder, files that are imported in the home. Each
is locked while it is in use: the kernel drops the lock of a process that is killed, and `gc` takes away what
is left.
"""

from __future__ import annotations

import fcntl
import glob
import itertools
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from autolog.errors import DestinationError
from autolog.locks import is_locked

__all__ = ["left_behind", "room", "scratch_pack", "sweep"]

_SUFFIX = ".pack"
_ROOM = "autolog-import-"
#: Whatever is younger, in seconds, may only just have been made, and not be locked yet.
_YOUNG = 60.0


@contextmanager
def room(home: str) -> Iterator[str]:
    """A folder in the home for what is only needed now.

    Raises DestinationError if it can't be made, and for an OSError in the block.
    """
    try:
        os.makedirs(home, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_ROOM, dir=home) as folder:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield folder
            finally:
                os.close(lock)
    except OSError as error:
        raise DestinationError(
            f"nothing can be put aside in {home} ({error.strerror or error}); make room there, or set"
            " AUTOLOG_HOME to a folder with room"
        ) from error


@contextmanager
def scratch_pack(owner: str) -> Iterator[BinaryIO]:
    """A file to write a pack of the store with this id into; what was published is another name or a copy."""
    with tempfile.NamedTemporaryFile(prefix=_prefix(owner), suffix=_SUFFIX) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield cast("BinaryIO", file)  # it is one in all but name


def left_behind(owner: str, home: str, after: float) -> Iterator[tuple[str, int]]:
    """`(path, size in bytes)` of what nobody is at and nobody has touched for so many seconds.

    Of packs those of the store with this id: others have a `gc` of their own.
    """
    patterns = (
        os.path.join(glob.escape(tempfile.gettempdir()), f"{glob.escape(_prefix(owner))}*{_SUFFIX}"),
        os.path.join(glob.escape(home), f"{_ROOM}*"),
    )
    for path in itertools.chain.from_iterable(map(glob.iglob, patterns)):
        try:
            if os.lstat(path).st_uid != os.getuid() or is_locked(path):
                continue
            size, touched = _extent(path)
        except OSError:
            continue  # gone by now, or not for us to read
        if time.time() - touched >= max(after, _YOUNG):
            yield path, size


def sweep(owner: str, home: str, after: float) -> int:
    """Take all of that away; how many bytes it was. Raises OSError."""
    freed = 0
    for path, size in left_behind(owner, home, after):
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
        freed += size
    return freed


def _prefix(owner: str) -> str:
    return f"autolog-{owner}-"


def _extent(path: str) -> tuple[int, float]:
    """How many bytes are in a file or folder, and when the newest of it was written."""
    found = [os.lstat(path)]
    for folder, _, names in os.walk(path):
        found += [os.lstat(os.path.join(folder, name)) for name in names]
    return sum(each.st_size for each in found if stat.S_ISREG(each.st_mode)), max(
        each.st_mtime for each in found
    )
