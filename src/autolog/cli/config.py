"""`autolog config [KEY]`: the settings in force, and where each one came from."""

from __future__ import annotations

import click

from autolog.config import suggestion
from autolog.shown import plain as _json

from ._options import Options, output
from ._out import emit, emit_json, safe
from ._session import load_settings
from ._settings import Setting, listed, worded
from ._tables import Column, show_table

__all__ = ["config"]


@click.command()
@click.argument("key", required=False)
@output
@click.pass_obj
def config(options: Options, /, key: str | None) -> None:
    """Show every setting and where it came from, or the value of KEY alone.

    That is an argument, a variable of the environment, a file (autolog.toml or pyproject.toml, found upward
    from here, or config.toml in the user's own folder) or the default. Passwords and other secrets are shown
    as ***. KEY may be a whole table: `autolog config cache`.
    """
    settings = listed(load_settings(options))
    chosen = settings if key is None else _chosen(settings, key)
    if options.json:
        shown = {name: {"value": each.value, "source": each.source} for name, each in chosen.items()}
        emit_json({"schema": _json.SCHEMA, "settings": shown})
    elif key in chosen:
        emit(safe(worded(chosen[key].value)))
    elif key is not None:
        emit(safe(worded({name.partition(".")[2]: each.value for name, each in chosen.items()})))
    else:
        columns = (Column("NAME"), Column("VALUE", whole=False), Column("FROM", whole=False))
        show_table(columns, [[name, worded(each.value), each.source] for name, each in settings.items()])


def _chosen(settings: dict[str, Setting], key: str) -> dict[str, Setting]:
    """The setting of this key, or those of a table of this name. Raises click.UsageError."""
    if key in settings:
        return {key: settings[key]}
    found = {name: each for name, each in settings.items() if name.startswith(f"{key}.")}
    if not found:
        raise click.UsageError(f"there is no setting {key!r}{suggestion(key, settings)}")
    return found
