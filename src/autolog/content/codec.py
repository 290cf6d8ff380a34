"""How one chunk is stored: as it is, compressed, or as planes of its elements' bytes.

Weights hardly compress as they are: the low bytes of a float are noise. The planes of an array (all first
bytes of its elements, then all second ones...) are looked at one by one, and only those that compress are
compressed: of float32 that is the plane of sign and exponent. The size is that of shuffling and compressing
the whole, in half the time.

A stored chunk is one byte that says which codec, then its payload:

====  ==========================================================================================
0     the bytes themselves
1     one zstd frame
2     planes: a byte with the number of planes, for each its stored length (4 bytes, little-endian; the
highest bit
      set if it is a zstd frame), then the planes
3     planes of the difference to the chunk that the record names as its base: elements are read as
      little-endian unsigned integers, subtracted with wrap-around and zigzag coded
====  ==========================================================================================
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from autolog.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PLANED", "decode", "encode", "encode_difference", "needs_base"]

#: Sizes of elements, in bytes, whose planes are told apart.
PLANED = (2, 4, 8)
#: No chunk is larger than this many bytes, so that a damaged length can't make us reserve memory.
LARGEST = 1 << 24

_RAW, _ZSTD, _PLANES, _DIFFERENCE = 0, 1, 2, 3
_LEVEL = 1
#: What compression has to gain before it is worth undoing at every reading.
_WORTHWHILE = 0.97
_SAMPLE = 8192
_COMPRESSED = 1 << 31


def encode(data: bytes | memoryview, itemsize: int = 1) -> bytes:
    """The stored form of a chunk; `itemsize` is the size of its elements in bytes, 1 if it is no array."""
    if itemsize in PLANED and len(data) >= 2 * itemsize and len(data) % itemsize == 0:
        stored = _planes(_PLANES, _split(data, itemsize))
    else:
        stored = bytes((_ZSTD,)) + _compressor().compress(data)
    return stored if len(stored) < len(data) * _WORTHWHILE else bytes((_RAW,)) + data


def encode_difference(data: bytes, base: bytes, itemsize: int) -> bytes | None:
    """The stored form of a chunk as its difference to another one of the same size; None where there is none.

    `itemsize` is 2, 4 or 8 bytes.
    """
    if len(data) != len(base) or itemsize not in PLANED or len(data) % itemsize:
        return None
    import numpy as np

    unsigned = np.dtype(f"<u{itemsize}")
    difference = np.frombuffer(data, unsigned) - np.frombuffer(base, unsigned)
    signed = difference.view(np.dtype(f"<i{itemsize}"))
    coded = (difference << 1) ^ (signed >> (8 * itemsize - 1)).view(unsigned)
    return _planes(_DIFFERENCE, _split(coded.tobytes(), itemsize))


def needs_base(stored: bytes | memoryview) -> bool:
    """Whether a stored chunk is a difference to another one."""
    return len(stored) > 0 and stored[0] == _DIFFERENCE


def decode(
    stored: bytes | memoryview, size: int, base: bytes | None = None
) -> bytes | bytearray | memoryview:
    """The `size` bytes of a chunk from its stored form.

    Raises IntegrityError if it can't be decoded; what it decodes to is still to be compared with the digest.
    """
    if not stored or size > LARGEST:
        raise IntegrityError("a stored chunk is empty or beyond what a chunk may be")
    kind, payload = stored[0], memoryview(stored)[1:]
    if kind == _RAW:
        data: bytes | bytearray | memoryview = payload
    elif kind == _ZSTD:
        data = _decompress(payload, size)
    elif kind == _PLANES:
        data = _join(payload, size)
    elif kind == _DIFFERENCE and base is not None and len(base) == size:
        data = _add(_join(payload, size), base, payload[0])
    else:
        raise IntegrityError("a stored chunk is of an unknown kind, or its base is not at hand")
    if len(data) != size:
        raise IntegrityError("a stored chunk has another length than its record says")
    return data


def _split(data: bytes | memoryview, itemsize: int) -> list[bytes]:
    import numpy as np

    table = np.frombuffer(data, np.uint8).reshape(-1, itemsize)
    return [table[:, index].tobytes() for index in range(itemsize)]


def _planes(kind: int, planes: Sequence[bytes]) -> bytes:
    compressor = _compressor()
    lengths: list[int] = []
    parts: list[bytes] = []
    for plane in planes:
        # Noise is most of it: a sample from its middle says so without compressing the whole.
        middle = len(plane) // 2
        sample = plane[middle : middle + _SAMPLE]
        packed = plane
        if len(plane) <= 4 * _SAMPLE or len(compressor.compress(sample)) < len(sample) * _WORTHWHILE:
            packed = compressor.compress(plane)
        if len(packed) < len(plane) * _WORTHWHILE:
            lengths.append(len(packed) | _COMPRESSED)
            parts.append(packed)
        else:
            lengths.append(len(plane))
            parts.append(plane)
    return struct.pack(f"<BB{len(planes)}I", kind, len(planes), *lengths) + b"".join(parts)


def _join(payload: memoryview, size: int) -> bytearray:
    import numpy as np

    count = payload[0] if payload else 0
    if count not in PLANED or size % count or len(payload) < 1 + 4 * count:
        raise IntegrityError("a stored chunk's planes don't fit its size")
    joined = bytearray(size)
    table = np.frombuffer(joined, np.uint8).reshape(-1, count)
    at = 1 + 4 * count
    for index, length in enumerate(struct.unpack_from(f"<{count}I", payload, 1)):
        packed = payload[at : at + (length & ~_COMPRESSED)]
        at += len(packed)
        plane = _decompress(packed, size // count) if length & _COMPRESSED else packed
        if len(plane) != size // count:
            raise IntegrityError("a stored chunk's plane has another length than its size says")
        table[:, index] = np.frombuffer(plane, np.uint8)
    if at != len(payload):
        raise IntegrityError("a stored chunk is longer than its planes")
    return joined


def _add(coded: bytearray, base: bytes, itemsize: int) -> bytes:
    import numpy as np

    unsigned = np.dtype(f"<u{itemsize}")
    zigzag = np.frombuffer(coded, unsigned)
    difference = (zigzag >> 1) ^ (0 - (zigzag & 1))
    total: bytes = (np.frombuffer(base, unsigned) + difference).tobytes()
    return total


def _decompress(frame: bytes | memoryview, size: int) -> bytes:
    import zstandard

    try:
        announced = zstandard.frame_content_size(frame)
        if announced != size:
            raise IntegrityError("a compressed chunk has another length than its record says")
        return bytes(zstandard.ZstdDecompressor().decompress(frame))
    except zstandard.ZstdError as error:
        raise IntegrityError(f"a compressed chunk is damaged ({error})") from error


def _compressor() -> Any:
    import zstandard

    # One for each call: they are cheap, and must not be shared by threads.
    return zstandard.ZstdCompressor(level=_LEVEL)
