"""How one chunk is stored: as it is, compressed, or as planes of its elements' bytes.

Weights hardly compress as they are: the low bytes of a float are noise. The planes of an array (all first
bytes of its elements, then all second ones...) are looked at one by one, and only those that compress are
compressed: of float32 that is the plane of sign and exponent. Where the lower half of each element is noise
altogether, these halves stay together: taking them apart and joining them again would gain nothing.

A stored chunk is one byte that says which codec, then its payload:

====  ==========================================================================================
0     the bytes themselves
1     one zstd frame
2     planes: a byte with the number of planes, for each its stored length (4 bytes, little-endian; the
      highest bit is set if it is a zstd frame), then the planes
3     planes of the difference to the chunk that the record names as its base: elements are read as
      little-endian unsigned integers, subtracted with wrap-around and zigzag coded
4     halves: a byte with the size of an element, 4 or 8, the lengths of the planes of its upper half as
      above, the lower halves of all elements one behind the other, then those planes; since packs of format 3
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

_RAW, _ZSTD, _PLANES, _DIFFERENCE, _HALVES = 0, 1, 2, 3, 4
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
        self._rooms: dict[tuple[str, int, int], bytearray] = {}

    def array(self, room: tuple[str, int, int], dtype: str, count: int) -> NDArray[Any]:
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
    stored: Encoded | None
    if itemsize in PLANED and len(data) >= 2 * itemsize and len(data) % itemsize == 0:
        stored = _array(data, itemsize)
    else:
        frame = bytes((_ZSTD,)) + _coders_here().whole.compress(data)
        stored = Encoded((frame,), (frame,))
    if stored is not None and stored.length < len(data) * _WORTHWHILE:
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
    planes = _taken_apart(coded, 0)
    return b"".join(_planes(_DIFFERENCE, planes, _promising(coded.view(np.uint8), itemsize)).parts)


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
    told = count // 2 if len(view) and view[0] == _HALVES else count
    if not len(view) or view[0] not in (_PLANES, _HALVES) or count not in PLANED or len(view) < 2 + 4 * told:
        return (view,)
    at = 2 + 4 * told
    parts = [view[:at]]
    lengths = struct.unpack_from(f"<{told}I", view, 2)
    if view[0] == _HALVES:
        at = max(at, len(view) - sum(length & ~_COMPRESSED for length in lengths))
    for length in lengths:
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
    elif kind in (_PLANES, _HALVES):
        data = _joined(payload, size, is_halved=kind == _HALVES)
    elif kind == _DIFFERENCE and base is not None and len(base) == size:
        data = _add(_joined(payload, size), base, payload[0])
    else:
        raise IntegrityError("a stored chunk is of an unknown kind, or its base is not at hand")
    if len(data) != size:
        raise IntegrityError("a stored chunk has another length than its record says")
    return data


def _array(data: Data, itemsize: int) -> Encoded | None:
    """An array's bytes in planes or halves; None if nothing of it seems to pay."""
    import numpy as np

    promising = _promising(np.frombuffer(data, np.uint8), itemsize)
    if not any(promising):
        return None
    wide, half = np.frombuffer(data, f"<u{itemsize}"), itemsize // 2
    if half == 1 or any(promising[:half]):
        return _planes(_PLANES, _taken_apart(wide, 0), promising)
    low, high = _halves(wide, 0)
    upper = _planes(_HALVES, _taken_apart(high, 1), promising[half:], itemsize)
    header, *planes = upper.parts
    return Encoded((header, low.view(np.uint8).data, *planes), upper.loose)


def _promising(data: NDArray[Any], itemsize: int) -> list[bool]:
    """Whether each plane of an array's bytes may be worth compressing.

    Noise is most of it: a sample from its middle says so without compressing the whole.
    """
    count = len(data) // itemsize
    if count <= 4 * _SAMPLE:
        return [True] * itemsize
    start = count // 2 * itemsize
    sample = data[start : start + _SAMPLE * itemsize].reshape(-1, itemsize)
    compressor: Any = _coders_here().planes
    return [
        len(compressor.compress(sample[:, index].tobytes())) < len(sample) * _WORTHWHILE
        for index in range(itemsize)
    ]


