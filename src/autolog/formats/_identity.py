"""A digest of weights alone: equal for equal weights, whatever file they are in.

It is blake3 over one line per tensor of the model, sorted: its name, its element type, its shape, and blake3
of its elements in row-major order, little-endian. So the same state dict has the same digest in a checkpoint
beside an optimizer, in either format of `torch.save`, and in safetensors; a `.keras` file saved again, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autolog.formats._elements import Allowance, pieces
from autolog.formats._shape import Contents, Place, Stored
from autolog.formats._shards import Shard, prefixed
from autolog.formats._source import Enough, Seekable

__all__ = ["Line", "digest", "lines", "merged"]

_VERSION = "autolog weights 1"
# A pickled object is more than its arrays: of two equal in these, one may have other settings.
_OBJECTS = frozenset({"pickle", "joblib", "skops"})


class Line(NamedTuple):
    """What the digest tells of one tensor: name, element type, shape, and the digest of its elements."""

    key: str
    dtype: str
    shape: tuple[int, ...]
    elements: str


def lines(file: Seekable, size: int, contents: Contents) -> list[Line] | None:
    """A line for each tensor of the model in `file`; None if there are none, or not all can be seen."""
    if contents.format in _OBJECTS or not contents.stored or "incomplete" in contents.details:
        return None
    if any(each.place is None and 0 not in each.shape for each in contents.stored):
        return None
    allowance = Allowance(size)
    known: dict[tuple[Place | None, tuple[int, ...], str], str] = {}
    found: list[Line] = []
    try:
        for each in sorted(contents.stored, key=_offset):
            what = each.place, each.shape, each.dtype
            if what not in known:
                known[what] = _elements(file, each, allowance)
            found.append(Line(each.key, each.dtype, each.shape, known[what]))
    except (Enough, ImportError):
        return None
    return found


def merged(files: Sequence[Shard]) -> list[Line] | None:
    """The lines of several files together; None as above, or if they hold different tensors of one name."""
    found: dict[str, Line] = {}
    for prefix, shard in prefixed(files):
        with shard.opener() as file:
            of_file = lines(file, shard.size, shard.contents)
        if of_file is None:
            return None
        for line in of_file:
            line = line._replace(key=prefix + line.key)
            # The same weights in two formats count once.
            if found.setdefault(line.key, line) != line:
                return None
    return list(found.values()) or None


def digest(found: Iterable[Line]) -> str:
    """The digest of the weights that these lines tell of: `weights:blake3:` and 64 hexadecimal digits."""
    from blake3 import blake3

    hasher = blake3(_VERSION.encode())
    for line in sorted(found):
        hasher.update(b"\n" + json.dumps(line).encode())
    return f"weights:blake3:{hasher.hexdigest()}"


def _offset(stored: Stored) -> int:
    return 0 if stored.place is None else stored.place.offset


def _elements(file: Seekable, stored: Stored, allowance: Allowance) -> str:
    from blake3 import blake3

    hasher = blake3()
    for piece in pieces(file, stored, allowance):
        hasher.update(piece)
    return hasher.hexdigest()
