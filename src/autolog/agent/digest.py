"""Reading a file once, and knowing whether it was still what was saved.

A file is what was saved if its size and modification time are what they were then (ctime changes on
rename and unlink, so it says nothing), before the reading and after it, and if the few places that
were checksummed then still have that checksum.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence

from blake3 import blake3

from autolog.events import FileFacts, Part
from autolog.files import digest_of_files, facts_of, path_of, sample

__all__ = ["OVERWRITTEN", "digest_file", "digest_of_parts", "find_file", "hash_file", "path_of"]

OVERWRITTEN = "it was overwritten before it could be read"

#: 1 MiB reads are the fastest that was measured; a memory map gains nothing.
_BLOCK = 1 << 20
#: Bounds of the search for a file that was renamed while nobody followed it.
_SEARCH_LEVELS, _SEARCH_ENTRIES = 3, 20_000


def digest_file(
    descriptor: int, facts: FileFacts, read: Callable[[int, int], tuple[str, int]] | None = None
) -> tuple[str | None, bytes | None]:
    """The digest (`blake3:<hex>`) of the file as it was when `facts` were taken, None if it changed.

    With it the bytes, if they are few: a small file can then be looked into after it was overwritten. `read`
    is what reads the file, given its size, if its bytes are put aside on the way; it gives the digest and how
    many bytes there were.
    """
    if not _is_unchanged(descriptor, facts):
        return None, None
    data = os.pread(descriptor, facts.size + 1, 0) if facts.size <= _BLOCK else None
    if read is not None:
        digest, size = read(descriptor, facts.size)
        if data is not None and f"blake3:{blake3(data).hexdigest()}" != digest:
            return None, None
    elif data is not None:
        digest, size = f"blake3:{blake3(data).hexdigest()}", len(data)
    else:
        digest, size = hash_file(descriptor)
    if size != facts.size or not _is_unchanged(descriptor, facts):
        return None, None
    return digest, data


def hash_file(descriptor: int) -> tuple[str, int]:
    """`(digest, bytes)` of an open file."""
    hasher = blake3()
    buffer = bytearray(_BLOCK)
    view = memoryview(buffer)
    offset = 0
    while count := os.preadv(descriptor, [buffer], offset):
        hasher.update(view[:count])
        offset += count
    return f"blake3:{hasher.hexdigest()}", offset


def digest_of_parts(parts: Sequence[Part], digests: Sequence[str]) -> str:
    """The digest of several files that are one snapshot; those without one of their own are left out."""
    pairs = zip(parts, digests, strict=True)
    return digest_of_files((part.name, part.facts.size, digest) for part, digest in pairs if digest)


def _is_unchanged(descriptor: int, facts: FileFacts) -> bool:
    now = os.fstat(descriptor)
    if (now.st_size, now.st_mtime_ns) != (facts.size, facts.mtime_ns):
        return False
    return facts.sample is None or sample(descriptor, facts.size) == facts.sample


def find_file(path: str, facts: FileFacts) -> tuple[int, str] | None:
    """`(descriptor, path)` of a saved file that nobody held: at its path, or renamed nearby.

    The same inode is looked for in the file's folder and a few levels around the nearest folder that
    is left; it counts only if it still has the size and time of the save. At the file's own path it
    counts in any case: if it has other bytes by now, it was overwritten.
    """
    for candidate in itertools.chain((path,), _nearby(path, facts)):
        try:
            descriptor = os.open(candidate, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            continue
        now = facts_of(descriptor, sampled=False)
        is_there = now is not None and (now.device, now.inode) == (facts.device, facts.inode)
        # Inode numbers are used again at once: elsewhere only a file that looks the same is the same.
        looks_same = now is not None and (now.size, now.mtime_ns) == (facts.size, facts.mtime_ns)
        if is_there and (candidate == path or looks_same):
            return descriptor, candidate
        os.close(descriptor)
    return None


def _nearby(path: str, facts: FileFacts) -> Iterator[str]:
    folder = os.path.dirname(path)
    level = 0
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        folder, level = os.path.dirname(folder), level + 1
    seen = 0
    # nearest first: the folder itself, then what is around it if the folder itself was renamed
    for root in dict.fromkeys((folder, os.path.dirname(folder))):
        waiting = [(root, 0)]
        while waiting and seen < _SEARCH_ENTRIES:
            here, depth = waiting.pop(0)
            try:
                entries = list(os.scandir(here))
            except OSError:
                continue
            for entry in entries:
                seen += 1
                if entry.inode() == facts.inode and entry.is_file(follow_symlinks=False):
                    yield entry.path
                elif depth < _SEARCH_LEVELS and entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, depth + 1))
