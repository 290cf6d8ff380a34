"""Recording saves: which model a file is a version of, and what becomes of its earlier versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    and_,
    func,
    insert,
    not_,
    or_,
    select,
    true,
    update,
)

from autolog.events import Saved

from .describing import describe
from .known import Look, keep_contents, keep_parts, new_id, new_key, new_model, remember, text
from .measuring import forget_metrics, named, note_metrics, note_metrics_since
from .racing import lock
from .schema import aliases, described, figures, inputs, metrics, models, snapshots, tagged, tasks

__all__ = ["places", "record_moves", "record_save"]

#: How long after a save its version's number may still change.
_SETTLING_SECONDS = 60.0
#: What people have said of a model is theirs: it stays, even without a version.
_SAID_OF = (tagged, described, aliases, metrics, figures)


def places(event: Saved, look: Look) -> list[str]:
    """The names of what only one save at a time may change, of whichever task: a path, a file."""
    facts = event.facts
    names = [] if facts is None else [f"file:{facts.device}:{facts.inode}"]
    return [*names, f"path:{text(look.path or event.path)}"]


def record_save(connection: Connection, task_id: str, event: Saved, look: Look) -> None:
    """A weights file was saved: a further version of the task's model with this key."""
    uri = text(look.path or event.path) or None
    facts = event.facts
    state = _state(event, look)
    model_id = _model_for(connection, task_id, event, look)
    row = {
        "model_id": model_id,
        "version": _next_version(connection, model_id),
        "event_id": event.id,
        "digest": look.digest,
        "size": event.size,
        "uri": uri,
        "state": state,
        "reason": look.lost or event.lost or "",
        "iteration": event.iteration if event.iteration is not None else look.iteration,
        "function": event.function,
        "rank": event.rank,
        "device": None if facts is None else str(facts.device),
        "inode": None if facts is None else str(facts.inode),
        "metrics": named(event.metrics),
        "created": event.time,
        "keeping": look.keeping,
        "keeping_reason": text(look.keeping_reason),
    }
    # Before the snapshot: its model is told the parameters along with it.
    keep_contents(connection, look)
    inserted = connection.execute(insert(snapshots).values(row))
    if state == "at_path":
        new: dict[str, Any] = {**row, "id": new_key(inserted), "task_id": task_id}
        _supersede(connection, new)
        # Others may have saved there since, and been recorded first. One that came from elsewhere may have
        # been put there after them.
        if uri == text(event.path) and _is_superseded(connection, new):
            _set(connection, new["id"], state="overwritten")
    keep_parts(connection, new_key(inserted), look)
    note_metrics(connection, [row])
    if facts is not None and look.digest is not None and not look.parts:
        remember(connection, facts, look.digest)


def record_moves(connection: Connection, moves: Sequence[tuple[str, Look, bool]]) -> None:
    """The files of these snapshots (by event) are elsewhere now; those that are gone were there last.

    A file that took all its versions along gives its model its name; one that replaced another
    of the task's files becomes that model's next version: within a task one final path is one
    model. Files may have changed places, so all of them are put where they are before anyone asks
    what was replaced.
    """
    _lock_moves(connection, moves)
    moved: list[tuple[RowMapping, Look]] = []
    for event_id, look, is_gone in moves:
        row = _of_event(connection, event_id)
        if row is None or row["state"] not in ("at_path", "gone"):
            continue  # overwritten or lost: the file's later life is not this snapshot's
        if is_gone:
            _set(connection, row["id"], state="gone")
        uri = text(look.path)
        if uri and uri != row["uri"]:
            _set(connection, row["id"], uri=uri)
            moved.append((row, look))
    for row, look in moved:
        there = {**row, "uri": text(look.path)}
        if row["state"] == "at_path":
            _supersede(connection, there)
        if _is_superseded(connection, there):
            _set(connection, row["id"], state="overwritten")
        if look.key != row["key"] and row["task_id"] is not None:
            _rehome(connection, row, look)


