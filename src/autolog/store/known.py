"""What is known of files and of the bytes in them, and small things that all recording shares."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, CursorResult, func, insert, select, update

from autolog.events import FileFacts, Part

from .racing import insert_new, put
from .records import ContentsRecord
from .schema import contents, files, parts, skips, weights
from .types import clean

__all__ = [
    "Look",
    "keep_contents",
    "keep_parts",
    "keep_weights",
    "key_by_hand",
    "new_id",
    "new_key",
    "new_model",
    "remember",
    "remembered",
    "skip",
    "text",
]


#: Distinct paths per rule that the capture report lists for one task; further ones count by folder.
_SKIPPED_PATHS = 200


@dataclass(frozen=True, slots=True)
class Look:
    """What the agent found of an event's file.

    Its digest (or why it is lost), where it is now, what is inside, and which model it makes a version
    of (`key`, `stem` and `iteration` by its name). `parts` are its several files with their digests,
    `origin` is the URL that a loaded file came from, `design` and `labels` are what the file tells. `keeping`
    says what becomes of its bytes (see `SnapshotRecord`), `keeping_reason` why. `weights` are the digests
    that its tensors may have, the proper one first, if anybody has asked.
    """

    digest: str | None = None
    path: str | None = None
    lost: str | None = None
    is_gone: bool = False
    key: str = ""
    stem: str = ""
    iteration: int | None = None
    contents: ContentsRecord | None = None
    parts: Sequence[tuple[Part, str]] = ()
    origin: str | None = None
    design: str | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    keeping: str = ""
    keeping_reason: str = ""
    weights: Sequence[str] = ()


def remember(connection: Connection, facts: FileFacts, digest: str) -> None:
    """The digest of this file, as long as nobody touches it."""
    put(connection, files, [_file(facts, digest)])


def remembered(connection: Connection, facts: FileFacts) -> str | None:
    """The digest of a file that has not been touched since we read it."""
    own = (files.c.device == str(facts.device), files.c.inode == str(facts.inode))
    row = connection.execute(select(files).where(*own)).mappings().first()
    if row is None:
        return None
    now = (facts.size, facts.mtime_ns, facts.ctime_ns)
    return row["digest"] if (row["size"], row["mtime_ns"], row["ctime_ns"]) == now else None


def _file(facts: FileFacts, digest: str) -> dict[str, Any]:
    return {
        "device": str(facts.device),
        "inode": str(facts.inode),
        "size": facts.size,
        "mtime_ns": facts.mtime_ns,
        "ctime_ns": facts.ctime_ns,
        "digest": digest,
    }


def keep_parts(connection: Connection, snapshot_id: int, look: Look) -> None:
    """Keep which files a snapshot of several consists of."""
    if not look.parts:
        return
    connection.execute(
        insert(parts),
        [
            {
                "snapshot_id": snapshot_id,
                "name": text(part.name),
                "size": part.facts.size,
                "digest": digest,
                "weights": part.weights,
            }
            for part, digest in look.parts
        ],
    )
    # One row for each file: a statement may not touch one twice, and a folder may hold two links to it.
    known = {(part.facts.device, part.facts.inode): _file(part.facts, digest) for part, digest in look.parts}
    put(connection, files, [*known.values()])


def keep_weights(connection: Connection, snapshot_id: int, digests: Sequence[str]) -> None:
    """Keep which digests the tensors of a snapshot may have."""
    for each in sorted(digests):
        insert_new(connection, weights, {"snapshot_id": snapshot_id, "digest": each})


def keep_contents(connection: Connection, look: Look) -> None:
    """Keep what was found inside some bytes, once for all files that have them."""
    found = look.contents
    if look.digest is None or found is None:
        return
    if connection.execute(select(contents.c.digest).where(contents.c.digest == look.digest)).first():
        return
    row = {
        "digest": look.digest,
        "format": found.format,
        "parameters": found.parameters,
        "tensors": [[text(name), list(shape), dtype] for name, shape, dtype in found.tensors],
        "details": dict(found.details),
        "dangerous": list(found.dangerous),
    }
    insert_new(connection, contents, row)


def skip(connection: Connection, task_id: str, path: str, rule: str) -> None:
    """Count one more skip of this path by this rule; beyond so many paths, of the folder that it is in."""
    if _count_skip(connection, task_id, path, rule):
        return
    of_rule = select(func.count()).where(skips.c.task_id == task_id, skips.c.rule == rule)
    if connection.execute(of_rule).scalar_one() >= _SKIPPED_PATHS:
        path = os.path.join(os.path.dirname(path), "*")
        if _count_skip(connection, task_id, path, rule):
            return
    connection.execute(insert(skips).values(task_id=task_id, path=path, rule=rule, count=1))


def _count_skip(connection: Connection, task_id: str, path: str, rule: str) -> bool:
    changed = connection.execute(
        update(skips)
        .where(skips.c.task_id == task_id, skips.c.path == path, skips.c.rule == rule)
        .values(count=skips.c.count + 1)
    )
    return changed.rowcount > 0


def new_id() -> str:
    """A random id: 32 hex digits."""
    return os.urandom(16).hex()


def key_by_hand(model_id: str) -> str:
    """The key of a model that somebody has made: wherever its files are, it is that model."""
    return f"<model>:{model_id}"


def new_model(model_id: str, framework: str, when: float) -> dict[str, Any]:
    """The columns that every new model starts with."""
    return {
        "id": model_id,
        "framework": framework,
        "status": "draft",
        "archived": False,
        "tags": [],
        "labels": {},
        "metadata": {},
        "comment": "",
        "created": when,
        "updated": when,
    }


def new_key(inserted: CursorResult[Any]) -> int:
    """The primary key that an insert made."""
    key = inserted.inserted_primary_key
    assert key is not None  # every table here has one
    return int(key[0])


def text(value: str | None) -> str:
    """Text as the store writes it (see `types.clean`); no text is an empty one."""
    return clean(value) if value else ""
