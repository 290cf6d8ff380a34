"""Zip archives that may lie: their directory, and their entries, without extracting anything to disk."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from autolog.errors import UnreadableWeights
from autolog.formats._pages import Held, Span
from autolog.formats._ration import Ration
from autolog.formats._source import Enough, FileSource, Seekable, Source, origin_of

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

__all__ = ["Archive", "open_archive"]

_END = struct.Struct("<4s4H2LH")  # end of central directory record, 4.3.16 of PKWARE's APPNOTE
_LOCAL = struct.Struct("<4s5H3L2H")  # local file header, 4.3.7
_LARGEST_DIRECTORY = 1 << 24  # bytes, of two hundred thousand entries; Python makes ten times as much of it
_LARGEST_ENTRY = 1 << 28  # bytes of a compressed entry
_LARGEST_HELD = 1 << 26  # bytes of a compressed entry that is held in memory
_STEEPEST = 200  # times smaller when compressed; torch and Keras don't compress at all


class Archive:
    """An open archive: `entries` by name, in the order of its directory.

    What is read of entries as a whole and what compressed ones expand to comes out of `ration`: a hundred
    thousand entries may be the same few bytes. So does what is made of their pickles.
    """

    def __init__(self, archive: ZipFile, file: Seekable, size: int, ration: Ration) -> None:
        self.ration = ration
        self._archive = archive
        self._file = file
        self._size = size
        self._places: dict[str, int] = {}
        listed = archive.infolist()
        self.entries: dict[str, ZipInfo] = {entry.filename: entry for entry in listed}
        if len(self.entries) != len(listed):
            # Which of the two is loaded depends on who reads: a hiding place.
            raise UnreadableWeights("a zip archive that lists a name twice")
        self._check_beginning()

    def source(self, name: str) -> Source:
        """The bytes of an entry, forward: in place where they are stored as they are."""
        entry = self.entries[name]
        if (place := self._place(entry)) is not None:
            # A span finds its own place in the file, whatever else is read meanwhile.
            return FileSource(Span(self._file, place, entry.file_size), 0, entry.file_size)
        return Source(_Counted(self._inflated(entry), self.ration), limit=_LARGEST_ENTRY)

    def file(self, name: str) -> tuple[Seekable, int]:
        """An entry as a file of its own, and its size; held in memory if it is compressed."""
        entry = self.entries[name]
        if (place := self._place(entry)) is not None:
            return Span(self._file, place, entry.file_size), entry.file_size
        inflated = self._inflated(entry)
        if entry.file_size > _LARGEST_HELD:
            raise Enough(f"{name[:100]!r} is compressed, and larger than what we hold in memory")
        data = _Counted(inflated, self.ration).read(entry.file_size)
        return Held(data), len(data)

    def place(self, name: str) -> int | None:
        """Where an entry's bytes begin in the file on disk; None where they are compressed."""
        origin, start = origin_of(self._file), self._place(self.entries[name])
        return None if origin is None or start is None else origin + start

    def read(self, name: str, most: int) -> bytes:
        """The bytes of an entry, which are to be no more than `most`."""
        file, size = self.file(name)
        if size > most:
            raise Enough(f"{name[:100]!r} has {size} bytes")
        if self.place(name) is not None:
            self.ration.unpack(size)
        return file.read(size)

    def json(self, name: str, most: int = 1 << 22) -> Any:
        """The JSON value that an entry holds."""
        try:
            return json.loads(self.read(name, most))
        except (ValueError, RecursionError) as fault:
            raise UnreadableWeights(f"malformed JSON in {name[:100]!r}: {fault}") from fault

    def _check_beginning(self) -> None:
        """That the archive begins where the file does, or right behind another archive.

        An archive that is cut off right behind an archive inside it looks like the latter.
        """
        first = min((entry.header_offset for entry in self.entries.values()), default=0)
        if first:
            self._file.seek(max(0, first - _END.size))
            if self._file.read(4) != b"PK\x05\x06":
                raise UnreadableWeights("truncated: a zip archive inside another, whose end is missing")

    def _place(self, entry: ZipInfo) -> int | None:
        """Where an entry's bytes begin; None where they are compressed."""
        if entry.compress_type != 0 or entry.flag_bits & 1:
            return None
        if (known := self._places.get(entry.filename)) is not None:
            return known
        self._file.seek(entry.header_offset)
        header = self._file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
            raise UnreadableWeights("damaged zip archive: an entry doesn't begin where its directory says")
        fields = _LOCAL.unpack(header)
        start: int = entry.header_offset + _LOCAL.size + fields[9] + fields[10]
        if start + entry.file_size > self._size:
            raise UnreadableWeights("truncated: an entry of the zip archive reaches beyond the file")
        self._places[entry.filename] = start
        return start

    def _inflated(self, entry: ZipInfo) -> IO[bytes]:
        if entry.compress_type not in (0, 8):
            raise UnreadableWeights("a zip archive compressed in a way that no framework writes")
        if entry.file_size > 1 << 20 and entry.file_size > _STEEPEST * max(1, entry.compress_size):
            raise UnreadableWeights(
                f"a zip archive that expands {entry.compress_size} bytes to {entry.file_size}"
            )
        return self._archive.open(entry)


class _Counted:
    """The bytes of a compressed entry, at the expense of a ration."""

    def __init__(self, file: IO[bytes], ration: Ration) -> None:
        self._file = file
        self._ration = ration

    def read(self, size: int, /) -> bytes:
        data = self._file.read(size)
        self._ration.unpack(len(data))
        return data


@contextmanager
def open_archive(file: Seekable, size: int, ration: Ration | None = None) -> Iterator[Archive]:
    """The zip archive that `file` is; damage found while it is open raises `UnreadableWeights`.

    One of more entries than we list raises `Enough`. `ration` is that of the archive it lies in.
    """
    _check_directory(file, size)
    from zipfile import BadZipFile, ZipFile  # takes 10 ms, and most files are none

    faults = (
        BadZipFile,
        NotImplementedError,
        RuntimeError,
        OverflowError,
        ValueError,
        struct.error,
        EOFError,
    )
    try:
        with ZipFile(cast("IO[bytes]", file)) as archive:
            yield Archive(archive, file, size, ration or Ration(size))
    except (*faults, zlib.error) as fault:
        raise UnreadableWeights(f"damaged zip archive: {fault}") from fault


def _check_directory(file: Seekable, size: int) -> None:
    """That the archive has a directory at its end, of a size we are willing to read."""
    start = max(0, size - (1 << 16) - _END.size)
    file.seek(start)
    tail = file.read(size - start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise UnreadableWeights("truncated: a zip archive without its directory")
    # A larger archive says -1 here and the length elsewhere, so the whole file is the only bound.
    length = _END.unpack_from(tail, at)[5]
    if length == 0xFFFFFFFF and (where := tail.rfind(b"PK\x06\x06", 0, at)) >= 0 and len(tail) - where >= 48:
        length = struct.unpack_from("<Q", tail, where + 40)[0]
    if length > size:
        raise UnreadableWeights(f"a zip archive whose directory claims {length} bytes")
    if length > _LARGEST_DIRECTORY:
        raise Enough(f"a directory of {length} bytes")
