"""Whether a model's bytes are to be had, and why they aren't."""

from __future__ import annotations

import os
from typing import NamedTuple

from autolog import keeping
from autolog.store import SnapshotRecord, model_at, model_to_download, model_with_newest

from .site import Site

__all__ = ["Having", "having", "may_have_bytes", "missing", "why_not"]

#: By a version's state, what became of its own file.
_BECAME = {
    "gone": "Its file is gone",
    "overwritten": "A later save took the place of its file",
    "in_memory": "It was saved into memory",
    "pending": "It is still being read",
}


class Having(NamedTuple):
    """The newest version whose bytes are to be had; or None, and `why`."""

    version: int | None = None
    why: str = ""


def having(site: Site, model_id: str, version: int | None = None) -> Having:
    """Which version of a model can be downloaded: this one, or the newest that can be.

    Raises NotFound and StoreError. As the records say, and for a file at its own path whether there is one:
    whether it still is what was saved is seen when it is read.
    """
    records = _looked_at(site, model_id, version)
    for record in records:
        if may_have_bytes(record) and not missing(site, record):
            return Having(record.version)
    if not records:
        return Having(None, "It has no versions: none was saved yet, or they were deleted.")
    record = records[-1]
    # The same bytes may be kept for another model.
    if record.digest and site.kept.files_like({record.digest}):
        return Having(record.version)
    gone = next(filter(None, (missing(site, each) for each in records if may_have_bytes(each))), "")
    return Having(None, f"v{record.version} can't be downloaded. {gone or why_not(record)}.")


def _looked_at(site: Site, model_id: str, version: int | None) -> list[SnapshotRecord]:
    """The versions that may do, the one last that is spoken of where none does."""
    if version is not None:
        return list(model_at(site.store, model_id, version).snapshots)
    found = (model_to_download(site.store, model_id), model_with_newest(site.store, model_id))
    return [record for each in found for record in each.snapshots]


def may_have_bytes(snapshot: SnapshotRecord) -> bool:
    """Whether its bytes are to be had as far as the records know."""
    if snapshot.keeping == "kept":
        return True
    return snapshot.state == "at_path" and snapshot.digest is not None and "://" not in (snapshot.uri or "")


def why_not(snapshot: SnapshotRecord) -> str:
    """Why a version's bytes are not to be had, in words without a full stop."""
    if snapshot.state == "lost":
        became = f"Its bytes are lost: {snapshot.reason}" if snapshot.reason else "Its bytes are lost"
    elif snapshot.state == "at_path" and "://" in (snapshot.uri or ""):
        became = "It lies where it was saved to, which is read by restoring it"
    else:
        became = _BECAME.get(snapshot.state, "Its digest isn't known")
    if snapshot.keeping in ("failed", "dropped") and snapshot.keeping_reason:
        return f"{became}, and is not kept: {snapshot.keeping_reason}"
    if snapshot.keeping == "waiting":
        return f"{became}, and waits to be kept"
    return f"{became}, and no bytes were kept"


def missing(site: Site, snapshot: SnapshotRecord) -> str:
    """What is wrong with a file at its own path; empty for bytes that are kept."""
    if snapshot.keeping == "kept":
        return ""
    names = [each.name for each in snapshot.parts] or [""]
    size = snapshot.parts[0].size if snapshot.parts else snapshot.size
    is_another = False
    for uri in keeping.seen_at(snapshot.uri, site.settings):
        try:
            found = os.stat(keeping.layout_of(uri, names).at_own_path(names[0])).st_size
        except OSError:
            continue
        if size in (None, found):
            return ""
        is_another = True
    if is_another:
        return f"The file at {snapshot.uri} is another one by now, and no bytes were kept"
    return f"There is no file at {snapshot.uri} on this machine, and no bytes were kept"
