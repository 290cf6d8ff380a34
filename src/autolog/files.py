"""What a file is, told in microseconds whatever its size; both halves compare files by it."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterable

from .events import FileFacts, Loaded, Saved

__all__ = [
    "digest_of_files",
    "facts_from",
    "facts_of",
    "folder_facts",
    "is_at",
    "path_of",
    "sample",
    "whole_path",
]

_HEAD, _TAIL, _SPOT = 4096, 16384, 4096


def sample(descriptor: int, size: int) -> int:
    """A CRC-32 over a file's head, tail and two places between: at most 28 KiB are read.

    Not an identity, only a witness: it tells whether a file was rewritten behind our back within one
    tick of the filesystem's clock, which `mtime` can't. The tail weighs most because a zip file ends
    with a directory of the checksums of all its entries.
    """
    if size <= _HEAD + _TAIL:
        return zlib.crc32(os.pread(descriptor, size, 0))
    checksum = zlib.crc32(os.pread(descriptor, _HEAD, 0))
    for third in (1, 2):
        checksum = zlib.crc32(os.pread(descriptor, _SPOT, size * third // 3), checksum)
    return zlib.crc32(os.pread(descriptor, _TAIL, size - _TAIL), checksum)


def is_at(path: str, descriptor: int) -> bool:
    """Whether an open file still is the one at this path; nobody has taken it away or put another there."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except OSError:
        return False


def facts_of(descriptor: int, *, sampled: bool = True) -> FileFacts | None:
    """What the descriptor's file is now; None if it is no regular file (a pipe, a device, a folder)."""
    facts = facts_from(os.fstat(descriptor))
    if facts is None or not sampled:
        return facts
    return facts._replace(sample=sample(descriptor, facts.size))


def facts_from(status: os.stat_result) -> FileFacts | None:
    """The facts that a stat tells, without a sample; None if it is not of a regular file."""
    if not stat.S_ISREG(status.st_mode):
        return None
    return FileFacts(
        device=status.st_dev,
        inode=status.st_ino,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
    )


def folder_facts(status: os.stat_result) -> FileFacts:
    """What a folder is, told by its stat: its identity and times, no size and no sample."""
    return FileFacts(status.st_dev, status.st_ino, 0, status.st_mtime_ns, status.st_ctime_ns)


def whole_path(lead_path: str | None, event: Saved | Loaded) -> str | None:
    """The path of an event's snapshot, told by where its file, its folder or its leading part is now."""
    if lead_path is None or not event.parts or event.base.endswith("/"):
        return lead_path
    if not lead_path.endswith(event.lead):
        return None
    return lead_path[: len(lead_path) - len(event.lead)] + (event.path or "")[len(event.base) :]


def path_of(descriptor: int) -> tuple[str | None, int]:
    """Where an open file is now, and how many names it has left; the path is None if it has none."""
    links = os.fstat(descriptor).st_nlink
    if links == 0:
        return None, 0
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    # An unlinked name shows with this mark although another hard link may be left.
    return (None if path.endswith(" (deleted)") and not os.path.exists(path) else path), links


def digest_of_files(files: Iterable[tuple[str, int, str]]) -> str:
    """The digest of several files that are one snapshot, from `(name, size in bytes, digest)` of each."""
    from blake3 import blake3  # not in the training process, which has no use for it

    lines = sorted(f"{name}\0{size}\0{digest}\n" for name, size, digest in files)
    return f"blake3:{blake3(''.join(lines).encode('utf-8', 'surrogateescape')).hexdigest()}"
