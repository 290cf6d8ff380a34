"""The data files of `torch.distributed.checkpoint`: many files of `torch.save`, one after the other.

Only `.metadata` tells where each begins. Their tensors are listed there too, so that all there is to look
for is what loading the pieces could run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import BinaryIO

from autolog.errors import UnreadableWeights
from autolog.formats._distributed import pieces
from autolog.formats._pages import Span
from autolog.formats._source import Enough, FileSource
from autolog.formats._standins import Made, readable
from autolog.formats.pickles import Reading
from autolog.formats.zips import inspect_zip

__all__ = ["look_into_pieces"]

Openers = Mapping[str, Callable[[], BinaryIO]]


def look_into_pieces(files: Openers, deadline: float) -> tuple[str, ...]:
    """The globals that the pickles in the data files name and that could run code, with the file before each.

    `deadline` is a time of `time.monotonic`; pieces that come after it aren't looked into, which is then
    the last thing told.
    """
    mark = next((name for name in sorted(files) if name.rpartition("/")[2] == ".metadata"), None)
    if mark is None:
        return ()
    places: dict[str, list[tuple[int, int]]] = {}
    for name, offset, length in _listed(files[mark]):
        places.setdefault(name, []).append((offset, length))
    found: dict[str, None] = {}
    for name, spans in places.items():
        path = mark.removesuffix(".metadata") + name
        if path not in files:
            continue
        with files[path]() as file:
            size = left = file.seek(0, os.SEEK_END)
            for offset, length in dict.fromkeys(spans):
                # Pieces don't overlap, so those of a sound file are never more than its bytes.
                left -= max(0, length)
                if left < 0 or time.monotonic() > deadline:
                    found[f"{readable(path, 200)}: not looked into as a whole"] = None
                    return tuple(found)
                if 0 <= offset <= offset + length <= size:
                    found.update(dict.fromkeys(_dangers(Span(file, offset, length), length, path)))
    return tuple(found)


def _listed(opener: Callable[[], BinaryIO]) -> list[tuple[str, int, int]]:
    with opener() as file:
        size = file.seek(0, os.SEEK_END)
        try:
            value = Reading(FileSource(file, 0, size)).machine.load()
        except (UnreadableWeights, Enough):
            return []
    return pieces(value) if isinstance(value, Made) else []


def _dangers(piece: Span, length: int, path: str) -> list[str]:
    try:
        contents = inspect_zip(piece, length)
    except UnreadableWeights:
        return []
    return [f"{readable(path, 200)}: {danger}" for danger in (contents.dangerous if contents else ())]
