"""Skimming JSON and UBJSON documents: everything but the long arrays of numbers, which are only counted.

XGBoost's models are a handful of texts and megabytes of numbers. `json.loads` would turn the latter
into 32 bytes of Python object each; of the UBJSON libraries py-ubjson was last released in 2020 and
does the same, and bjdata needs NumPy. So here is a reader of both that steps over number arrays, for
the JSON of RFC 8259 and the UBJSON of draft 12 (ubjson.org) as far as XGBoost writes them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from struct import Struct, error
from typing import Any, NoReturn

from autolog.errors import UnreadableWeights
from autolog.formats._source import Enough, Source

__all__ = ["Numbers", "skim_json", "skim_ubjson"]

_DEEPEST = 150  # CatBoost nests the nodes of a tree
_MOST_VALUES = 3_000_000
_LONGEST_TEXT = 1 << 20
_NO_NUMBER = re.compile(rb"[^0-9+\-.eE, \t\r\nNaInfity]")
_PIECE = 1 << 16
_HEAD = 8  # numbers of an array that are kept


@dataclass(frozen=True, slots=True)
class Numbers:
    """An array of numbers that was stepped over: how many, NumPy's name of their type, the first 8.

    JSON doesn't tell the type, which is empty then.
    """

    count: int
    dtype: str
    head: tuple[float, ...]


class _Skim:
    def __init__(self, source: Source) -> None:
        self.source = source
        self._left = _MOST_VALUES

    def _count(self, depth: int) -> None:
        self._left -= 1
        if self._left < 0:
            raise Enough(f"more than {_MOST_VALUES} values")
        if depth > _DEEPEST:
            raise UnreadableWeights(f"values nested more than {_DEEPEST} deep")

    def _bad(self, why: str) -> NoReturn:
        raise UnreadableWeights(f"malformed before byte {self.source.position}: {why}")


class _Json(_Skim):
    def value(self, depth: int = 0) -> Any:
        self._count(depth)
        first = self._next()
        if first == ord("{"):
            return self._object(depth)
        if first == ord("["):
            return self._array(depth)
        if first == ord('"'):
            return self._text()
        return self._plain(first)

    def _next(self) -> int:
        while (byte := self.source.byte()) in b" \t\r\n":
            pass
        return byte

    def _peek(self) -> int:
        while (byte := self.source.peek()) is not None and byte in b" \t\r\n":
            self.source.skip(1)
        return -1 if byte is None else byte

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._peek() == ord("}"):
            self.source.skip(1)
            return found
        while True:
            if self._next() != ord('"'):
                self._bad("a key isn't a text")
            key = self._text()
            if self._next() != ord(":"):
                self._bad("a key has no value")
            found[key] = self.value(depth + 1)
            after = self._next()
            if after == ord("}"):
                return found
            if after != ord(","):
                self._bad("an object has no end")

    def _array(self, depth: int) -> Any:
        first = self._peek()
        if first == ord("]"):
            self.source.skip(1)
            return []
        if first >= 0 and first in b"-0123456789NI":
            return self._numbers(depth)
        return self._values([], depth)

    def _values(self, found: list[Any], depth: int) -> list[Any]:
        while True:
            found.append(self.value(depth + 1))
            after = self._next()
            if after == ord("]"):
                return found
            if after != ord(","):
                self._bad("an array has no end")

    def _numbers(self, depth: int) -> Any:
        """The rest of an array that begins with a number."""
        commas, kept, last = 0, b"", b""
        most = 512
        while True:
            # Most arrays are short, and each is looked for in a copy of what lies ahead.
            piece = self.source.rest(most)
            most = min(2 * most, _PIECE)
            other = _NO_NUMBER.search(piece)
            part = piece[: other.start()] if other else piece
            if not piece:
                self._bad("an array has no end")
            commas += part.count(b",")
            last = part.rstrip()[-1:] or last
            if len(kept) < 512:
                kept += part[:512]
            self.source.skip(len(part))
            if other:
                break
        if other[0] != b"]":
            # Something else follows: CatBoost writes a number and a list of numbers into one array.
            if last != b"," or len(kept) >= 512:
                self._bad("an array of numbers holds something else")
            return self._values([float(number) for number in kept.split(b",")[:-1]], depth)
        self.source.skip(1)
        head = kept.split(b",")[: min(_HEAD, commas + 1)]
        if commas + 1 > len(head) and len(kept) >= 512:
            head = head[:-1]
        return Numbers(commas + 1, "", tuple(float(number) for number in head))

    def _text(self) -> str:
        parts: list[bytes] = []
        length = slashes = 0
        while True:
            part, ended = self.source.some_until(b'"')
            trailing = len(part) - len(part.rstrip(b"\\"))
            slashes = trailing + (slashes if trailing == len(part) else 0)
            if ended and slashes % 2:
                part += b'"'
                slashes, ended = 0, False
            length += len(part)
            parts.append(part)
            if length > _LONGEST_TEXT:
                parts.clear()  # what nobody shows is stepped over
            if ended:
                break
        if length > _LONGEST_TEXT:
            return ""
        data = b"".join(parts)
        # XGBoost lets control characters stand in feature names.
        text: str = json.loads(b'"' + data + b'"', strict=False) if b"\\" in data else data.decode()
        return text

    def _plain(self, first: int) -> Any:
        data = bytes((first,))
        while (byte := self.source.peek()) is not None and byte not in b",]} \t\r\n" and len(data) < 64:
            data += bytes((self.source.byte(),))
        return json.loads(data)


# UBJSON's number types: its marker, how it is stored (big-endian), NumPy's name.
_NUMBERS = {
    ord("i"): (Struct(">b"), "int8"),
    ord("U"): (Struct(">B"), "uint8"),
    ord("I"): (Struct(">h"), "int16"),
    ord("l"): (Struct(">i"), "int32"),
    ord("L"): (Struct(">q"), "int64"),
    ord("d"): (Struct(">f"), "float32"),
    ord("D"): (Struct(">d"), "float64"),
}
_CONSTANTS = {ord("Z"): None, ord("T"): True, ord("F"): False}


class _Ubjson(_Skim):
    def value(self, marker: int | None = None, depth: int = 0) -> Any:
        self._count(depth)
        marker = self._marker() if marker is None else marker
        if marker == ord("{"):
            return self._object(depth)
        if marker == ord("["):
            return self._array(depth)
        if marker == ord("S"):
            return self._text()
        if marker == ord("C"):
            return chr(self.source.byte())
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        return self._number(marker)

    def _marker(self) -> int:
        while (marker := self.source.byte()) == ord("N"):
            pass
        return marker

    def _number(self, marker: int) -> float:
        if marker not in _NUMBERS:
            self._bad(f"no value begins with byte {marker:#04x}")
        layout = _NUMBERS[marker][0]
        number: float = layout.unpack(self.source.take(layout.size))[0]
        return number

    def _length(self) -> int:
        length = self._number(self._marker())
        if not isinstance(length, int) or length < 0:
            self._bad("a length is negative, or no integer")
        if self.source.left is not None and length > self.source.left:
            self._bad(f"it promises {length} values where {self.source.left} bytes are left")
        return length

    def _text(self) -> str:
        length = self._length()
        if length > _LONGEST_TEXT:
            self.source.skip(length)
            return ""
        return self.source.take(length).decode()

    def _layout(self) -> tuple[int | None, int | None]:
        """The type and count that a container may announce for all its values: `$` type, `#` count."""
        kind = count = None
        if self.source.peek() == ord("$"):
            self.source.skip(1)
            kind = self.source.byte()
            if self.source.peek() != ord("#"):
                self._bad("a container with a type has no count")
        if self.source.peek() == ord("#"):
            self.source.skip(1)
            count = self._length()
        return kind, count

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._layout()
        found: dict[str, Any] = {}
        while count is None or count > 0:
            if count is None and self.source.peek() == ord("}"):
                self.source.skip(1)
                break
            key = self._text()
            found[key] = self.value(kind, depth + 1)
            count = None if count is None else count - 1
        return found

    def _array(self, depth: int) -> Any:
        kind, count = self._layout()
        if count is not None and kind in _NUMBERS:
            layout, dtype = _NUMBERS[kind]
            head = [layout.unpack(self.source.take(layout.size))[0] for _ in range(min(count, _HEAD))]
            self.source.skip((count - len(head)) * layout.size)
            return Numbers(count, dtype, tuple(head))
        found: list[Any] = []
        while count is None or len(found) < count:
            if count is None and self.source.peek() == ord("]"):
                self.source.skip(1)
                break
            found.append(self.value(kind, depth + 1))
        return found


def skim_json(source: Source) -> Any:
    """The JSON value at the source's position: dicts, lists, texts, numbers, and `Numbers` for their arrays.

    Malformed documents raise `UnreadableWeights`, those beyond our bounds `Enough`.
    """
    try:
        return _Json(source).value()
    except (ValueError, RecursionError) as fault:
        raise UnreadableWeights(f"malformed JSON before byte {source.position}: {fault}") from fault


def skim_ubjson(source: Source) -> Any:
    """The UBJSON value at the source's position, as `skim_json` gives it."""
    try:
        return _Ubjson(source).value()
    except (ValueError, error) as fault:
        raise UnreadableWeights(f"malformed UBJSON before byte {source.position}: {fault}") from fault
