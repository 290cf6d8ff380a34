"""`autolog show NAME`: everything about one model or one task."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from autolog.config import conceal
from autolog.errors import NotFound
from autolog.shown import plain as _json
from autolog.shown import words as _format

from . import _lineage
from ._names import find
from ._options import Options, output
from ._out import emit, emit_json, safe, say
from ._session import kept_places, opened_kept
from ._tables import Column, show_facts, show_table, show_title

if TYPE_CHECKING:
    from autolog.store import ChangesRecord, ContentsRecord, ModelRecord, SnapshotRecord, Store, TaskRecord

__all__ = ["show"]

_Places = Mapping[int, Sequence[str]]
#: How many metrics of each version stand in the table of them all.
_FEW = 3


@dataclass(frozen=True, slots=True)
class _Parts:
    """What was asked for beyond the ordinary."""

    lineage: bool = False
    tensors: bool = False
    design: bool = False
    hooks: bool = False
    diff: bool = False


@click.command()
@click.argument("name")
@click.option("--lineage", is_flag=True, help="The tasks and models it comes from, and those it went to.")
@click.option("--tensors", is_flag=True, help="Name, shape and type of every tensor.")
@click.option("--design", is_flag=True, help="The description of the network, alone.")
@click.option("--hooks", is_flag=True, help="Of a task: which hooks applied, and why others did not.")
@click.option("--diff", is_flag=True, help="Of a task: what its repository had beyond the commit, alone.")
@output
@click.pass_obj
def show(options: Options, /, name: str, **parts: bool) -> None:
    """Show the model or task NAME.

    NAME is the beginning of an id, a name, or the stem of a model's file; NAME:v3 is a version. Where a
    model and a task have the same name, write model:NAME or task:NAME.
    """
    from autolog.store import changes_of

    asked = _Parts(**parts)
    with opened_kept(options) as (store, kept, settings):
        kind, record_id, version = find(store, name)
        if kind == "model":
            _refuse(
                asked, ("hooks", "diff"), f"for tasks, and {name!r} is a model; see the task that made it"
            )
            record = store.model(record_id, tensors=asked.tensors)
            places = kept_places(kept, settings, (record,))
            if options.json:
                _show_json(store, record, version, asked, places)
            else:
                _show_model(store, record, version, asked, places)
            return
        _refuse(
            asked, ("lineage", "tensors", "design"), f"for models, and {name!r} is a task; see its outputs"
        )
        task, changes = store.task(record_id), changes_of(store, record_id)
    if options.json:
        emit_json({"schema": _json.SCHEMA, **_json.task(task, changes)})
    elif asked.diff:
        _show_diff(task, changes)
    else:
        _show_task(task, asked)


def _refuse(asked: _Parts, parts: tuple[str, ...], why: str) -> None:
    for part in parts:
        if getattr(asked, part):
            raise click.UsageError(f"--{part} is {why}")


# -- models ---------------------------------------------------------------------------------------


def _show_json(
    store: Store, record: ModelRecord, version: int | None, asked: _Parts, places: _Places
) -> None:
    found = {"schema": _json.SCHEMA, **_json.model(record, tensors=asked.tensors, kept_at=places)}
    if asked.lineage:
        found["lineage"] = _lineage.to_json(*_lineage.walk(store, record.id, version))
    emit_json(found)


def _show_model(
    store: Store, record: ModelRecord, version: int | None, asked: _Parts, places: _Places
) -> None:
    if asked.design:
        if record.design is None:
            raise NotFound(f"{record.name!r} has no design: its framework's hook had nothing to describe")
        emit(_printable(record.design))
        return
    chosen = _chosen(record, version)
    inside = store.contents(chosen.digest) if chosen is not None and chosen.digest is not None else None
    if asked.tensors:
        _show_tensors(record, chosen, inside)
        return
    if asked.lineage:
        up, down = _lineage.walk(store, record.id, version)
        encoding = sys.stdout.encoding or "ascii"
        lines = list(_lineage.draw(up, encoding))
        if down.nodes:
            lines += ["", *_lineage.draw(down, encoding)]
        emit("\n".join(safe(line) for line in lines))
        return
    _show_facts(record)
    show_title("Versions")
    _show_versions(record, version)
    if chosen is not None:
        _show_contents(chosen, inside, places.get(chosen.id, ()))
    _show_uses(store, record)


def _chosen(record: ModelRecord, version: int | None) -> SnapshotRecord | None:
    """The version asked for, else the latest that has been looked into."""
    for each in reversed(record.snapshots):
        if each.version == version or (version is None and each.contents is not None):
            return each
    return None


def _show_facts(record: ModelRecord) -> None:
    labels = ", ".join(f"{name}={number}" for name, number in record.labels.items())
    maker = f"{record.task_name} ({record.task_id[:8]})" if record.task_id else ""
    first = record.design.splitlines()[0][:80] + " ... (--design shows it)" if record.design else ""
    show_facts(
        (
            ("model", record.name),
            ("id", record.id),
            ("project", record.project),
            ("framework", record.framework),
            ("type", record.model_type),
            ("status", record.status + (", archived" if record.archived else "")),
            ("made by task", maker),
            ("imported from", record.origin or ""),
            ("tags", ", ".join(record.tags)),
            ("labels", labels),
            ("metadata", ", ".join(f"{key}={value}" for key, value in record.metadata.items())),
            ("comment", record.comment),
            ("design", first),
            ("created", _format.moment(record.created)),
            ("updated", _format.moment(record.updated)),
        )
    )


def _show_versions(record: ModelRecord, version: int | None) -> None:
    columns = (
        Column("VERSION"),
        Column("ITERATION", right=True),
        Column("METRICS", whole=False, only_filled=True),
        Column("SIZE", right=True),
        Column("DIGEST"),
        Column("STATE"),
        Column("KEPT", whole=False, only_filled=True),
        Column("WHEN"),
        Column("PATH", whole=False),
    )
    rows = [
        [
            f"v{each.version}",
            "" if each.iteration is None else str(each.iteration),
            _in_short(_metrics(each)[:_FEW]),
            _format.size(each.size),
            _format.digest(each.digest),
            f"{each.standing}: {each.reason}" if each.reason else each.standing,
            _kept(each),
            _format.moment(each.created),
            each.uri or "",
        ]
        for each in record.snapshots
        if version is None or each.version == version
    ]
    show_table(columns, rows)


def _metrics(snapshot: SnapshotRecord) -> list[str]:
    """What the framework knew of it, each as `name=number`; what it was to be judged by comes first."""
    found = sorted(snapshot.metrics.items(), key=lambda each: (not _is_of_validation(each[0]), each[0]))
    return [f"{name}={_number(value)}" for name, value in found]


def _number(value: object) -> str:
    if isinstance(value, (int, float)):
        return format(value, ".6g")
    return "nan" if value is None else str(value)  # an imported record may say anything


def _is_of_validation(name: str) -> bool:
    return name.lower().startswith(("val", "eval", "test", "best"))


def _kept(snapshot: SnapshotRecord) -> str:
    """Whether its bytes are kept, and how many that added, or why not."""
    text = _format.keeping(snapshot.keeping)
    if snapshot.keeping == "kept":
        return f"{text}, {_format.size(snapshot.stored or 0)} added"
    return f"{text}: {snapshot.keeping_reason}" if snapshot.keeping_reason else text


def _show_contents(chosen: SnapshotRecord, inside: ContentsRecord | None, places: Sequence[str]) -> None:
    show_title(f"Inside v{chosen.version}")
    known = _metrics(chosen)
    if places or known:
        show_facts([("kept in", ", ".join(places)), ("metrics", ", ".join(known))])
    if inside is None:
        emit("not known: " + (chosen.reason or "the file has not been looked into"))
        return
    show_facts(
        (
            ("digest", chosen.digest or ""),
            ("files", _in_short([each.name for each in chosen.parts])),
            ("format", inside.format),
            ("parameters", "" if inside.parameters is None else f"{inside.parameters:,}"),
            ("tensors", f"{len(inside.tensors):,} (--tensors lists them)" if inside.tensors else ""),
            *((str(key), _in_short(value)) for key, value in inside.details.items()),
        )
    )
    if inside.dangerous:
        say(
            f"careful: loading v{chosen.version} the unsafe way runs {', '.join(inside.dangerous)}; load it"
            " only if you trust who made it"
        )


def _in_short(value: object) -> str:
    if value in (None, "", [], {}):
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else text[:197] + "..."


def _show_tensors(record: ModelRecord, chosen: SnapshotRecord | None, inside: ContentsRecord | None) -> None:
    if inside is None:
        why = chosen.reason if chosen is not None and chosen.reason else "it has not been looked into"
        raise NotFound(f"the tensors of {record.name!r} are not known: {why}")
    columns = (Column("NAME", whole=False), Column("SHAPE"), Column("TYPE"))
    rows = [[name, "x".join(map(str, shape)) or "scalar", kind] for name, shape, kind in inside.tensors]
    show_table(columns, rows)


def _show_uses(store: Store, record: ModelRecord) -> None:
    uses = store.uses(record.id)
    if not uses:
        return
    show_title("Loaded by")
    names = {each.task_id: store.task(each.task_id) for each in uses}
    columns = (
        Column("TASK"),
        Column("NAME", whole=False),
        Column("VERSION"),
        Column("TIMES", right=True),
        Column("FIRST"),
        Column("PATH", whole=False),
    )
    rows = [
        [
            each.task_id[:8],
            names[each.task_id].name + (" (itself)" if each.own else ""),
            "" if each.version is None else f"v{each.version}",
            str(each.count),
            _format.moment(each.first_loaded),
            each.path or "",
        ]
        for each in uses
    ]
    show_table(columns, rows)


# -- tasks ----------------------------------------------------------------------------------------


def _show_task(record: TaskRecord, asked: _Parts) -> None:
    show_facts(
        (
            ("task", record.name),
            ("id", record.id),
            ("project", record.project),
            ("status", record.status + (f": {record.reason}" if record.reason else "")),
            ("started", _format.moment(record.started)),
            ("finished", _format.moment(record.finished)),
            ("duration", _format.duration(_format.lasted(record))),
            ("user", f"{record.user}@{record.host}"),
            ("script", record.script),
            ("arguments", " ".join(conceal(list(record.argv[1:])))),
            ("folder", record.cwd),
            ("tags", ", ".join(record.tags)),
            ("git", _git(record)),
            ("versions", ", ".join(f"{name} {version}" for name, version in record.versions.items())),
            ("job", ", ".join(f"{name} {value}" for name, value in record.job.items())),
            ("hooks", "" if asked.hooks else _hooks_in_short(record)),
        )
    )
    if asked.hooks:
        show_title("Hooks")
        show_table((Column("FUNCTION"), Column("RESULT", whole=False)), sorted(record.hooks.items()))
    if record.inputs:
        show_title("Input models")
        _show_inputs(record)
    if record.outputs:
        show_title("Output models")
        show_table(
            (Column("ID"), Column("NAME", whole=False), Column("FRAMEWORK"), Column("VERSIONS", right=True)),
            [[each.model_id[:8], each.name, each.framework, str(each.versions)] for each in record.outputs],
        )
    if record.skipped:
        show_title("Not captured")
        show_table(
            (Column("RULE"), Column("TIMES", right=True), Column("PATH", whole=False)),
            [[each.rule, str(each.count), each.path] for each in record.skipped],
        )
    if record.not_kept:
        show_title("Not kept")
        show_table(
            (Column("VERSIONS", right=True), Column("KEPT"), Column("BECAUSE", whole=False)),
            [[str(each.count), _format.keeping(each.keeping), each.reason] for each in record.not_kept],
        )
    if record.faults:
        show_title("Faults of autolog")
        show_table(
            (Column("WHEN"), Column("COULD NOT"), Column("BECAUSE", whole=False)),
            [[_format.moment(each.time), each.where, each.error] for each in record.faults],
        )


def _show_inputs(record: TaskRecord) -> None:
    columns = (
        Column("ID"),
        Column("NAME", whole=False),
        Column("VERSION"),
        Column("DIGEST"),
        Column("TIMES", right=True),
        Column("PATH", whole=False),
        Column("ALSO MADE BY", whole=False),
    )
    rows = [
        [
            each.model_id[:8],
            each.model_name + (" (its own)" if each.own else ""),
            "" if each.version is None else f"v{each.version}",
            _format.digest(each.digest),
            str(each.count),
            each.path or each.origin or "",
            ", ".join(_short(other) for other in each.also_made_by),
        ]
        for each in record.inputs
    ]
    show_table(columns, rows)


def _short(snapshot: str) -> str:
    model_id, _, version = snapshot.partition(":")
    return f"{model_id[:8]}:{version}"


def _git(record: TaskRecord) -> str:
    git = record.git
    if not git.get("commit"):
        return ""
    where = f" on {git['branch']}" if git.get("branch") else ""
    return f"{str(git['commit'])[:12]}{where}{', with uncommitted changes' if git.get('dirty') else ''}"


def _show_diff(record: TaskRecord, changes: ChangesRecord | None) -> None:
    if changes is None or not changes.diff:
        raise NotFound(f"no changes of its repository are recorded for {record.name!r}")
    if changes.cut_bytes:
        say(f"{changes.cut_lines} lines ({_format.size(changes.cut_bytes)}) or more are left out")
    text = changes.diff.removesuffix("\n")
    # `git apply` reads it as it is; a terminal must not do what it says.
    emit(_printable(text.expandtabs()) if sys.stdout.isatty() else text)


def _hooks_in_short(record: TaskRecord) -> str:
    applied = sum(result == "applied" for result in record.hooks.values())
    return f"{applied} of {len(record.hooks)} applied (--hooks tells why)" if record.hooks else ""


def _printable(text: str) -> str:
    return "\n".join(safe(line) for line in text.split("\n"))