def _lock_moves(connection: Connection, moves: Sequence[tuple[str, Look, bool]]) -> None:
    events = [event_id for event_id, _, _ in moves]
    found = connection.execute(
        select(models.c.task_id, models.c.id).join(snapshots).where(snapshots.c.event_id.in_(events))
    ).all()
    # The models, too: nobody gives a name to a version that is just leaving one.
    names = [name for each in found for name in (f"task:{each.task_id}", f"model:{each.id}")]
    lock(connection, [*names, *(f"path:{text(look.path)}" for _, look, _ in moves if look.path)])


def _of_event(connection: Connection, event_id: str) -> RowMapping | None:
    return (
        connection.execute(
            select(snapshots, models.c.task_id, models.c.key, models.c.name, models.c.project)
            .join(models)
            .where(snapshots.c.event_id == event_id)
        )
        .mappings()
        .first()
    )


def _is_superseded(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Whether a later save has been recorded at this path already."""
    later = select(snapshots.c.id).where(snapshots.c.uri == row["uri"], snapshots.c.created > row["created"])
    if connection.execute(later.limit(1)).first() is None:
        return False  # as nearly always; the rest of the question takes its time
    query = later.where(
        _is_seen_there(row),
        snapshots.c.id != row["id"],
        snapshots.c.state.in_(("at_path", "overwritten")),
        _is_no_twin(row),
    )
    return connection.execute(query.limit(1)).first() is not None


def _rehome(connection: Connection, row: RowMapping, look: Look) -> None:
    """Put a moved snapshot where its new path belongs."""
    task_id, model_id = row["task_id"], row["model_id"]
    there = _find_model(connection, task_id, look.key)
    siblings = connection.execute(
        select(snapshots.c.id, snapshots.c.inode, snapshots.c.device).where(snapshots.c.model_id == model_id)
    ).all()
    moved_along = all((s.device, s.inode) == (row["device"], row["inode"]) for s in siblings)
    if there is None and moved_along:
        _rename(connection, model_id, task_id, look)
        return
    if there is None:
        old = _one(connection, select(models).where(models.c.id == model_id))
        there = new_id()
        name = _model_name(connection, task_id, look.stem)
        named = {"key": look.key, "name": name, "role": text(look.stem), "said": []}
        values = {**old, **named, "id": there, "created": row["created"]}
        connection.execute(insert(models).values(values))
        describe(connection, there, old["tags"], old["metadata"])
    version = _version_among(connection, there, row["created"])
    forget_metrics(connection, [row["id"]])
    _set(connection, row["id"], model_id=there, version=version)
    note_metrics_since(connection, there, version)
    connection.execute(update(models).where(models.c.id == there).values(updated=row["created"]))
    connection.execute(update(inputs).where(inputs.c.snapshot_id == row["id"]).values(model_id=there))
    _take_aliases_along(connection, row["id"], there)
    if not any(_has(connection, table, model_id) for table in (snapshots, inputs, *_SAID_OF)):
        connection.execute(models.delete().where(models.c.id == model_id))


def _take_aliases_along(connection: Connection, snapshot_id: int, model_id: str) -> None:
    """The names of a version are names in the model that it is put into; one that is taken there stays."""
    taken = select(aliases.c.name).where(aliases.c.model_id == model_id)
    own = aliases.c.snapshot_id == snapshot_id
    names = set(connection.execute(taken).scalars())
    connection.execute(aliases.delete().where(own, aliases.c.name.in_(names)))
    connection.execute(update(aliases).where(own).values(model_id=model_id))


def _has(connection: Connection, table: Table, model_id: str) -> bool:
    query = select(table.c.model_id).where(table.c.model_id == model_id).limit(1)
    return connection.execute(query).first() is not None


def _rename(connection: Connection, model_id: str, task_id: str, look: Look) -> None:
    """The file that a model's versions were written into, one over the other, has another path now."""
    values = {"key": text(look.key), "role": text(look.stem)}
    if "name" not in _said(connection, model_id):
        values["name"] = _model_name(connection, task_id, look.stem)
    connection.execute(update(models).where(models.c.id == model_id).values(values))
    connection.execute(update(snapshots).where(snapshots.c.model_id == model_id).values(uri=text(look.path)))


def _same_file(connection: Connection, task_id: str, event: Saved, look: Look) -> str | None:
    """The model whose one file was written into again, and renamed before we could read it."""
    if event.facts is None or look.is_gone or look.path is None:
        return None
    file = (str(event.facts.device), str(event.facts.inode))
    found: str | None = connection.execute(
        select(models.c.id)
        .join(snapshots)
        .where(models.c.task_id == task_id, models.c.status == "draft", snapshots.c.state == "at_path")
        .where(snapshots.c.device == file[0], snapshots.c.inode == file[1])
    ).scalar()
    if found is None:
        return None
    files = connection.execute(
        select(snapshots.c.device, snapshots.c.inode).where(snapshots.c.model_id == found).distinct()
    ).all()
    if [tuple(each) for each in files] != [file]:
        return None
    _rename(connection, found, task_id, look)
    return found


def _model_for(connection: Connection, task_id: str, event: Saved, look: Look) -> str:
    # What the hook saw of the living object says more than the file does.
    design = event.design if event.design is not None else look.design
    labels = dict(event.labels or look.labels)
    found = _draft(connection, event.model) or _find_model(connection, task_id, look.key)
    found = found or (None if event.model else _same_file(connection, task_id, event, look))
    if found is not None:
        changes: dict[str, Any] = {"updated": event.time}
        said = _said(connection, found)
        if design is not None and "design" not in said:
            changes["design"] = text(design)
        if labels and "labels" not in said:
            changes["labels"] = labels
        if event.model and event.framework and "framework" not in said:
            changes["framework"] = event.framework
        connection.execute(update(models).where(models.c.id == found).values(changes))
        return found
    model_id = new_id()
    query = select(tasks.c.project, tasks.c.labels, tasks.c.design).where(tasks.c.id == task_id)
    task = _one(connection, query)
    design = task["design"] if design is None else design
    connection.execute(
        insert(models).values(
            **{**new_model(model_id, event.framework, event.time), "labels": labels or task["labels"]},
            project=task["project"],
            name=_model_name(connection, task_id, look.stem),
            task_id=task_id,
            key=text(look.key),
            role=text(look.stem),
            model_type=text(event.model_type),
            design=None if design is None else text(design),
            origin=None,
        )
    )
    return model_id


def _draft(connection: Connection, model_id: str) -> str | None:
    """The model that somebody has named, if it may still be changed."""
    if not model_id:
        return None
    own = (models.c.id == model_id, models.c.status == "draft")
    found: str | None = connection.execute(select(models.c.id).where(*own)).scalar()
    return found


def _said(connection: Connection, model_id: str) -> list[str]:
    """What people have set of a model: it is not for us to change."""
    found: list[str] = connection.execute(select(models.c.said).where(models.c.id == model_id)).scalar_one()
    return found


def _find_model(connection: Connection, task_id: str, key: str) -> str | None:
    """The task's model with this key that is still a draft: a published one is never changed."""
    found: str | None = connection.execute(
        select(models.c.id)
        .where(models.c.task_id == task_id, models.c.key == text(key), models.c.status == "draft")
        .order_by(models.c.created.desc())
    ).scalar()
    return found


def _model_name(connection: Connection, task_id: str, stem: str) -> str:
    name = connection.execute(select(tasks.c.name).where(tasks.c.id == task_id)).scalar_one()
    return f"{name} - {text(stem)}"


def _next_version(connection: Connection, model_id: str) -> int:
    newest = connection.execute(
        select(func.max(snapshots.c.version)).where(snapshots.c.model_id == model_id)
    ).scalar()
    return int(newest or 0) + 1


def _version_among(connection: Connection, model_id: str, created: float) -> int:
    """The number of a snapshot that joins a model late: the next one, but before those saved after it.

    That happens while names are still moving (saved under a temporary name, put in place, and the next
    one recorded first); later than that a version keeps its number, since somebody may have used it.
    """
    slot = connection.execute(
        select(func.min(snapshots.c.version)).where(
            snapshots.c.model_id == model_id, snapshots.c.created > created
        )
    ).scalar()
    if slot is None:
        return _next_version(connection, model_id)
    # All from there on: threads and ranks are recorded in another order than they have saved in, so that
    # one that was saved earlier may have a later number.
    behind = connection.execute(
        select(snapshots.c.id, snapshots.c.version, snapshots.c.created)
        .where(snapshots.c.model_id == model_id, snapshots.c.version >= slot)
        .order_by(snapshots.c.version.desc())
    ).all()
    when = [created, *(each.created for each in behind)]
    if max(when) - min(when) > _SETTLING_SECONDS:
        return _next_version(connection, model_id)
    for each in behind:  # the highest first: no two ever have one number
        _set(connection, each.id, version=each.version + 1)
    return int(slot)


def _supersede(connection: Connection, row: Mapping[str, Any]) -> None:
    """Whatever was at this path or in this very file before has been overwritten."""
    # One that was replaced so soon that the agent found it without a name counts, too.
    superseded = and_(snapshots.c.uri == row["uri"], snapshots.c.state.in_(("at_path", "gone")))
    if row["inode"] is not None:
        same_file = and_(snapshots.c.device == row["device"], snapshots.c.inode == row["inode"])
        superseded = or_(superseded, and_(same_file, snapshots.c.state == "at_path"))
    connection.execute(
        update(snapshots)
        .where(
            snapshots.c.id != row["id"],
            snapshots.c.created <= row["created"],
            superseded,
            _is_seen_there(row),
            _is_no_twin(row),
        )
        .values(state="overwritten")
    )


def _is_no_twin(row: Mapping[str, Any]) -> ColumnElement[bool]:
    """Whether a snapshot is not the same file as another model of its task, which somebody has made by hand.

    Then both are there.
    """
    task = select(models.c.task_id).where(models.c.id == row["model_id"]).scalar_subquery()
    others = select(models.c.id).where(models.c.task_id == task, models.c.id != row["model_id"])
    alike = and_(snapshots.c.digest == row["digest"], snapshots.c.model_id.in_(others))
    return func.coalesce(not_(alike), true())


def _is_seen_there(row: Mapping[str, Any]) -> ColumnElement[bool]:
    """Whether a snapshot's path and file mean the same where another one (`row`) was saved.

    Containers all save to /workspace/model.pt, and each has files of its own. Where another host has the very
    file at that path, the folder is shared; devices are numbered by each host for itself. A URL is the same
    everywhere, and of an import it is not known where it was.
    """
    if "://" in (row["uri"] or ""):
        return true()
    host = select(tasks.c.host).where(tasks.c.id == row["task_id"]).correlate(None).scalar_subquery()
    maker = select(models.c.id).outerjoin(tasks).where(models.c.id == snapshots.c.model_id)
    here = maker.where(func.coalesce(tasks.c.host == host, true())).exists()
    if row["inode"] is None:
        return here
    return or_(here, and_(snapshots.c.uri == row["uri"], snapshots.c.inode == row["inode"]))


def _set(connection: Connection, snapshot_id: int, **values: Any) -> None:
    connection.execute(update(snapshots).where(snapshots.c.id == snapshot_id).values(**values))


def _state(event: Saved, look: Look) -> str:
    if look.lost or event.lost:
        return "lost"
    if event.place == "memory":
        return "in_memory"
    return "gone" if look.is_gone else "at_path"


def _one(connection: Connection, query: Any) -> RowMapping:
    return connection.execute(query).mappings().one()
