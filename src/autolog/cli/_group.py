"""The group of all commands, and how their errors become one line and an exit status."""

from __future__ import annotations

import sys

import click

from autolog import __version__
from autolog.config import ConfigurationProblem
from autolog.errors import (
    Ambiguous,
    AutologError,
    IntegrityError,
    NotFound,
    StoreLocked,
    StoreMissing,
    WeightsUnavailable,
    WhereError,
)

from . import EXITS
from ._options import Options, places
from ._out import say
from .alias import alias
from .archive import archive
from .completion import completion
from .config import config
from .diff import diff
from .doctor import doctor
from .export import export
from .gc import gc
from .import_ import import_
from .models import models
from .publish import publish
from .restore import restore
from .rm import rm
from .run import run
from .show import show
from .store import store
from .sync import sync
from .tag import tag
from .tasks import tasks
from .ui import ui
from .verify import verify

__all__ = ["call", "group"]

_ALIASES = {"ls": "models"}
#: The first that fits counts.
_STATUS: tuple[tuple[type[Exception], str], ...] = (
    (NotFound, "not found"),
    (WeightsUnavailable, "not found"),
    (IntegrityError, "integrity"),
    (Ambiguous, "ambiguous"),
    (StoreMissing, "no store"),
    (StoreLocked, "locked"),
    (ConfigurationProblem, "usage"),
    (WhereError, "usage"),
    (AutologError, "failure"),
)


class _Commands(click.Group):
    """The group, with short names that its help doesn't list twice."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, _ALIASES.get(cmd_name, cmd_name))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autolog", message="%(prog)s %(version)s")
@places
@click.pass_context
def group(context: click.Context) -> None:
    """Every weights file that your scripts saved or loaded, with its versions and its lineage.

    A model or task is named by the beginning of its id, its name, or, for a model, the stem of its
    file; NAME:v3 is its third version. `autolog COMMAND --help` tells more.
    """
    context.ensure_object(Options)


for _command in (
    run,
    models,
    tasks,
    show,
    restore,
    diff,
    verify,
    gc,
    rm,
    tag,
    alias,
    publish,
    archive,
    export,
    import_,
    sync,
    store,
    config,
    doctor,
    ui,
    completion,
):
    group.add_command(_command)


def call(arguments: list[str] | None = None) -> int:
    """Run one command line (`sys.argv` by default); returns its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is shown escaped; it must not end the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = group.main(arguments, prog_name="autolog", standalone_mode=False)
    except click.Abort:
        return EXITS["interrupted"]
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (AutologError, ConfigurationProblem) as error:
        say(str(error))
        return next(EXITS[name] for kind, name in _STATUS if isinstance(error, kind))
    return status if isinstance(status, int) else EXITS["fine"]