def _halves(wide: NDArray[Any], level: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The lower and the upper halves of integers, in memory that this thread's next chunk is split into."""
    import numpy as np

    rooms, half = _coders_here(), wide.itemsize // 2
    # Narrowing goes through vector instructions, stepping over bytes doesn't: it takes half the time.
    low = rooms.array(("low", level, half), f"<u{half}", len(wide))
    np.copyto(low, wide, casting="unsafe")
    shifted = rooms.array(("shifted", 0, wide.itemsize), wide.dtype.str, len(wide))
    np.right_shift(wide, 8 * half, out=shifted)
    high = rooms.array(("high", level, half), f"<u{half}", len(wide))
    np.copyto(high, shifted, casting="unsafe")
    return low, high


def _taken_apart(wide: NDArray[Any], level: int) -> list[memoryview]:
    """The planes of integers, lowest bytes first; `level` keeps apart what is done at the same time."""
    if wide.itemsize == 1:
        return [wide.data]
    low, high = _halves(wide, level)
    return [*_taken_apart(low, 2 * level + 1), *_taken_apart(high, 2 * level + 2)]


def _planes(kind: int, planes: Sequence[Data], promising: Sequence[bool], itemsize: int = 0) -> Encoded:
    compressor: Any = _coders_here().planes
    lengths: list[int] = []
    parts: list[Data] = []
    for plane, is_promising in zip(planes, promising, strict=True):
        packed = compressor.compress(plane) if is_promising else plane
        if len(packed) < len(plane) * _WORTHWHILE:
            lengths.append(len(packed) | _COMPRESSED)
            parts.append(packed)
        else:
            lengths.append(len(plane))
            parts.append(plane)
    header = struct.pack(f"<BB{len(planes)}I", kind, itemsize or len(planes), *lengths)
    frames = [part for part, length in zip(parts, lengths, strict=True) if length & _COMPRESSED]
    return Encoded((header, *parts), (header, *frames))


def _joined(payload: memoryview, size: int, *, is_halved: bool = False) -> memoryview:
    """The bytes of elements from their planes, or from their lower halves and planes of the upper ones."""
    import numpy as np

    itemsize = payload[0] if payload else 0
    count = itemsize // 2 if is_halved else itemsize
    if itemsize not in PLANED or count == 1 or size % itemsize or len(payload) < 1 + 4 * count:
        raise IntegrityError("a stored chunk's planes don't fit its size")
    planes: list[NDArray[Any]] = []
    at = start = 1 + 4 * count
    if is_halved:
        at += size // 2
    for length in struct.unpack_from(f"<{count}I", payload, 1):
        packed = payload[at : at + (length & ~_COMPRESSED)]
        at += len(packed)
        plane = _decompress(packed, size // itemsize) if length & _COMPRESSED else packed
        if len(plane) != size // itemsize:
            raise IntegrityError("a stored chunk's plane has another length than its size says")
        planes.append(np.frombuffer(plane, np.uint8))
    if at != len(payload):
        raise IntegrityError("a stored chunk is longer than its planes")
    whole = np.empty(size // itemsize, f"<u{itemsize}")
    if is_halved:
        low = np.frombuffer(payload[start : start + size // 2], f"<u{itemsize // 2}")
        _merge(low, _put_together(planes, 1), whole)
    else:
        _merge(_put_together(planes[: count // 2], 1), _put_together(planes[count // 2 :], 2), whole)
    return whole.view(np.uint8).data


def _put_together(planes: Sequence[NDArray[Any]], level: int) -> NDArray[Any]:
    """Integers from their planes, in memory that this thread's next chunk is put together in."""
    if len(planes) == 1:
        return planes[0]
    half = len(planes) // 2
    out = _coders_here().array(("whole", level, len(planes)), f"<u{len(planes)}", len(planes[0]))
    _merge(_put_together(planes[:half], 2 * level + 1), _put_together(planes[half:], 2 * level + 2), out)
    return out


def _merge(low: NDArray[Any], high: NDArray[Any], out: NDArray[Any]) -> None:
    """Make integers of their lower and upper halves; NumPy widens them a few thousand at a time."""
    import numpy as np

    np.left_shift(high, 4 * out.itemsize, out=out, dtype=out.dtype)
    np.bitwise_or(out, low, out=out)


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
