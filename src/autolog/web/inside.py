"""What is inside the files of a version: as it was recorded, else read without running any of it."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import NamedTuple

from autolog import formats
from autolog.errors import AutologError, StoreError, UnreadableWeights
from autolog.keeping import openers
from autolog.store import ContentsRecord, SnapshotRecord

from .site import Site

__all__ = ["Inside", "look"]

#: A file of more bytes than this is only read for its digest when somebody asks for it.
_AT_ONCE = 2 << 30
_HELD = 24
#: One at a time: reading takes processor time, and there may be many pages.
_reading = threading.Lock()
_found: OrderedDict[str, Inside] = OrderedDict()


class Inside(NamedTuple):
    """What is known; `problem` says why nothing is, `is_unread` that nobody has looked yet."""

    contents: ContentsRecord | None = None
    problem: str = ""
    is_unread: bool = False


def look(site: Site, snapshot: SnapshotRecord, *, wanted: bool = False) -> Inside:
    """What is inside a version. `snapshot.parts` must be there. Raises StoreError.

    What nobody has recorded is read from where the bytes are: of kept ones only what is needed, in bounded
    time and memory whatever a file claims of itself. A large file that isn't kept is left until it is
    `wanted`, since all of it has to be read to see that it still is what was saved.
    """
    if snapshot.digest is None:
        return Inside(problem=snapshot.reason or "Its digest isn't known yet.")
    recorded = site.store.contents(snapshot.digest)
    if recorded is not None:
        return _told(recorded)
    if (known := _found.get(snapshot.digest)) is not None:
        return known
    if not wanted and snapshot.keeping != "kept" and (snapshot.size or 0) > _AT_ONCE:
        return Inside(is_unread=True)
    with _reading:
        if (known := _found.get(snapshot.digest)) is not None:
            return known
        try:
            found = _read(site, snapshot)
        except UnreadableWeights as error:
            found = Inside(problem=f"The file can't be read: {error}.")
        except StoreError:
            raise
        except AutologError as error:
            return Inside(problem=str(error))
        _found[snapshot.digest] = found
        while len(_found) > _HELD:
            _found.popitem(last=False)
    return found


def _read(site: Site, snapshot: SnapshotRecord) -> Inside:
    files = openers(snapshot, site.kept, site.settings)
    own = os.path.basename((snapshot.uri or "").partition("?")[0].rstrip("/"))
    if len(files) == 1:
        name, opened = files[0]
        with opened() as file:
            contents = formats.inspect(file, os.path.basename(name) or own)
    else:
        contents = formats.inspect_bundle(files)
    if contents is None:
        return Inside(problem="The file is of no format that we can look into.")
    return _told(ContentsRecord.of(contents))


def _told(contents: ContentsRecord) -> Inside:
    if contents.format == "unreadable":
        return Inside(problem=f"The file can't be read: {contents.details.get('error', 'it is damaged')}.")
    return Inside(contents)
