"""What the reading half asks of a store."""

from __future__ import annotations

import fnmatch
import re
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, or_, select

from autolog.errors import Ambiguous, NotFound

from .records import (
    ContentsRecord,
    FaultRecord,
    InputRecord,
    ModelRecord,
    NotKeptRecord,
    OutputRecord,
    SkipRecord,
    SnapshotRecord,
    TaskRecord,
)
from .rows import (
    batches,
    contents_record,
    input_record,
    model_record,
    part_records,
    snapshot_record,
    task_record,
)
from .schema import aliases, contents, faults, inputs, models, parts, skips, snapshots, tasks
from .selecting import Selection, condition_of, order_of

__all__ = ["Queries", "bare_name", "input_query", "snapshot_query"]

#: Archived models, too.
_EVERYTHING = Selection(archived=None)
_HEX = re.compile(r"^[0-9a-f]{4,32}$")
#: No database has numbers of versions beyond nine digits.
_VERSION = re.compile(r"^(.*):v(\d{1,9})$")


class Queries(ABC):
    """The reading methods of a store."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads."""

    # -- tasks ------------------------------------------------------------------------------------

    def tasks(
        self, *, project: str | None = None, status: str | None = None, limit: int | None = None
    ) -> list[TaskRecord]:
        """Tasks, newest first. `project` is a glob."""
        counts_in = _count(inputs, inputs.c.task_id == tasks.c.id)
        counts_out = _count(models, models.c.task_id == tasks.c.id)
        query = select(tasks, counts_in.label("input_count"), counts_out.label("output_count"))
        query = query.order_by(tasks.c.started.desc(), tasks.c.id)
        with self._reading() as connection:
            found = [
                task_record(row, input_count=row["input_count"], output_count=row["output_count"])
                for row in connection.execute(query).mappings()
                if project is None or fnmatch.fnmatchcase(row["project"], project)
            ]
        if status is not None:
            found = [each for each in found if each.status == status]
        return found[:limit]

    def task(self, task_id: str) -> TaskRecord:
        """One task with its inputs, outputs, capture report and faults. Raises NotFound."""
        with self._reading() as connection:
            row = connection.execute(select(tasks).where(tasks.c.id == task_id)).mappings().first()
            if row is None:
                raise NotFound(f"no task has the id {task_id!r}; list them with `autolog tasks`")
            found_in = self._inputs(connection, inputs.c.task_id == task_id)
            found_out = connection.execute(
                select(models.c.id, models.c.name, models.c.framework, models.c.role, models.c.versions)
                .where(models.c.task_id == task_id)
                .order_by(models.c.created)
            ).mappings()
            outputs = tuple(
                OutputRecord(each["id"], each["name"], each["framework"], each["versions"], each["role"])
                for each in found_out
            )
            skipped = connection.execute(
                select(skips).where(skips.c.task_id == task_id).order_by(skips.c.id)
            ).mappings()
            wrong = connection.execute(
                select(faults).where(faults.c.task_id == task_id).order_by(faults.c.id)
            ).mappings()
            left = connection.execute(
                select(snapshots.c.keeping, snapshots.c.keeping_reason, func.count())
                .join(models)
                .where(models.c.task_id == task_id, snapshots.c.keeping.not_in(("", "kept")))
                .group_by(snapshots.c.keeping, snapshots.c.keeping_reason)
                .order_by(func.count().desc(), snapshots.c.keeping_reason)
            )
            return task_record(
                row,
                not_kept=tuple(NotKeptRecord(*each) for each in left),
                inputs=found_in,
                outputs=outputs,
                input_count=len(found_in),
                output_count=len(outputs),
                skipped=tuple(SkipRecord(each["path"], each["rule"], each["count"]) for each in skipped),
                faults=tuple(
                    FaultRecord(each["time"], each["place"], each["error"], each["traceback"])
                    for each in wrong
                ),
            )

    def task_head(self, task_id: str) -> TaskRecord:
        """One task without its models, skips and faults. Raises NotFound."""
        with self._reading() as connection:
            row = connection.execute(select(tasks).where(tasks.c.id == task_id)).mappings().first()
        if row is None:
            raise NotFound(f"no task has the id {task_id!r}; list them with `autolog tasks`")
        return task_record(row)

    def uses(self, model_id: str) -> tuple[InputRecord, ...]:
        """Every task that loaded a snapshot of this model."""
        with self._reading() as connection:
            return self._inputs(connection, inputs.c.model_id == model_id)

    def recent_faults(self, limit: int = 20) -> list[tuple[str, FaultRecord]]:
        """Our own latest faults, newest first, each with its task's id."""
        with self._reading() as connection:
            rows = connection.execute(select(faults).order_by(faults.c.id.desc()).limit(limit)).mappings()
            return [
                (row["task_id"], FaultRecord(row["time"], row["place"], row["error"], row["traceback"]))
                for row in rows
            ]

    @staticmethod
    def _inputs(connection: Connection, condition: Any) -> tuple[InputRecord, ...]:
        rows = connection.execute(input_query().where(condition)).mappings()
        return tuple(input_record(row) for row in rows)

    # -- models -----------------------------------------------------------------------------------

    def models(
        self,
        selection: Selection = _EVERYTHING,
        *,
        order: str = "-updated",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[ModelRecord]:
        """The models that were asked for, with their latest snapshot.

        `limit` of them, behind the first `offset`. `order` names fields of `where`, with commas between,
        descending with a minus; what isn't there comes last, and models alike are ordered by id. Raises
        WhereError.
        """
        query = (
            select(models)
            .where(condition_of(selection))
            .order_by(*order_of(order))
            .limit(limit)
            .offset(offset)
        )
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
            ids = [row["id"] for row in rows]
            latest, named = self._latest(connection, ids), self._aliases(connection, ids)
        return [
            model_record(row, latest.get(row["id"], ()), row["versions"], named.get(row["id"]))
            for row in rows
        ]

    def count_models(self, selection: Selection = _EVERYTHING) -> int:
        """How many models there are of what was asked for. Raises WhereError."""
        with self._reading() as connection:
            query = select(func.count()).select_from(models).where(condition_of(selection))
            return int(connection.execute(query).scalar_one())

    @staticmethod
    def _aliases(connection: Connection, model_ids: list[str]) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for batch in batches(model_ids):
            query = select(aliases.c.model_id, aliases.c.name, snapshots.c.version).order_by(aliases.c.name)
            query = query.join(snapshots, snapshots.c.id == aliases.c.snapshot_id)
            for row in connection.execute(query.where(aliases.c.model_id.in_(batch))):
                found.setdefault(row.model_id, {})[row.name] = row.version
        return found

    @staticmethod
    def _latest(connection: Connection, model_ids: list[str]) -> dict[str, tuple[SnapshotRecord, ...]]:
        found: dict[str, tuple[SnapshotRecord, ...]] = {}
        for batch in batches(model_ids):
            newest = (models.c.id == snapshots.c.model_id) & (models.c.newest == snapshots.c.version)
            query = snapshot_query().join(models, newest).where(models.c.id.in_(batch))
            rows = connection.execute(query).mappings()
            found.update((row["model_id"], (snapshot_record(row),)) for row in rows)
        return found

    def model(self, model_id: str, *, tensors: bool = False) -> ModelRecord:
        """One model with all its snapshots, oldest first. Raises NotFound."""
        with self._reading() as connection:
            record = self._model(connection, model_id)
            found = connection.execute(
                snapshot_query(tensors=tensors)
                .where(snapshots.c.model_id == model_id)
                .order_by(snapshots.c.version)
            ).mappings()
            files = connection.execute(
                select(parts).join(snapshots).where(snapshots.c.model_id == model_id).order_by(parts.c.name)
            ).mappings()
            of = part_records(files)
            versions = tuple(snapshot_record(each, tensors=tensors, parts=of) for each in found)
        return replace(record, snapshots=versions)

    def head(self, model_id: str) -> ModelRecord:
        """One model without its snapshots. Raises NotFound."""
        with self._reading() as connection:
            return self._model(connection, model_id)

    @classmethod
    def _model(cls, connection: Connection, model_id: str) -> ModelRecord:
        """A model without its snapshots. Raises NotFound."""
        query = select(models).where(models.c.id == model_id)
        row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"no model has the id {model_id!r}; list them with `autolog models`")
        return model_record(row, (), row["versions"], cls._aliases(connection, [model_id]).get(model_id))

    def contents(self, digest: str) -> ContentsRecord | None:
        """What is inside the file with this digest, its tensors included; None if nobody has looked."""
        with self._reading() as connection:
            row = connection.execute(select(contents).where(contents.c.digest == digest)).mappings().first()
        return None if row is None else contents_record(row, row["tensors"])

    def counts(self) -> dict[str, int]:
        """How many `tasks`, `models`, `snapshots` and `faults` the store holds."""
        with self._reading() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (tasks, models, snapshots, faults)
            }

    # -- names ------------------------------------------------------------------------------------

    def find_model(self, name: str) -> tuple[str, int | None]:
        """`(model id, version or None)` for an id, a name or a file stem, or a unique id prefix.

        A name that is also the beginning of an id is taken as a name. Of `<one>:vN` and `<one>@alias` the
        version is told, too. Several models of one name: the newest is meant (`Ambiguous` only where id
        prefixes clash).
        Raises NotFound and Ambiguous.
        """
        match = _VERSION.match(name)
        wanted, version = (match[1], int(match[2])) if match else (name, None)
        with self._reading() as connection:
            try:
                model_id = self._find(connection, wanted, "model", models)
            except NotFound:
                before, _, alias = name.rpartition("@")
                if not before:
                    raise
                model_id = self._find(connection, before, "model", models)
                named = self._aliases(connection, [model_id]).get(model_id, {})
                if alias not in named:
                    there = f"it has {', '.join(named)}" if named else "it has none"
                    raise NotFound(f"{before!r} has no alias {alias!r}; {there}") from None
                return model_id, named[alias]
            if version is not None:
                has = connection.execute(
                    select(snapshots.c.id).where(
                        snapshots.c.model_id == model_id, snapshots.c.version == version
                    )
                ).first()
                if has is None:
                    raise NotFound(f"{wanted!r} has no version v{version}; see `autolog show {wanted}`")
        return model_id, version

    def alike(self, name: str, model_id: str, version: int | None) -> list[str]:
        """The ids of all models that go by a name as the one that `find_model` found, the newest first."""
        query = select(models.c.id).where(_is_called(models, bare_name(name, version), "model"))
        with self._reading() as connection:
            called = list(connection.execute(query.order_by(models.c.created.desc())).scalars())
        return called or [model_id]

    def beginning(self, prefix: str) -> list[str]:
        """The ids of all models that begin so, the newest first; none for what no id can begin with."""
        with self._reading() as connection:
            return _beginning(connection, prefix, models, models.c.created)

    def find_task(self, name: str) -> str:
        """The id of the task with this id or name (the newest), or a unique id prefix.

        Raises NotFound and Ambiguous.
        """
        with self._reading() as connection:
            return self._find(connection, name, "task", tasks)

    @staticmethod
    def _find(connection: Connection, name: str, kind: str, table: Any) -> str:
        when = table.c.started if kind == "task" else table.c.created
        begun = _beginning(connection, name, table, when)
        if name in begun:
            return name
        called = (
            connection.execute(
                select(table.c.id)
                .where(_is_called(table, name, kind))
                .order_by((table.c.name == name).desc(), when.desc())
            )
            .scalars()
            .first()
        )
        # A name that looks like the beginning of an id (1000, face) is still what somebody has called it;
        # which ids there are is chance.
        if called is not None:
            return str(called)
        if len(begun) > 1:
            shown = ", ".join(each[:12] for each in begun[:5])
            raise Ambiguous(f"{len(begun)} {kind}s have an id beginning with {name}: {shown}", tuple(begun))
        if not begun:
            raise NotFound(f"no {kind} is called {name!r}; list them with `autolog {kind}s`")
        return begun[0]


