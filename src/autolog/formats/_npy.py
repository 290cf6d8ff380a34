"""NumPy's own format of one array: a magic, the length of a header, the header, the elements.

The header is a Python literal: the element type, the shape, and whether the first index changes fastest.
(`numpy/lib/_format_impl.py`.)
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from math import prod

from autolog.errors import UnreadableWeights
from autolog.formats._source import Enough, Source

__all__ = ["MAGIC", "Headers", "Npy", "read_npy"]

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 16
_PER_HEADER = 256  # bytes; NumPy pads a usual one to 128
_MOST_HEADERS = 1 << 20
_NUMERIC = {"f": "float", "i": "int", "u": "uint", "c": "complex"}
_FAULTS = (ValueError, SyntaxError, TypeError, KeyError, AttributeError, MemoryError, RecursionError)
_OTHERS = {"b": "bool", "O": "object", "M": "datetime64"}


@dataclass(frozen=True, slots=True)
class Npy:
    """What such a header says; `itemsize` is 0 where that can't be told, for records and Python objects.

    `start` is where in the file the elements begin, None where they are compressed.
    """

    shape: tuple[int, ...]
    dtype: str
    itemsize: int
    big: bool
    fortran: bool
    start: int | None

    @property
    def length(self) -> int:
        """The bytes of all elements."""
        return self.itemsize * prod(self.shape)


def read_npy(source: Source, most: int = _LONGEST_HEADER) -> Npy:
    """The array that begins at the source's position, of which the header is taken.

    `Enough` is raised for a header of more than `most` bytes.
    """
    prefix = source.take(8)
    if prefix[:6] != MAGIC:
        raise UnreadableWeights("no array of NumPy's")
    length = int.from_bytes(source.take(2 if prefix[6] == 1 else 4), "little")
    if length > _LONGEST_HEADER:
        raise UnreadableWeights("an array of NumPy's with an overlong header")
    if length > most:
        raise Enough("more headers of arrays than we read")
    header = source.take(length)
    try:
        facts = ast.literal_eval(header.decode("latin-1").strip())
        shape, kind, fortran = facts["shape"], facts["descr"], facts.get("fortran_order")
    except _FAULTS as fault:
        raise UnreadableWeights("malformed header of a NumPy array") from fault
    if not isinstance(shape, tuple) or not all(type(axis) is int for axis in shape):
        raise UnreadableWeights("malformed header of a NumPy array")
    dtype, itemsize = _type(kind)
    return Npy(shape, dtype, itemsize, kind[:1] == ">" if itemsize else False, fortran is True, source.place)


class Headers:
    """Reads the headers of `count` arrays, which together may take only about what those of arrays do.

    A header is a literal of Python, which takes long to read, and compresses a thousandfold.
    """

    def __init__(self, count: int) -> None:
        self._left = _PER_HEADER * count + _MOST_HEADERS

    def read(self, source: Source) -> Npy:
        """As `read_npy`; `Enough` is raised beyond that."""
        before = source.position
        found = read_npy(source, self._left)
        self._left -= source.position - before
        return found


def _type(kind: object) -> tuple[str, int]:
    """The element type, and its bytes, 0 where that can't be told."""
    if not isinstance(kind, str) or not kind[2:].isascii() or not kind[2:].isdecimal() or len(kind) > 12:
        return "void", 0
    code, size = kind[1], int(kind[2:])
    if code in _NUMERIC:
        return f"{_NUMERIC[code]}{size * 8}", size
    if code in _OTHERS:
        return _OTHERS[code], 0 if code == "O" else size
    if code == "U":
        return f"str{size * 32}", size * 4
    return (f"bytes{size * 8}" if code == "S" else f"void{size * 8}"), size
