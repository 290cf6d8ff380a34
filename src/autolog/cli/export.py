"""`autolog export MODEL[:vN]... BUNDLE`: one file that another store can take."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from autolog.shown import plain as _json
from autolog.shown import words as _format

from . import EXITS
from ._names import find_version
from ._options import Options, output
from ._out import emit_json, progress, say
from ._session import opened_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autolog.store import Store

__all__ = ["export"]


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="MODEL[:vN]...")
@click.argument("bundle", metavar="BUNDLE")
@click.option("--with-inputs", is_flag=True, help="Also the bytes of the models that they come from.")
@output
@click.pass_obj
@click.pass_context
def export(
    context: click.Context, options: Options, /, names: tuple[str, ...], bundle: str, with_inputs: bool
) -> None:
    """Write models or versions into the file BUNDLE, which `autolog import` takes into another store.

    In it are their records, their bytes, and the records of all that they come from: the tasks that made
    them, what those had loaded, and so on. Exits with 3 if the bytes of a version could not be had.
    """
    from autolog import keeping

    with opened_kept(options) as (store, kept, settings):
        ids = _ids(store, names)
        with progress("exporting") as told:
            done = keeping.export(store, kept, settings, ids, bundle, with_inputs=with_inputs, told=told)
    if options.json:
        emit_json(
            {
                "schema": _json.SCHEMA,
                "path": os.path.abspath(bundle),
                "size": done.size,
                "file_count": done.files,
                "records": {"tasks": done.tasks, "models": done.models, "snapshots": done.snapshots},
                "missing": [{**_json.version(each), "problem": why} for each, why in done.missing],
            }
        )
    else:
        say(
            f"{os.path.abspath(bundle)}: {_format.size(done.size)}, {done.snapshots} versions of"
            f" {done.models} models and {done.tasks} tasks, {done.files} files"
        )
        for each, why in done.missing:
            say(f"without the bytes of {each.name}:v{each.version}: {why}")
    context.exit(EXITS["partly"] if done.missing else EXITS["fine"])


def _ids(store: Store, names: Sequence[str]) -> set[int]:
    found: set[int] = set()
    for name in names:
        model_id, version = find_version(store, name)
        found.update(each.id for each in store.model(model_id).snapshots if version in (None, each.version))
    return found
