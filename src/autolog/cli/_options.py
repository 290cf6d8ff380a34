"""The options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

__all__ = ["Options", "confirm", "json_option", "limit_option", "output", "places"]

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(slots=True)
class Options:
    """Where to look, and whether to answer in JSON; given before or after the command's name."""

    home: str | None = None
    store: str | None = None
    json: bool = False


def _note(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        setattr(context.ensure_object(Options), str(parameter.name), value)


def places(command: _F) -> _F:
    """Add `--home` and `--store`."""
    for name, value, text in (
        ("--store", "URL", "The store: an SQLAlchemy URL or the path of an SQLite file."),
        ("--home", "FOLDER", "The folder of everything local."),
    ):
        command = click.option(name, metavar=value, help=text, callback=_note, expose_value=False)(command)
    return command


def output(command: _F) -> _F:
    """Add `--json`, `--home` and `--store`."""
    return json_option(places(command))


def json_option(command: _F) -> _F:
    """Add `--json`."""
    return click.option(
        "--json", is_flag=True, callback=_note, expose_value=False, help="Answer in JSON; see docs/json.md."
    )(command)


def confirm(question: str, *, instead: str = "--yes, or --dry-run to see it first") -> None:
    """Go on only if somebody at the terminal says yes; `instead` is what the command takes in place of that.

    Raises click.Abort, and click.UsageError if nobody is there.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(f"nobody is here to confirm that; write {instead}")
    click.confirm(question, abort=True, err=True)


def limit_option(command: _F) -> _F:
    """Add `--limit`."""
    return click.option(
        "--limit",
        type=click.IntRange(min=0),
        metavar="N",
        help="At most N; 0 is all.  [default: 50 on a terminal, else all]",
    )(command)
