"""Reading what joblib compresses: zlib, gzip, bz2, lzma and xz, a bounded piece at a time.

The file objects of the standard library (`GzipFile`, `BZ2File`) would do, but raise a different
exception each, and `LZMAFile` can't limit the memory that a header asks for.
"""

from __future__ import annotations

from typing import Protocol, cast

from autolog.errors import UnreadableWeights
from autolog.formats._source import Readable

__all__ = ["Inflated", "compression"]

_PIECE = 1 << 16
_LZMA_MEMORY = 1 << 28  # bytes; the highest preset takes 65 MiB


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def compression(head: bytes) -> str | None:
    """Which compression a file begins with, by the magic bytes that joblib goes by; None: none of them.

    Of zlib (RFC 1950) the first byte says a 32 KiB window, and both together are a multiple of 31.
    """
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib"
    for magic, name in _MAGICS.items():
        if head.startswith(magic):
            return name
    return None


_MAGICS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x5d\x00\x00": "lzma",
    b"\x04\x22\x4d\x18": "lz4",
}


class Inflated:
    """The decompressed bytes of `file`; damage raises `UnreadableWeights`."""

    def __init__(self, file: Readable, kind: str) -> None:
        self._file = file
        self._kind = kind
        self._faults: tuple[type[Exception], ...] = (EOFError, OSError, ValueError)
        self._pending = b""
        self._dry = False
        self._decompressor = self._open()

    def _open(self) -> _Decompressor:
        if self._kind in ("zlib", "gzip"):
            return _Zlib()
        if self._kind == "bz2":
            import bz2

            return cast("_Decompressor", bz2.BZ2Decompressor())
        import lzma

        self._faults = (*self._faults, lzma.LZMAError)
        return cast("_Decompressor", lzma.LZMADecompressor(memlimit=_LZMA_MEMORY))

    def read(self, size: int, /) -> bytes:
        """Up to `size` next bytes; none at the end of the compressed data."""
        while not self._decompressor.eof:
            data = b"" if self._dry else self._file.read(_PIECE)
            try:
                piece = self._decompressor.decompress(data, size)
            except self._faults as fault:
                raise UnreadableWeights(f"damaged {self._kind} data: {fault}") from fault
            if piece:
                # What it held back of its input comes out of it before it needs more.
                self._dry = len(piece) >= size
                return piece
            if not data and not self._dry:
                raise UnreadableWeights(f"truncated {self._kind} data")
            self._dry = False
        return b""


class _Zlib:
    """zlib's decompressor with the interface of the other two."""

    def __init__(self) -> None:
        import zlib

        self._error = zlib.error
        self._inner = zlib.decompressobj(wbits=47)  # 32 KiB window, zlib or gzip header

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        except self._error as fault:
            raise ValueError(fault) from fault
