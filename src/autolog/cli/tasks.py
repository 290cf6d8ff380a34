"""`autolog tasks`: the table of tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from autolog.shown import plain as _json
from autolog.shown import words as _format

from ._options import Options, limit_option, output
from ._out import emit_json, is_terminal
from ._session import opened, shown
from ._sort import sort
from ._tables import Column, show_table

if TYPE_CHECKING:
    from autolog.store import TaskRecord

__all__ = ["tasks"]

_COLUMNS = (
    Column("ID"),
    Column("NAME", whole=False),
    Column("PROJECT", whole=False),
    Column("STATUS"),
    Column("STARTED"),
    Column("DURATION", right=True),
    Column("USER"),
    Column("IN", right=True),
    Column("OUT", right=True),
)


_KEYS: Mapping[str, Callable[[TaskRecord], Any]] = {
    "id": lambda record: record.id,
    "name": lambda record: record.name.lower(),
    "project": lambda record: record.project.lower(),
    "status": lambda record: record.status,
    "started": lambda record: record.started,
    "duration": _format.lasted,
    "user": lambda record: record.user,
    "in": lambda record: record.input_count,
    "out": lambda record: record.output_count,
}


@click.command()
@click.option("--project", metavar="GLOB", help="Only of these projects.")
@click.option("--status", metavar="STATUS",
              help="Only running, completed, failed, stopped, killed or 'lost contact' ones.")  # fmt: skip
@click.option("--sort", "order", default="-started", show_default=True, metavar="KEY[,KEY]",
              help=f"Order by {', '.join(_KEYS)}; descending with a minus.")  # fmt: skip
@limit_option
@output
@click.pass_obj
def tasks(
    options: Options, /, project: str | None, status: str | None, order: str, limit: int | None
) -> None:
    """List the tasks: the runs of your scripts."""
    with opened(options) as store:
        found = sort(store.tasks(project=project, status=status), order, _KEYS)
        is_table = is_terminal() and not options.json
        found = found[: shown(len(found), limit, is_table=is_table)]
        if options.json:
            emit_json([_json.task(store.task(each.id)) for each in found])
            return
    show_table(_COLUMNS, [_row(each) for each in found])


def _row(record: TaskRecord) -> list[str]:
    return [
        record.id[:8],
        record.name,
        record.project,
        record.status,
        _format.age(record.started),
        _format.duration(_format.lasted(record)),
        record.user,
        str(record.input_count),
        str(record.output_count),
    ]
