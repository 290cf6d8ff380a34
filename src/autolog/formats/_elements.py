"""The elements of a tensor in a file: in row-major order, little-endian, a piece at a time.

Most tensors lie as they are read. Those that are views of a larger storage (turned, sliced, expanded) are
gathered block by block, in memory that doesn't grow with the tensor. What it may cost is bounded by the
file's size, because strides can make a terabyte out of four bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from autolog.errors import UnreadableWeights
from autolog.formats._arrays import element_bytes
from autolog.formats._shape import Stored
from autolog.formats._source import Enough, Seekable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PIECE", "Allowance", "evenly", "pieces", "run"]

PIECE = 1 << 20  # bytes
_BLOCK = 1 << 24  # bytes of a view that are gathered at once
_SPAN = 1 << 25  # bytes of the storage that are read for it at once
_NEAR = 1 << 14  # bytes between two elements that are read along rather than stepped over
_PER_READ = 1 << 9  # what a read costs besides its bytes
_TIMES = 8  # a view may reach over parts of its storage that it doesn't show, and several share one
_AT_LEAST = 1 << 26

_Axes = list[tuple[int, int]]


class Allowance:
    """How many bytes may be read and made of a file of `size` bytes; beyond that `Enough` is raised."""

    def __init__(self, size: int) -> None:
        self._left = _TIMES * size + _AT_LEAST

    def spend(self, count: int) -> None:
        """Account for `count` bytes."""
        self._left -= count
        if self._left < 0:
            raise Enough("tensors that show the same bytes again and again")


def pieces(file: Seekable, stored: Stored, allowance: Allowance) -> Iterator[bytes]:
    """The bytes of all elements, in pieces of at most 16 MiB, whole elements each.

    `UnreadableWeights` is raised where the file hasn't got them, `Enough` beyond the allowance,
    `ImportError` for a view or big-endian numbers where NumPy isn't there.
    """
    if 0 in stored.shape:
        return
    place = stored.place
    if place is None:
        raise UnreadableWeights(f"the bytes of {stored.name[:100]!r} can't be seen")
    allowance.spend(stored.length + _PER_READ)
    axes = _merged(stored.shape, place.strides) if place.strides else []
    if _is_plain(axes, stored):
        found = _stream(file, place.offset, stored.length)
    else:
        found = _views(file, stored, axes, allowance)
    width = _component(stored.dtype) if place.big else 1
    if width == 1:
        yield from found
    else:
        yield from (_swapped(piece, width) for piece in found)


def run(stored: Stored) -> tuple[int, int] | None:
    """Offset and length of exactly what `pieces` yields; None if that lies nowhere in one piece."""
    place = stored.place
    if place is None or 0 in stored.shape or (place.big and _component(stored.dtype) > 1):
        return None
    axes = _merged(stored.shape, place.strides) if place.strides else []
    return (place.offset, stored.length) if _is_plain(axes, stored) else None


def evenly(found: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of `size` bytes, the last one shorter."""
    held = b""
    for piece in found:
        if not held and len(piece) == size:
            yield piece
            continue
        held = held + piece if held else piece
        at = 0
        while len(held) - at >= size:
            yield held[at : at + size]
            at += size
        held = held[at:]
    if held:
        yield held


def _is_plain(axes: _Axes, stored: Stored) -> bool:
    """Whether elements lie as they are read, without gaps."""
    return axes in ([], [(prod(stored.shape), 1)])


def _stream(file: Seekable, offset: int, length: int) -> Iterator[bytes]:
    end = offset + length
    while offset < end:
        # Somebody else may have read elsewhere in the meantime.
        piece = _read(file, offset, min(PIECE, end - offset))
        offset += len(piece)
        yield piece


def _read(file: Seekable, offset: int, length: int) -> bytes:
    file.seek(offset)
    data = file.read(length)
    if len(data) != length:
        raise UnreadableWeights(f"truncated: nothing is at byte {offset + len(data)}")
    return data


def _component(dtype: str) -> int:
    """How many bytes are reversed in big-endian files: those of an element, or of half a complex one."""
    size = element_bytes(dtype) or 1
    return size // 2 if dtype.startswith("complex") else size


def _swapped(data: bytes, width: int) -> bytes:
    import numpy as np

    return np.frombuffer(data, f"u{width}").byteswap().tobytes()


# Views


def _merged(shape: tuple[int, ...], strides: tuple[int, ...]) -> _Axes:
    """The axes of a view as pairs of length and stride, those left out that change nothing."""
    axes: _Axes = []
    for length, stride in zip(shape, strides, strict=True):
        if length == 1:
            continue
        if axes and axes[-1][1] == length * stride:
            axes[-1] = axes[-1][0] * length, stride
        else:
            axes.append((length, stride))
    return axes


def _views(file: Seekable, stored: Stored, axes: _Axes, allowance: Allowance) -> Iterator[bytes]:
    import numpy as np

    place, size = stored.place, element_bytes(stored.dtype)
    if place is None or size is None:
        raise UnreadableWeights(f"the bytes of {stored.name[:100]!r} can't be seen")
    gather = _Gather(file, size, allowance)
    for start, box in _boxes(axes, 0, max(1, _BLOCK // size)):
        out = np.empty([length for length, _ in box], f"V{size}")
        gather.fill(out, place.offset + start * size, box)
        yield out.tobytes()


def _boxes(axes: _Axes, start: int, most: int) -> Iterator[tuple[int, _Axes]]:
    """The view in boxes of at most `most` elements that follow each other in row-major order."""
    if prod(length for length, _ in axes) <= most:
        yield start, axes
        return
    (length, stride), rest = axes[0], axes[1:]
    step = most // prod(length for length, _ in rest)
    if step == 0:
        for index in range(length):
            yield from _boxes(rest, start + index * stride, most)
        return
    for index in range(0, length, step):
        yield start + index * stride, [(min(step, length - index), stride), *rest]


class _Gather:
    """Fills arrays with elements of `size` bytes that lie apart in `file`."""

    def __init__(self, file: Seekable, size: int, allowance: Allowance) -> None:
        self._file = file
        self._size = size
        self._allowance = allowance

    def fill(self, out: NDArray[Any], offset: int, axes: _Axes) -> None:
        """Fill `out`, of the lengths of `axes`, with what begins at `offset`."""
        import numpy as np

        size = self._size
        span = (1 + sum((length - 1) * stride for length, stride in axes)) * size
        if span <= _SPAN and (span <= _NEAR or span <= _TIMES * out.size * size):
            self._allowance.spend(span + _PER_READ)
            flat = np.frombuffer(_read(self._file, offset, span), f"V{size}")
            strides = [stride * size for _, stride in axes]
            out[...] = np.lib.stride_tricks.as_strided(flat, out.shape, strides)
            return
        # Halves along the axis that reaches farthest, until what is between the elements is little.
        axis = max(range(len(axes)), key=lambda axis: (axes[axis][0] - 1) * axes[axis][1])
        length, stride = axes[axis]
        half = length // 2
        for begin, count in ((0, half), (half, length - half)):
            part = [*axes[:axis], (count, stride), *axes[axis + 1 :]]
            where = (slice(None),) * axis + (slice(begin, begin + count),)
            self.fill(out[where], offset + begin * stride * size, part)
