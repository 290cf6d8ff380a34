"""A digest of weights alone: equal for equal weights, whatever file they are in.

It is blake3 over one line per tensor of the model, sorted: its name, its element type, its shape, and blake3
of its elements in row-major order, little-endian; of a tensor above 1 MiB, blake3 of the blake3 of each MiB,
so that what was hashed to keep the chunks of a file needn't be hashed again. So the same state dict has the
same digest in a checkpoint beside an optimizer, in either format of `torch.save`, and in safetensors; a
`.keras` file saved again, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, product, takewhile
from types import MappingProxyType
from typing import NamedTuple

from autolog.formats._arrays import element_bytes
from autolog.formats._elements import PIECE, Allowance, evenly, pieces, run
from autolog.formats._shape import Contents, Place, Stored
from autolog.formats._shards import Shard, prefixed
from autolog.formats._source import Enough, Seekable

__all__ = ["Line", "Weights", "digests", "merged", "weights"]

_VERSION = "autolog weights 1"
_MOST_CHOICES = 16
# A pickled object is more than its arrays: of two equal in these, one may have other settings.
_OBJECTS = frozenset({"pickle", "joblib", "skops"})
_NONE: Mapping[tuple[int, int], str] = MappingProxyType({})


class Line(NamedTuple):
    """What the digest tells of one tensor: name, element type, shape, and the digest of its elements."""

    key: str
    dtype: str
    shape: tuple[int, ...]
    elements: str


class Weights(NamedTuple):
    """A line for each tensor of a model, and which names go by one and the same tensor."""

    lines: list[Line]
    tied: list[list[str]]


def weights(
    file: Seekable, size: int, contents: Contents, ranges: Mapping[tuple[int, int], str] = _NONE
) -> Weights | None:
    """The tensors of the model in `file`; None if there are none, or not all can be seen.

    `ranges` are known digests (blake3, hexadecimal) of the file's bytes, by offset and length: they are not
    read again.
    """
    if contents.format in _OBJECTS or not contents.stored or "incomplete" in contents.details:
        return None
    if any(each.place is None and 0 not in each.shape for each in contents.stored):
        return None
    allowance = Allowance(size)
    known: dict[tuple[Place | None, tuple[int, ...], str], str] = {}
    names: dict[tuple[Place | None, tuple[int, ...], str], list[str]] = {}
    found: list[Line] = []
    try:
        for each in sorted(contents.stored, key=_offset):
            what = each.place, each.shape, each.dtype
            if what not in known:
                known[what] = _elements(file, each, allowance, ranges)
            found.append(Line(each.key, each.dtype, each.shape, known[what]))
            names.setdefault(what, []).append(each.key)
    except (Enough, ImportError):
        return None
    tied = [
        sorted(several) for (_, shape, _), several in names.items() if len(several) > 1 and 0 not in shape
    ]
    return Weights(found, tied)


def merged(files: Sequence[Shard], ranges: Mapping[str, Mapping[tuple[int, int], str]]) -> Weights | None:
    """The tensors of several files together; None as above, or if they hold different ones of one name.

    `ranges` are known digests as above, by the name of the file.
    """
    found: dict[str, Line] = {}
    tied: list[list[str]] = []
    for prefix, shard in prefixed(files):
        with shard.opener() as file:
            of_file = weights(file, shard.size, shard.contents, ranges.get(shard.name, _NONE))
        if of_file is None:
            return None
        tied += [[prefix + name for name in names] for names in of_file.tied]
        for line in of_file.lines:
            line = line._replace(key=prefix + line.key)
            # The same weights in two formats count once.
            if found.setdefault(line.key, line) != line:
                return None
    return Weights(list(found.values()), tied) if found else None


def digests(found: Weights) -> tuple[str, ...]:
    """The digest of the weights with all names, then those with tied tensors under one name each."""
    tied = {name for names in found.tied for name in names}
    choices = [tied.difference(kept) for kept in islice(product(*found.tied), _MOST_CHOICES)] if tied else []
    return tuple(
        _digest(line for line in found.lines if line.key not in without) for without in (set(), *choices)
    )


def _digest(found: Iterable[Line]) -> str:
    from blake3 import blake3

    hasher = blake3(_VERSION.encode())
    for line in sorted(found):
        hasher.update(b"\n" + json.dumps(line).encode())
    return f"weights:blake3:{hasher.hexdigest()}"


def _offset(stored: Stored) -> int:
    return 0 if stored.place is None else stored.place.offset


def _elements(
    file: Seekable, stored: Stored, allowance: Allowance, ranges: Mapping[tuple[int, int], str]
) -> str:
    """The digest of a tensor's elements, of which only those are read whose digests aren't known."""
    from blake3 import blake3

    step = PIECE - PIECE % (element_bytes(stored.dtype) or 1)
    parts = _known(ranges, run(stored), step)
    if not parts:
        parts = [blake3(piece).hexdigest() for piece in evenly(pieces(file, stored, allowance), step)]
    if len(parts) == 1:
        return parts[0]
    return blake3(b"".join(map(bytes.fromhex, parts))).hexdigest()


def _known(ranges: Mapping[tuple[int, int], str], run: tuple[int, int] | None, step: int) -> Sequence[str]:
    """The known digests of a range's pieces; none if not all are known."""
    if run is None:
        return ()
    end = sum(run)
    places = ((start, min(step, end - start)) for start in range(run[0], end, step))
    found = list(takewhile(bool, (ranges.get(place, "") for place in places)))
    return found if len(found) * step >= run[1] else ()
