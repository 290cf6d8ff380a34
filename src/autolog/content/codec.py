"""How one chunk is stored: as it is, compressed, or as planes of its elements' bytes.

Weights hardly compress as they are: the low bytes of a float are noise. The planes of an array (all first
bytes of its elements, then all second ones...) are looked at one by one, and only those that compress are
compressed: of float32 that is the plane of sign and exponent.

A stored chunk is one byte that says which codec, then its payload:

====  ==========================================================================================
0     the bytes themselves
1     one zstd frame
2     planes: a byte with the number of planes, for each its stored length (4 bytes, little-endian; the
      highest bit is set if it is a zstd frame), then the planes
3     planes of the difference to the chunk that the record names as its base: elements are read as
      little-endian unsigned integers, subtracted with wrap-around and zigzag coded
====  ==========================================================================================
"""

from __future__ import annotations

import struct
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from autolog.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "PLANED",
    "Data",
    "Encoded",
    "decode",
    "encode",
    "encode_difference",
    "encode_parts",
    "is_raw",
    "loose_parts",
]

#: The bytes of a chunk: a part of what was read, where it is stored as it is.
Data: TypeAlias = bytes | bytearray | memoryview

#: Sizes of elements, in bytes, whose planes are told apart.
PLANED = (2, 4, 8)
#: No chunk is larger than this many bytes, so that a damaged length can't make us reserve memory.
LARGEST = 1 << 24

_RAW, _ZSTD, _PLANES, _DIFFERENCE = 0, 1, 2, 3
_LEVEL = 1
#: For planes a table of the fewest places, and long matches only: exponents have few values and no
#: repetitions, so nearly every match that a larger table finds costs more than it saves. Runs of equal bytes
#: are found all the same. It takes a third of the time, and what it gives is smaller.
_PLANE_MATCH, _PLANE_TABLE_LOG = 7, 6
#: What compression has to gain before it is worth undoing at every reading.
_WORTHWHILE = 0.97
_SAMPLE = 8192
_COMPRESSED = 1 << 31


class Encoded(NamedTuple):
    """A stored chunk in the parts that it consists of, one behind the other.

    `loose` are those that could be other ones and still give the same bytes: headers, compressed frames.
    Whatever is in the chunk as it is can't, so the chunk's digest tells whether it is right.
    """

    parts: Sequence[Data]
    loose: Sequence[Data]

    @property
    def length(self) -> int:
        """How many bytes."""
        return sum(map(len, self.parts))


class _Coders(threading.local):
    """zstd's coders and memory to work in, one set for each thread, which must not share them.

    Making one for each chunk takes longer than what it does then.
    """

    def __init__(self) -> None:
        import zstandard

        planes = zstandard.ZstdCompressionParameters.from_level(
            _LEVEL, min_match=_PLANE_MATCH, hash_log=_PLANE_TABLE_LOG
        )
        self.whole = zstandard.ZstdCompressor(level=_LEVEL)
        self.planes = zstandard.ZstdCompressor(compression_params=planes)
        self.decompressor = zstandard.ZstdDecompressor()
        self._rooms: dict[int, bytearray] = {}

    def array(self, room: int, dtype: str, count: int) -> NDArray[Any]:
        """So many elements of a type in one of the rooms, whatever is in them."""
        import numpy as np

        size = count * np.dtype(dtype).itemsize
        if len(self._rooms.get(room, b"")) < size:
            self._rooms[room] = bytearray(size)
        return np.frombuffer(self._rooms[room], dtype, count)


_coders: _Coders | None = None


def _coders_here() -> _Coders:
    global _coders
    if _coders is None:
        _coders = _Coders()  # at the first use: zstandard is imported only then
    return _coders


def encode(data: Data, itemsize: int = 1) -> bytes:
    """The stored form of a chunk; `itemsize` is the size of its elements in bytes, 1 if it is no array."""
    return b"".join(encode_parts(data, itemsize).parts)


def encode_parts(data: Data, itemsize: int = 1) -> Encoded:
    """As `encode`, without copying once more what is stored as it is.

    The parts are of the data, or of memory that this thread's next chunk is encoded in.
    """
    if itemsize in PLANED and len(data) >= 2 * itemsize and len(data) % itemsize == 0:
        stored = _planes(_PLANES, _split(data, itemsize))
    else:
        frame = bytes((_ZSTD,)) + _coders_here().whole.compress(data)
        stored = Encoded((frame,), (frame,))
    if stored.length < len(data) * _WORTHWHILE:
        return stored
    raw = bytes((_RAW,))
    return Encoded((raw, data), (raw,))


def encode_difference(data: Data, base: Data, itemsize: int) -> bytes | None:
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
    return b"".join(_planes(_DIFFERENCE, _split(coded.view(np.uint8).data, itemsize)).parts)


def is_raw(stored: bytes | memoryview) -> bool:
    """Whether a chunk is stored as it is: its bytes are then all but the first."""
    return len(stored) > 0 and stored[0] == _RAW


def loose_parts(stored: bytes | memoryview) -> Sequence[memoryview]:
    """What `Encoded.loose` was of a stored chunk; of a difference, and of one that is damaged, all of it.

    A difference is also looked at where its base isn't at hand.
    """
    view = memoryview(stored)
    if is_raw(stored):
        return (view[:1],)
    count = view[1] if len(view) > 1 else 0
    if not len(view) or view[0] != _PLANES or count not in PLANED or len(view) < 2 + 4 * count:
        return (view,)
    at = 2 + 4 * count
    parts = [view[:at]]
    for length in struct.unpack_from(f"<{count}I", view, 2):
        end = at + (length & ~_COMPRESSED)
        if length & _COMPRESSED:
            parts.append(view[at:end])
        at = end
    return parts if at == len(view) else (view,)


