"""`autolog archive MODEL...`: out of sight, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ._many import change_each, models_argument
from ._options import Options, output

if TYPE_CHECKING:
    from autolog.store import Store

__all__ = ["archive"]


@click.command()
@models_argument
@click.option("--undo", is_flag=True, help="Take them out of the archive.")
@output
@click.pass_obj
def archive(options: Options, /, names: tuple[str, ...], undo: bool) -> None:
    """Put models into the archive; nothing is removed, and `models --where 'archived = true'` lists them."""
    from autolog.store import edit

    def change(store: Store, model_id: str, version: int | None) -> None:
        edit(store, model_id, lambda record: {"archived": not undo})

    change_each(options, names, change)
