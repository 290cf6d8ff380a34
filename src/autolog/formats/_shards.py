"""The weights among several files that are one snapshot, and under which name each tensor goes there."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, NamedTuple

from autolog.errors import UnreadableWeights
from autolog.formats._shape import Contents
from autolog.formats.bundles import File, is_beside, is_passed_over

__all__ = ["Shard", "prefixed", "shards"]

_MOST_FILES = 500

Look = Callable[[BinaryIO, str], "Contents | None"]


class Shard(NamedTuple):
    """A file of weights, what opens it, its size in bytes, and what it holds."""

    name: str
    opener: Callable[[], AbstractContextManager[BinaryIO]]
    size: int
    contents: Contents


def shards(files: Sequence[File], look: Look, aside: Collection[str]) -> list[Shard] | None:
    """The files of weights, as `inspect_bundle` tells them from the others; None if not all can be seen."""
    if len(files) > _MOST_FILES:
        return None
    names = {name for name, _ in files}
    found: list[Shard] = []
    for name, opener in sorted(files, key=lambda file: file[0]):
        base = posixpath.basename(name)
        if is_passed_over(base) or name in aside or is_beside(base):
            continue
        try:
            with opener() as file:
                size = file.seek(0, os.SEEK_END)
                contents = look(file, name)
        except (UnreadableWeights, OSError):
            return None
        if contents is None or contents.format == "SavedModel":
            continue
        if contents.format.endswith("index"):
            listed = contents.details.get("files", ())
            if any(posixpath.join(posixpath.dirname(name), other) not in names for other in listed):
                return None
            continue
        if contents.tensors or contents.parameters is not None or "incomplete" in contents.details:
            found.append(Shard(name, opener, size, contents))
    return found


def prefixed(found: Sequence[Shard]) -> Iterator[tuple[str, Shard]]:
    """Each file with what stands before the names of its tensors: its folder, if there are several."""
    folders = {posixpath.dirname(shard.name) for shard in found}
    for shard in found:
        folder = posixpath.dirname(shard.name)
        yield (f"{folder}/" if len(folders) > 1 and folder else ""), shard