def bare_name(name: str, version: int | None) -> str:
    """A model's name without the version that it was found with: `:vN` or `@alias` behind it."""
    if version is None:
        return name
    match = _VERSION.match(name)
    return match[1] if match else name.rpartition("@")[0]


def _beginning(connection: Connection, prefix: str, table: Any, when: Any) -> list[str]:
    if not _HEX.match(prefix):
        return []
    # Between two ids and not LIKE, for which no database takes the index.
    query = select(table.c.id).where(table.c.id >= prefix, table.c.id < f"{prefix}g").order_by(when.desc())
    return list(connection.execute(query).scalars())


def _is_called(table: Any, name: str, kind: str) -> Any:
    """Whether a model or task goes by a name: its own, or of a model the stem of its file."""
    if kind != "model":
        return table.c.name == name
    return or_(table.c.name == name, table.c.name.ilike(f"% - {_escape(name)}", escape="\\"))


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _count(table: Any, condition: Any) -> Any:
    return select(func.count()).select_from(table).where(condition).scalar_subquery()


def input_query() -> Any:
    """What a load's record is made of, oldest first."""
    model = models.c.name.label("model_name"), models.c.origin
    return (
        select(inputs, *model, snapshots.c.version, snapshots.c.digest)
        .join(models, models.c.id == inputs.c.model_id)
        .outerjoin(snapshots, snapshots.c.id == inputs.c.snapshot_id)
        .order_by(inputs.c.id)
    )


def snapshot_query(*, tensors: bool = False) -> Any:
    """What a version's record is made of."""
    # A table of models must not read every tensor's name: that column is left out unless asked for.
    hidden = {"digest"} if tensors else {"digest", "tensors"}
    inside = [column for column in contents.c if column.name not in hidden]
    return select(snapshots, *inside).outerjoin(contents, contents.c.digest == snapshots.c.digest)
