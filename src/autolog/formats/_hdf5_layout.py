"""Where in an HDF5 file the elements of an array lie.

An array is kept in one piece, or in chunks of one size that a tree of "version 1" lists; newer trees, which
`libver="latest"` writes, aren't followed, nor are elements that stand within an object header.
(HDF5 File Format Specification, version 3.0, sections IV.A.2.i and III.A.1.)
"""

from __future__ import annotations

from collections.abc import Iterator

from autolog.errors import UnreadableWeights
from autolog.formats._pages import Pages

__all__ = ["chunks", "piece"]

_CONTIGUOUS, _CHUNKED = 1, 2


def piece(layout: bytes, width: int, length: int) -> int | None:
    """Where an array of `length` bytes lies in one piece; None where it doesn't.

    `layout` is the message, `width` the bytes of an offset.
    """
    kind, at = _class(layout)
    if kind != _CONTIGUOUS or len(layout) < at + width or not length:
        return None
    place = layout[at : at + width]
    if layout[0] >= 3 and int.from_bytes(layout[at + width : at + width + 8], "little") != length:
        return None
    # Nothing was ever written: all elements are the fill value.
    return None if place == b"\xff" * width else int.from_bytes(place, "little")


def chunks(pages: Pages, layout: bytes, width: int) -> Iterator[tuple[int, int]]:
    """Where the chunks lie: offset and length of each, in any order.

    `pages` bounds how much of the tree is read.
    """
    kind, at = _class(layout)
    if kind != _CHUNKED or layout[0] > 3:
        return
    if layout[0] == 3:
        rank, at = layout[2] if len(layout) > 2 else 0, at + 1
    else:
        rank = layout[1]
    place = layout[at : at + width]
    if len(place) < width or place == b"\xff" * width:
        return
    step = 8 + 8 * rank + width
    pending = [int.from_bytes(place, "little")]
    while pending:
        node = pending.pop()
        head = pages.take(node, 8)
        count = int.from_bytes(head[6:8], "little")
        if head[:4] != b"TREE" or head[4] != 1:
            raise UnreadableWeights("malformed HDF5: a strange node in the tree of an array's chunks")
        data = pages.take(node + 8 + 2 * width, count * step)
        for entry in range(0, count * step, step):
            child = int.from_bytes(data[entry + step - width : entry + step], "little")
            if head[5]:
                pending.append(child)
            else:
                yield child, int.from_bytes(data[entry : entry + 4], "little")


def _class(layout: bytes) -> tuple[int, int]:
    """How the elements are laid out, and where in the message that is described further."""
    if len(layout) < 3 or not 1 <= layout[0] <= 4:
        return -1, 0
    return (layout[2], 8) if layout[0] < 3 else (layout[1], 2)
