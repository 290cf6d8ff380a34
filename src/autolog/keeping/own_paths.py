"""Looking at the files that scripts have saved, where nothing but their paths, sizes and digests is ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from autolog.store import versions

from .here import Here, seen_at
from .layout import layout_of
from .restore import digest_at, files_of

if TYPE_CHECKING:
    from autolog.store import SnapshotRecord, Store, VersionRecord

__all__ = ["changed"]


def changed(
    store: Store,
    here: Here,
    *,
    only: Collection[int] | None = None,
    told: Callable[[int], None] = lambda size: None,
) -> Iterator[tuple[VersionRecord, str]]:
    """Versions recorded at their own path whose files are gone or others by now, and what is there.

    Every byte of those that are there is read. Files of another machine are looked at where
    `path_substitution` says that they are mounted; those that are not seen here are left out.
    """
    models: dict[str, dict[int, VersionRecord]] = {}
    for each in versions(store, ids=only):
        if each.state == "at_path" and each.digest is not None:
            models.setdefault(each.model_id, {})[each.snapshot_id] = each
    this_host = os.uname().nodename
    for model_id, wanted in models.items():
        record = store.model(model_id)
        is_ours = record.task_id is None or store.task(record.task_id).host == this_host
        for snapshot in record.snapshots:
            if snapshot.id in wanted and "://" not in (snapshot.uri or ""):
                problem, is_gone = _problem(snapshot, here, told)
                if problem and (is_ours or not is_gone):
                    yield wanted[snapshot.id], problem


def _problem(snapshot: SnapshotRecord, here: Here, told: Callable[[int], None]) -> tuple[str, bool]:
    """What is wrong, and whether it is gone; empty if all is right where it was recorded, or in its mount."""
    found: list[tuple[str, bool]] = []
    for uri in seen_at(snapshot.uri, here):
        found.append(_problem_at(uri, snapshot, told))
        if not found[-1][0]:
            return "", False
    return next((each for each in found if not each[1]), found[0])


def _problem_at(uri: str, snapshot: SnapshotRecord, told: Callable[[int], None]) -> tuple[str, bool]:
    files = files_of(snapshot)
    layout = layout_of(uri, [name for name, _, _ in files])
    for name, size, digest in files:
        path = layout.at_own_path(name)
        try:
            if os.path.getsize(path) != size:
                return f"{path} has other bytes by now", False
            if digest_at(path, told) != digest:
                return f"{path} has other bytes by now", False
        except FileNotFoundError:
            return f"{path} is gone", True
        except OSError as error:
            return f"{path} can't be read ({error.strerror or error})", False
    return "", False