def decode(stored: bytes | memoryview, size: int, base: Data | None = None) -> Data:
    """The `size` bytes of a chunk from its stored form.

    Raises IntegrityError if it can't be decoded; what it decodes to is still to be compared with the digest.
    """
    if not stored or size > LARGEST:
        raise IntegrityError("a stored chunk is empty or beyond what a chunk may be")
    kind, payload = stored[0], memoryview(stored)[1:]
    if kind == _RAW:
        data: Data = payload
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


def _split(data: Data, itemsize: int) -> list[memoryview]:
    """The planes of a chunk, in memory that this thread's next chunk is split into."""
    import numpy as np

    rooms, count = _coders_here(), len(data) // itemsize
    table = rooms.array(0, "u1", len(data)).reshape(itemsize, count)
    # Narrowing goes through vector instructions, stepping over bytes doesn't: it takes half the time.
    if itemsize == 2:
        _part(np.frombuffer(data, "<u2"), table, rooms)
    elif itemsize == 4:
        wide, pairs = np.frombuffer(data, "<u4"), rooms.array(2, "<u2", count)
        np.copyto(pairs, wide, casting="unsafe")
        _part(pairs, table[:2], rooms)
        high = np.right_shift(wide, 16, out=rooms.array(3, "<u4", count))
        np.copyto(pairs, high, casting="unsafe")
        _part(pairs, table[2:], rooms)
    else:
        np.copyto(table, np.frombuffer(data, np.uint8).reshape(count, itemsize).T)
    return [plane.data for plane in table]


def _part(pairs: NDArray[Any], planes: NDArray[Any], rooms: _Coders) -> None:
    """Put the low and the high bytes of integers of two bytes into two planes."""
    import numpy as np

    np.copyto(planes[0], pairs, casting="unsafe")
    high = np.right_shift(pairs, 8, out=rooms.array(1, "<u2", len(pairs)))
    np.copyto(planes[1], high, casting="unsafe")


def _planes(kind: int, planes: Sequence[Data]) -> Encoded:
    compressor: Any = _coders_here().planes
    lengths: list[int] = []
    parts: list[Data] = []
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
    header = struct.pack(f"<BB{len(planes)}I", kind, len(planes), *lengths)
    frames = [part for part, length in zip(parts, lengths, strict=True) if length & _COMPRESSED]
    return Encoded((header, *parts), (header, *frames))


def _join(payload: memoryview, size: int) -> memoryview:
    import numpy as np

    count = payload[0] if payload else 0
    if count not in PLANED or size % count or len(payload) < 1 + 4 * count:
        raise IntegrityError("a stored chunk's planes don't fit its size")
    planes: list[NDArray[Any]] = []
    at = 1 + 4 * count
    for length in struct.unpack_from(f"<{count}I", payload, 1):
        packed = payload[at : at + (length & ~_COMPRESSED)]
        at += len(packed)
        plane = _decompress(packed, size // count) if length & _COMPRESSED else packed
        if len(plane) != size // count:
            raise IntegrityError("a stored chunk's plane has another length than its size says")
        planes.append(np.frombuffer(plane, np.uint8))
    if at != len(payload):
        raise IntegrityError("a stored chunk is longer than its planes")
    return _woven(planes, size).data


def _woven(planes: Sequence[NDArray[Any]], size: int) -> NDArray[Any]:
    """The bytes of elements from their planes; integers are widened, as `_split` narrows them."""
    import numpy as np

    woven = np.empty(size, np.uint8)
    rooms, count = _coders_here(), size // len(planes)
    if len(planes) == 2:
        _pair(planes, woven.view("<u2"), rooms)
    elif len(planes) == 4:
        wide, pairs = woven.view("<u4"), rooms.array(2, "<u2", count)
        _pair(planes[2:], pairs, rooms)
        np.copyto(wide, pairs)
        np.left_shift(wide, 16, out=wide)
        _pair(planes[:2], pairs, rooms)
        low = rooms.array(3, "<u4", count)
        np.copyto(low, pairs)
        np.bitwise_or(wide, low, out=wide)
    else:
        table = woven.reshape(count, len(planes))
        for index, plane in enumerate(planes):
            table[:, index] = plane
    return woven


def _pair(planes: Sequence[NDArray[Any]], pairs: NDArray[Any], rooms: _Coders) -> None:
    """Make integers of two bytes of a plane of low and one of high bytes."""
    import numpy as np

    np.copyto(pairs, planes[1])
    np.left_shift(pairs, 8, out=pairs)
    low = rooms.array(1, "<u2", len(pairs))
    np.copyto(low, planes[0])
    np.bitwise_or(pairs, low, out=pairs)


def _add(coded: memoryview, base: Data, itemsize: int) -> memoryview:
    import numpy as np

    unsigned = np.dtype(f"<u{itemsize}")
    zigzag = np.frombuffer(coded, unsigned)
    sign = zigzag & 1
    np.negative(sign, out=sign)
    total = zigzag >> 1
    total ^= sign
    total += np.frombuffer(base, unsigned)
    return total.view(np.uint8).data


def _decompress(frame: bytes | memoryview, size: int) -> bytes:
    import zstandard

    try:
        announced = zstandard.frame_content_size(frame)
        if announced != size:
            raise IntegrityError("a compressed chunk has another length than its record says")
        data: bytes = _coders_here().decompressor.decompress(frame)
        return data
    except zstandard.ZstdError as error:
        raise IntegrityError(f"a compressed chunk is damaged ({error})") from error
