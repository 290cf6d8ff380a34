"""`autolog models` (or `ls`): the table of models."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from autolog.shown import plain as _json
from autolog.shown import words as _format

from ._options import Options, limit_option, output
from ._out import emit_json, is_terminal
from ._session import kept_places, opened_kept, shown
from ._sort import sort
from ._tables import Column, show_table

if TYPE_CHECKING:
    from autolog.store import ModelRecord, SnapshotRecord

__all__ = ["models"]

_COLUMNS = (
    Column("ID"),
    Column("NAME", whole=False),
    Column("PROJECT", whole=False),
    Column("FRAMEWORK"),
    Column("VERSIONS", right=True),
    Column("DIGEST"),
    Column("SIZE", right=True),
    Column("PARAMETERS", right=True),
    Column("ITERATION", right=True),
    Column("STATE"),
    Column("KEPT", only_filled=True),
    Column("TASK", whole=False),
    Column("UPDATED"),
)


def _latest(record: ModelRecord) -> SnapshotRecord | None:
    return record.snapshots[-1] if record.snapshots else None


def _of_latest(name: str) -> Callable[[ModelRecord], Any]:
    return lambda record: getattr(_latest(record), name, None)


def _parameters(record: ModelRecord) -> int | None:
    latest = _latest(record)
    return None if latest is None or latest.contents is None else latest.contents.parameters


_KEYS: Mapping[str, Callable[[ModelRecord], Any]] = {
    "id": lambda record: record.id,
    "name": lambda record: record.name.lower(),
    "project": lambda record: record.project.lower(),
    "framework": lambda record: record.framework.lower(),
    "versions": lambda record: record.versions,
    "size": _of_latest("size"),
    "parameters": _parameters,
    "iteration": _of_latest("iteration"),
    "state": _of_latest("standing"),
    "task": lambda record: record.task_name,
    "created": lambda record: record.created,
    "updated": lambda record: record.updated,
}


@click.command()
@click.option("--project", metavar="GLOB", help="Only of these projects.")
@click.option("--framework", metavar="GLOB", help="Only of these frameworks.")
@click.option("--name", metavar="GLOB", help="Only with such a name; upper and lower case are the same.")
@click.option("--tag", "tags", multiple=True, metavar="TAG",
              help="Only with this tag, or one of several; -TAG: without it.")  # fmt: skip
@click.option("--where", metavar="CONDITION", help="Only where this holds: 'size > 1MB and versions > 1'.")
@click.option("--sort", "order", default="-updated", show_default=True, metavar="KEY[,KEY]",
              help=f"Order by {', '.join(_KEYS)}; descending with a minus.")  # fmt: skip
@limit_option
@output
@click.pass_obj
def models(
    options: Options,
    /,
    order: str,
    limit: int | None,
    project: str | None,
    framework: str | None,
    name: str | None,
    tags: tuple[str, ...],
    where: str | None,
) -> None:
    """List the models, each with its latest version.

    A CONDITION compares fields (id, name, project, framework, type, status, task, comment, origin, published,
    archived, created, updated, versions, iteration, size, parameters, digest, uri, format, state), metadata
    (meta.KEY) and metrics (by name, or metric.NAME) with =, !=, <, <=, >, >=, ~ (a glob), in (...), is none;
    'best' in tags; and, or, not and parentheses put them together. What is in the archive is only listed by a
    condition with `archived` in it.
    """
    from autolog.store import Selection

    with opened_kept(options) as (store, kept, settings):
        wanted = Selection(
            project=project,
            framework=framework,
            name=name,
            tags=tags,
            where=where,
            archived=None if _asks_for_archived(where) else False,
        )
        found = sort(store.models(wanted), order, _KEYS)
        is_table = is_terminal() and not options.json
        found = found[: shown(len(found), limit, is_table=is_table)]
        places = kept_places(kept, settings, found) if options.json else {}
    if options.json:
        emit_json([_json.model(each, kept_at=places) for each in found])
    else:
        show_table(_COLUMNS, [_row(each) for each in found])


def _asks_for_archived(where: str | None) -> bool:
    from autolog.store.where import fields_of, parse

    return where is not None and "archived" in fields_of(parse(where, time.time()))


def _row(record: ModelRecord) -> list[str]:
    latest = _latest(record)
    return [
        record.id[:8],
        record.name,
        record.project,
        record.framework,
        str(record.versions),
        _format.digest(latest.digest) if latest else "",
        _format.size(latest.size) if latest else "",
        _format.count(_parameters(record)),
        str(latest.iteration) if latest and latest.iteration is not None else "",
        latest.standing if latest else "",
        _format.keeping(latest.keeping) if latest else "",
        record.task_name or "",
        _format.age(record.updated),
    ]
