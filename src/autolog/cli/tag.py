"""`autolog tag MODEL... --add TAG --remove TAG`: change the tags of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ._many import change_each, models_argument
from ._options import Options, output

if TYPE_CHECKING:
    from autolog.store import ModelRecord, Store

__all__ = ["tag"]


@click.command()
@models_argument
@click.option("--add", "-a", "added", multiple=True, metavar="TAG", help="Add this tag; may be given again.")
@click.option("--remove", "-r", "removed", multiple=True, metavar="TAG", help="Take this tag away.")
@output
@click.pass_obj
def tag(
    options: Options, /, names: tuple[str, ...], added: tuple[str, ...], removed: tuple[str, ...]
) -> None:
    """Add tags to models, and take tags away; MODEL may be - for names on stdin.

    The newest version of a model with a tag is never given up by `autolog gc`.
    """
    from autolog.store import check_tag, edit

    if not added and not removed:
        raise click.UsageError("say which: --add TAG or --remove TAG")
    for each in added:
        check_tag(each)

    def change(record: ModelRecord) -> dict[str, Any]:
        kept = [each for each in record.tags if each not in removed]
        return {"tags": tuple(dict.fromkeys((*kept, *added)))}

    def change_one(store: Store, model_id: str, version: int | None) -> None:
        edit(store, model_id, change)

    change_each(options, names, change_one)
