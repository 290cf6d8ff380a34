"""Commands that change several models: they are all found before any is changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from autolog.shown import plain as _json

from ._names import find_version
from ._options import Options
from ._out import emit_json
from ._session import opened
from ._tables import Column, show_table

if TYPE_CHECKING:
    from autolog.store import ModelRecord, Store

__all__ = ["change_each", "models_argument"]

#: `MODEL...`, where `-` stands for what comes in on stdin, one in a line.
models_argument = click.argument("names", nargs=-1, required=True, metavar="MODEL...")


def change_each(
    options: Options, names: Iterable[str], change: Callable[[Store, str, int | None], None]
) -> None:
    """Call `change` with the store, and id and version (if one is named) of each model; show them then.

    Raises NotFound and Ambiguous before anything is changed, and what `change` does.
    """
    wanted = [name for each in names for name in (_stdin() if each == "-" else [each])]
    if not wanted:
        raise click.UsageError("no model is named")
    with opened(options) as store:
        found = list(dict.fromkeys(find_version(store, name, changes=True) for name in wanted))
        for model_id, version in found:
            change(store, model_id, version)
        records = [store.model(model_id) for model_id, _ in found]
    if options.json:
        emit_json([_json.model(each) for each in records])
    else:
        show_table(_COLUMNS, [_row(each) for each in records])


_COLUMNS = (
    Column("ID"),
    Column("NAME", whole=False),
    Column("STATUS"),
    Column("TAGS", whole=False),
    Column("ALIASES", whole=False, only_filled=True),
)


def _row(record: ModelRecord) -> list[str]:
    status = f"{record.status}, archived" if record.archived else record.status
    aliases = ", ".join(f"{name} (v{version})" for name, version in record.aliases.items())
    return [record.id[:8], record.name, status, ", ".join(record.tags), aliases]


def _stdin() -> list[str]:
    return [line.strip() for line in sys.stdin if line.strip()]
