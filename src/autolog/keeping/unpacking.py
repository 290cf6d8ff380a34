"""Unpacking archives that may have been made to do harm.

Files are written by ourselves, into a folder that nobody else knows yet, and only regular ones: that leaves
links, devices, owners and modes out, whatever the Python's `tarfile` does about them.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from typing import IO, NamedTuple, cast

from autolog.errors import TargetError, UnreadableWeights

from .layout import is_safe_name

__all__ = ["is_archive", "unpacked", "unpacked_size"]

_MOST_ENTRIES = 100_000
#: Weights hardly shrink; what grows beyond this many bytes may grow this many times.
_LARGEST, _STEEPEST = 1 << 30, 200
_BLOCK = 1 << 20
#: Bytes of a tar's header: a long name, or what PAX has to say.
_LARGEST_HEADER = 1 << 22
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


class _Entry(NamedTuple):
    """A file in an archive: its size in bytes as it claims, and what opens it."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


def is_archive(path: str) -> bool:
    """Whether a file is a zip or tar archive."""
    return os.path.isfile(path) and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def unpacked_size(path: str) -> int:
    """How many bytes the files in an archive take. Raises UnreadableWeights, and OSError for the file."""
    try:
        with open(path, "rb") as file, closing(_entries(file)) as entries:
            return sum(entry.size for entry in entries)
    except _DAMAGE as error:
        raise UnreadableWeights(f"{path} is a damaged archive: {error}") from error


def unpacked(path: str, folder: str) -> str:
    """Unpack a zip or tar archive (plain, gzip, bzip2 or xz) into a folder that is new or empty; the folder.

    Either all of it is there in the end or nothing. Raises UnreadableWeights for a file that is no such
    archive, is damaged, or is built to do harm: names that lead elsewhere, links, devices, names twice, more
    than 100,000 entries, or more than 200 times the archive's size (1 GiB is always allowed). Raises
    TargetError if something is in the folder already, or it can't be written.
    """
    folder = os.path.abspath(folder)
    if os.path.lexists(folder) and (not os.path.isdir(folder) or os.listdir(folder)):
        raise TargetError(f"{folder} exists already; name another place for what is in {path}")
    beside = f"{folder}.{os.getpid()}-{os.urandom(4).hex()}.part"
    try:
        os.makedirs(beside)
        with open(path, "rb") as file, closing(_entries(file)) as entries:
            _write_all(entries, beside, _limit(path))
        os.rename(beside, folder)
    except _DAMAGE as error:
        raise UnreadableWeights(f"{path} is a damaged archive: {error}") from error
    except OSError as error:
        if error.errno is None:  # bz2 and gzip say so of what they read
            raise UnreadableWeights(f"{path} is a damaged archive: {error}") from error
        raise TargetError(
            f"{path} can't be unpacked into {folder} ({error.strerror or error}); name another place"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _limit(path: str) -> int:
    return max(_LARGEST, _STEEPEST * os.path.getsize(path))


def _write_all(entries: Iterator[_Entry], beside: str, limit: int) -> None:
    left = limit
    for entry in entries:
        left -= entry.size
        if left < 0:
            raise UnreadableWeights(f"an archive that expands to more than {limit:,} bytes")
        target = os.path.join(beside, entry.name)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except (FileExistsError, NotADirectoryError) as error:
            raise UnreadableWeights(f"an archive that has {entry.name[:100]!r} twice") from error
        with os.fdopen(descriptor, "wb") as file, entry.open() as source:
            written = 0
            while data := source.read(_BLOCK):
                written += len(data)
                if written > entry.size:
                    raise UnreadableWeights(f"an archive whose {entry.name[:100]!r} is larger than it says")
                file.write(data)
        if written != entry.size:
            raise UnreadableWeights(f"a truncated archive: {entry.name[:100]!r} ends early")


def _entries(file: IO[bytes]) -> Generator[_Entry, None, None]:
    found = _in_zip(file) if zipfile.is_zipfile(file) else _in_tar(file)
    for number, entry in enumerate(found):
        if number >= _MOST_ENTRIES:
            raise UnreadableWeights(f"an archive of more than {_MOST_ENTRIES:,} entries")
        if entry is not None:
            yield entry


def _name(name: str) -> str:
    """A name in an archive as a relative path; empty for the folder that everything is in."""
    parts = [part for part in name.split("/") if part != "."]
    while parts and not parts[-1]:
        parts.pop()
    path = "/".join(parts)
    if not is_safe_name(path) or "\\" in path:
        raise UnreadableWeights(f"an archive with a name that leads elsewhere: {name[:100]!r}")
    return path


def _in_zip(file: IO[bytes]) -> Iterator[_Entry | None]:
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            name, kind = _name(entry.orig_filename), stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir():
                yield None
                continue
            if kind not in (0, stat.S_IFREG):
                raise UnreadableWeights(f"an archive with a link or a device in it: {name[:100]!r}")
            if entry.flag_bits & 1:
                raise UnreadableWeights("an archive that is encrypted; unpack it yourself")
            yield _Entry(name, entry.file_size, partial(archive.open, entry))


def _in_tar(file: IO[bytes]) -> Iterator[_Entry | None]:
    with _inflated(file) as source:
        try:
            archive = tarfile.TarFile(fileobj=cast("IO[bytes]", _Sips(source)))
        except tarfile.TarError as error:
            raise UnreadableWeights(f"neither a zip nor a tar archive: {error}") from error
        with archive:
            for member in archive:
                name = _name(member.name)
                if member.isdir():
                    yield None
                    continue
                if not member.isreg() or member.issparse():
                    raise UnreadableWeights(
                        f"an archive with a link, a device or holes in it: {name[:100]!r}"
                    )
                yield _Entry(name, member.size, partial(_opened, archive, member))


def _inflated(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    head = file.read(6)
    file.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if head.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(file))
    if head.startswith(b"\xfd7zXZ\x00"):
        return cast("IO[bytes]", lzma.LZMAFile(file))
    return file


def _opened(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(member)
    assert file is not None  # it is a regular one
    return file


class _Sips:
    """A file that is never read in one gulp: `tarfile` holds a header of whatever size it claims."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes. Raises UnreadableWeights if that is more than a header may have."""
        if not 0 <= size <= _LARGEST_HEADER:
            raise UnreadableWeights(f"an archive with a header of {size:,} bytes")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file's own."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As a file's own."""
        return self._file.tell()
