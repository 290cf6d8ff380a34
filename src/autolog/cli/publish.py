"""`autolog publish MODEL...`: weights, design and labels don't change any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ._many import change_each, models_argument
from ._options import Options, confirm, output

if TYPE_CHECKING:
    from autolog.store import Store

__all__ = ["publish"]


@click.command()
@models_argument
@click.option("--yes", is_flag=True, help="Don't ask.")
@output
@click.pass_obj
def publish(options: Options, /, names: tuple[str, ...], yes: bool) -> None:
    """Publish models, and the tasks that made them: their weights, designs and labels don't change any more.

    That can't be undone. Tags, metadata and aliases can still be changed. No version of a published model is
    given up by `autolog gc`.
    """
    from autolog import store as records

    if not yes:
        whose = f"{len(names)} model{'s' if len(names) != 1 else ''}"
        confirm(f"publish {whose}? This can't be undone.", instead="--yes")

    def change(store: Store, model_id: str, version: int | None) -> None:
        records.publish(store, model_id)

    change_each(options, names, change)
