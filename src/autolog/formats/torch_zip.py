"""Zip archives of `torch.save` (since 1.6) and of TorchScript.

All entries lie below one folder: `data.pkl` is the pickled object, `data/<key>` the bytes of each
storage it names, `version` and `byteorder` small texts. TorchScript archives hold `code/` and
`constants.pkl` besides. The bytes of the storages are not read, only whether they are there.
(`torch/serialization.py`, `_save`; PyTorch's `caffe2/serialize/inline_container.h`.)
"""

from __future__ import annotations

import struct
import zlib
from typing import IO, TYPE_CHECKING, cast

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import Storage, as_storage, element_bytes
from autolog.formats._shape import Contents
from autolog.formats._source import Enough, FileSource, Seekable, Source
from autolog.formats.pickles import Reading

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

__all__ = ["inspect_torch_zip"]

_END = struct.Struct("<4s4H2LH")  # end of central directory record, 4.3.16 of PKWARE's APPNOTE
_LOCAL = struct.Struct("<4s5H3L2H")  # local file header, 4.3.7
_LARGEST_DIRECTORY = 1 << 28
_LARGEST_PICKLE = 1 << 28  # bytes of a compressed data.pkl
_STEEPEST = 200  # times smaller when compressed; torch doesn't compress at all


def inspect_torch_zip(file: Seekable, size: int) -> Contents | None:
    """What such an archive holds; None for any other file, and for zip archives without a `data.pkl`."""
    file.seek(0)
    if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
        return None
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
            return _inspect(archive, file, size)
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
    if length > min(size, _LARGEST_DIRECTORY):
        raise UnreadableWeights(f"a zip archive whose directory claims {length} bytes")


def _inspect(archive: ZipFile, file: Seekable, size: int) -> Contents | None:
    entries = {entry.filename: entry for entry in archive.infolist()}
    pickles = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
    if not pickles:
        return None
    path = min(pickles, key=lambda name: (name.count("/"), name))
    prefix = path.removesuffix("data.pkl")
    script = f"{prefix}constants.pkl" in entries
    form = "torchscript" if script else "torch zip"
    followed = Reading(_open(archive, entries[path], file, size))

    def keep(identity: object) -> object:
        storage = as_storage(identity)
        if isinstance(storage, Storage) and not script:
            _check_storage(storage, entries.get(f"{prefix}data/{storage.key}"))
        return storage

    followed.machine.persistent = keep
    try:
        value = followed.machine.load()
        if script:
            _follow_constants(archive, entries[f"{prefix}constants.pkl"], file, size, followed)
    except Enough as bound:
        return Contents(form, details={"incomplete": str(bound)}, dangerous=followed.danger())
    return followed.contents(form, value, {})


def _follow_constants(archive: ZipFile, entry: ZipInfo, file: Seekable, size: int, followed: Reading) -> None:
    """Look for dangerous names among a TorchScript's constants, which are none of its state dict."""
    followed.machine.source = _open(archive, entry, file, size)
    followed.machine.load()


def _open(archive: ZipFile, entry: ZipInfo, file: Seekable, size: int) -> Source:
    """The bytes of an entry: in place where they are stored as they are, which torch always does."""
    if entry.compress_type == 0 and not entry.flag_bits & 1:
        file.seek(entry.header_offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
            raise UnreadableWeights("damaged zip archive: an entry doesn't begin where its directory says")
        fields = _LOCAL.unpack(header)
        start = entry.header_offset + _LOCAL.size + fields[9] + fields[10]
        if start + entry.file_size > size:
            raise UnreadableWeights("truncated: an entry of the zip archive reaches beyond the file")
        return FileSource(file, start, start + entry.file_size)
    if entry.compress_type not in (0, 8):
        raise UnreadableWeights("a zip archive compressed in a way that torch doesn't read")
    if entry.file_size > 1 << 20 and entry.file_size > _STEEPEST * max(1, entry.compress_size):
        raise UnreadableWeights(
            f"a zip archive that expands {entry.compress_size} bytes to {entry.file_size}"
        )
    return Source(archive.open(entry), limit=_LARGEST_PICKLE)


def _check_storage(storage: Storage, entry: ZipInfo | None) -> None:
    size = element_bytes(storage.dtype)
    if entry is None or (size is not None and entry.file_size < storage.length * size):
        raise UnreadableWeights(f"the archive lacks bytes of storage {storage.key!r} that its pickle names")
