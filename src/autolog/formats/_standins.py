"""What stands in for the objects of a pickle: inert records of what loading would have made.

None of them imports, calls or hashes anything of the file's. Mappings are lists of pairs rather than
`dict`s, because hashing a key is already work that a file can make endless: a tuple that holds
itself twice, forty levels deep, takes 2**40 steps to hash.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "MAPPINGS",
    "Bag",
    "Blob",
    "Global",
    "Made",
    "Pairs",
    "as_bytes",
    "as_pairs",
    "given_pairs",
    "readable",
    "unescape",
]


@dataclass(frozen=True, slots=True)
class Global:
    """A name that loading would import: `collections` and `OrderedDict`."""

    module: str
    name: str

    @property
    def path(self) -> str:
        """The dotted name: `collections.OrderedDict`."""
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Blob:
    """A long text, bytes object or integer that was stepped over: its length in bytes, and how it begins.

    `place` is the offset of a bytes object in the file, None where it was decompressed.
    """

    length: int
    head: bytes
    place: int | None = None


class Pairs(list["tuple[object, object]"]):
    """A mapping: its keys and values in the order of writing, a repeated key repeated. It only grows."""

    __slots__ = ("_read", "_texts")
    _read: int
    _texts: dict[str, object]

    def texts(self) -> dict[str, object]:
        """The values whose key is a text, the last of each key only, as a `dict` would hold them.

        A file may have one mapping be the state of a million objects, so each pair is looked at once.
        """
        try:
            texts, read = self._texts, self._read
        except AttributeError:  # most are never asked
            texts, read = {}, 0
        if read < len(self):
            texts.update((key, value) for key, value in self[read:] if isinstance(key, str))
            self._texts, self._read = texts, len(self)
        return texts


class Bag(list[object]):
    """A set or a frozenset."""

    __slots__ = ()


class Made:
    """What loading would have made by calling `callee` with `args`, and then filled.

    `state` is what it would have been given to restore itself from, `items` what would have been
    appended to it, `pairs` what would have been set in it by key. `place` is where in the file the raw
    elements lie that follow an array of joblib's.
    """

    __slots__ = ("args", "callee", "items", "pairs", "place", "state")

    def __init__(self, callee: object, args: object = ()) -> None:
        self.callee = callee
        self.args: tuple[object, ...] = args if isinstance(args, tuple) else ()
        self.state: object = None
        self.items: list[object] | None = None
        self.pairs: Pairs | None = None
        self.place: int | None = None

    @property
    def path(self) -> str:
        """The dotted name of what would have been called; empty if that isn't a global."""
        return self.callee.path if isinstance(self.callee, Global) else ""


_LONGEST = 1_000
_MOST_ARGUMENTS = 3  # of a mapping: `copyreg._reconstructor(OrderedDict, dict, {...})`
_LONGEST_BYTES = 1 << 12


def readable(text: str, longest: int = _LONGEST) -> str:
    """At most `longest` characters of a text of the file's, those replaced that a store can't hold.

    UTF-8 has no form for surrogates, and PostgreSQL none for the character 0.
    """
    return text[:longest].replace("\0", "?").encode("utf-8", "replace").decode()


MAPPINGS = frozenset(
    {"collections.OrderedDict", "collections.defaultdict", "collections.Counter", "builtins.dict"}
)


def as_pairs(value: object) -> Pairs | None:
    """The pairs of a mapping, whichever way it was pickled; None for everything else.

    Subclasses of `dict` (Lightning's `AttributeDict`, `OrderedDict`) are filled pair by pair after
    they are made.
    """
    if isinstance(value, Pairs):
        return value
    return value.pairs if isinstance(value, Made) else None


def given_pairs(made: Made, account: Callable[[int], None]) -> Pairs | None:
    """What a mapping begins with that was just made, a copy; None if it is no mapping.

    An `OrderedDict` of protocol 0 and 1 gets a list of two-element lists as argument. `account` is told how
    many values are looked at before they are.
    """
    if made.path not in MAPPINGS:
        return None
    for argument in made.args[:_MOST_ARGUMENTS]:
        if isinstance(argument, list):
            account(len(argument))
            if isinstance(argument, Pairs):
                return Pairs(argument)
            couples = (item for item in argument if isinstance(item, (list, tuple)) and len(item) == 2)
            return Pairs((key, value) for key, value in couples)
    return Pairs()


# Python 2 wrote texts as its literals. The codec `unicode-escape` would warn about odd ones, and a
# warning may have been turned into an exception.
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def _unescaped(found: re.Match[bytes]) -> bytes:
    what = found[1]
    if what[:1] == b"x" and len(what) == 3:
        return bytes((int(what[1:], 16),))
    if what.isdigit() and what[0] < ord("8"):
        return bytes((int(what, 8) & 0xFF,))
    return _LETTERS.get(what, what)


def as_bytes(value: object) -> bytes:
    """How a bytes object begins, whole up to 4096 bytes; empty for anything else.

    Up to protocol 2 it is a call of `_codecs.encode` on a text whose characters are the bytes.
    """
    if isinstance(value, Made) and value.path == "_codecs.encode" and value.args:
        value = value.args[0]
        if isinstance(value, Blob):
            value = value.head.decode("utf-8", "ignore")
        return value[:_LONGEST_BYTES].encode("latin-1", "replace") if isinstance(value, str) else b""
    if isinstance(value, Blob):
        return value.head
    return value if isinstance(value, bytes) else b""


def unescape(data: bytes) -> str:
    """The text that the inside of a Python 2 literal stands for; bytes beyond ASCII as Latin-1."""
    return _ESCAPE.sub(_unescaped, data).decode("latin-1")
