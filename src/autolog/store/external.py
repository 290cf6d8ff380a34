"""Recording models that no task here has made or loaded: somebody names them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from .database import Store
from .known import Look, keep_contents, new_id, new_key, new_model, text
from .records import ContentsRecord
from .schema import models, parts, snapshots

__all__ = ["External", "add_contents", "record_external"]


@dataclass(frozen=True, slots=True)
class External:
    """A file, or several (`files`: name, size in bytes, digest), and where it came from: a path or a URL."""

    origin: str
    digest: str
    size: int
    name: str
    project: str
    framework: str
    files: Sequence[tuple[str, int, str]] = ()
    contents: ContentsRecord | None = None
    design: str | None = None


def add_contents(store: Store, digest: str, found: ContentsRecord) -> None:
    """Keep what is inside the file with this digest, unless that is known."""
    with store._writing() as connection:
        keep_contents(connection, Look(digest, contents=found))


def record_external(store: Store, external: External) -> tuple[str, int, bool]:
    """`(model id, version, whether it is new)` of an external model.

    The same origin and name again are the same model. Other bytes are its next version; those of an earlier
    one are that version, which is at the origin again.
    """
    origin = text(external.origin)
    with store._writing() as connection:
        query = select(models.c.id).where(
            models.c.task_id.is_(None), models.c.key == origin, models.c.name == text(external.name)
        )
        query = query.where(models.c.status == "draft", models.c.project == text(external.project))
        model_id = connection.execute(query.order_by(models.c.created.desc())).scalar()
        if model_id is None:
            model_id = _new_model(connection, external)
        known = select(snapshots.c.version).where(
            snapshots.c.model_id == model_id, snapshots.c.digest == external.digest
        )
        version = connection.execute(known.order_by(snapshots.c.version.desc())).scalar()
        if version is not None:
            _put_back(connection, model_id, version)
            return model_id, version, False
        version = _new_version(connection, model_id, external)
        keep_contents(connection, Look(external.digest, contents=external.contents))
        return model_id, version, True


def _new_model(connection: Connection, external: External) -> str:
    model_id = new_id()
    connection.execute(
        insert(models).values(
            **new_model(model_id, external.framework, time.time()),
            project=text(external.project),
            name=text(external.name),
            task_id=None,
            key=text(external.origin),
            model_type="",
            design=None if external.design is None else text(external.design),
            origin=text(external.origin),
        )
    )
    return model_id


def _overwrite(connection: Connection, model_id: str) -> None:
    """What was at the origin before is there no more."""
    earlier = (snapshots.c.model_id == model_id) & (snapshots.c.state == "at_path")
    connection.execute(update(snapshots).where(earlier).values(state="overwritten"))


def _put_back(connection: Connection, model_id: str, version: int) -> None:
    """A version is at the origin, whatever has been there since."""
    _overwrite(connection, model_id)
    own = (snapshots.c.model_id == model_id) & (snapshots.c.version == version)
    connection.execute(update(snapshots).where(own).values(state="at_path"))


def _new_version(connection: Connection, model_id: str, external: External) -> int:
    newest = select(func.max(snapshots.c.version)).where(snapshots.c.model_id == model_id)
    version = int(connection.execute(newest).scalar() or 0) + 1
    _overwrite(connection, model_id)
    now = time.time()
    inserted = connection.execute(
        insert(snapshots).values(
            model_id=model_id,
            version=version,
            event_id=new_id(),
            digest=external.digest,
            size=external.size,
            uri=text(external.origin),
            state="at_path",
            reason="",
            function="autolog import",
            metrics={},
            created=now,
        )
    )
    for name, size, digest in external.files:
        connection.execute(
            insert(parts).values(
                snapshot_id=new_key(inserted), name=text(name), size=size, digest=digest, weights=True
            )
        )
    connection.execute(update(models).where(models.c.id == model_id).values(updated=now))
    return version
