"""`autolog alias MODEL[:vN] NAME`: have a name stand for a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autolog.errors import NotFound

from ._many import change_each
from ._options import Options, output

if TYPE_CHECKING:
    from autolog.store import Store

__all__ = ["alias"]


@click.command()
@click.argument("model", metavar="MODEL[:vN]")
@click.argument("name", metavar="NAME")
@click.option("--remove", is_flag=True, help="Take the alias away.")
@output
@click.pass_obj
def alias(options: Options, /, model: str, name: str, remove: bool) -> None:
    """Have NAME stand for a version of a model, the newest if none is named; then MODEL@NAME is that one.

    It stands for no other version of the model any more, and that one is never given up by `autolog gc`.
    """
    from autolog import store as records

    def change(store: Store, model_id: str, version: int | None) -> None:
        if remove:
            records.unalias(store, model_id, name)
            return
        snapshots = store.model(model_id).snapshots
        if not snapshots:
            raise NotFound(f"{model} has no version yet")
        records.alias(store, model_id, name, snapshots[-1].version if version is None else version)

    change_each(options, [model], change)
