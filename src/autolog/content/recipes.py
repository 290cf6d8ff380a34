"""The recipe of a file: the chunks that it consists of, in order.

Binary, so that a terabyte of weights has one of a few megabytes: for each chunk the 32 bytes of its digest
and its size as four bytes, little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from autolog.errors import IntegrityError

__all__ = ["from_recipe", "to_recipe"]

_ENTRY = struct.Struct("<32sI")


def to_recipe(chunks: Iterable[tuple[bytes, int]]) -> bytes:
    """The recipe of `(digest, size in bytes)` of each chunk."""
    return b"".join(_ENTRY.pack(digest, size) for digest, size in chunks)


def from_recipe(recipe: bytes) -> Iterator[tuple[bytes, int]]:
    """`(digest, size in bytes)` of each chunk of a recipe. Raises IntegrityError."""
    if len(recipe) % _ENTRY.size:
        raise IntegrityError("a recipe in the records is cut off")
    yield from _ENTRY.iter_unpack(recipe)
