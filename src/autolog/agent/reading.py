"""Reading the files of an event; their bytes are put aside on the way if they are to be kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from autolog.events import Digested, Loaded, Saved

from .digest import OVERWRITTEN, digest_file, digest_of_parts, find_file, path_of

if TYPE_CHECKING:
    from autolog.content import Staged
    from autolog.formats import Seen

    from .aside import Aside, Putting

__all__ = ["Read", "read_file", "read_parts"]


class Read(NamedTuple):
    """What reading gave: its digest and place, its bytes if they are few, and what was put aside.

    `not_kept` says why nothing was put aside, where it was to be. `seen` is what was found in the files, if
    they were looked into on the way.
    """

    found: Digested
    data: bytes | None = None
    staged: Staged | None = None
    not_kept: str = ""
    seen: Seen | None = None


def read_file(event: Saved | Loaded, descriptor: int | None, aside: Aside | None = None) -> Read:
    """Read the file of an event through its descriptor, putting a save's bytes aside."""
    if descriptor is None or event.facts is None:
        return Read(Digested(event.id, None, lost="it was unlinked before it could be read"))
    putting = _begin(event, aside)
    digest, data = digest_file(descriptor, event.facts, _through(putting, "", event.path or ""))
    path, links = path_of(descriptor)
    lost = None if digest is not None else OVERWRITTEN
    found = Digested(event.id, digest, path=path, lost=lost, links=links)
    return _end(putting, Read(found, data))


def read_parts(event: Saved | Loaded, descriptors: dict[int, int], aside: Aside | None = None) -> Read:
    """Read the several files of an event, through descriptors (by their place) or by their paths.

    A file that is no part of the weights and was written again at once (a tokenizer beside a model) is left
    out; its digest is empty then.
    """
    putting = _begin(event, aside)
    digests: list[str] = []
    for index, part in enumerate(event.parts):
        descriptor = descriptors.get(index)
        if descriptor is None:
            held = find_file(event.base + part.name, part.facts)
            if held is None and not part.weights:
                digests.append("")
                continue
            if held is None:
                why = f"{part.name or 'a file'} was gone before it could be read"
                return _end(putting, Read(Digested(event.id, None, lost=why)))
            descriptor = held[0]
        try:
            digest = digest_file(descriptor, part.facts, _through(putting, part.name, part.name))[0]
        finally:
            if index not in descriptors:
                os.close(descriptor)
        if digest is None and part.weights:
            why = f"{part.name or 'a file'} was overwritten before it was read"
            return _end(putting, Read(Digested(event.id, None, lost=why)))
        if digest is None and putting is not None:
            putting.leave_out(part.name)
        digests.append(digest or "")
    found = Digested(event.id, digest_of_parts(event.parts, digests), parts=tuple(digests), links=1)
    return _end(putting, Read(found))


def _begin(event: Saved | Loaded, aside: Aside | None) -> Putting | None:
    if aside is None or not isinstance(event, Saved) or not aside.wants(event):
        return None
    return aside.begin(event)


def _through(putting: Putting | None, name: str, path: str) -> Callable[[int, int], tuple[str, int]] | None:
    return None if putting is None else partial(putting.read, name, path)


def _end(putting: Putting | None, read: Read) -> Read:
    if putting is None:
        return read
    staged = putting.end(is_whole=read.found.digest is not None)
    return read._replace(staged=staged, not_kept=putting.problem, seen=putting.seen)
