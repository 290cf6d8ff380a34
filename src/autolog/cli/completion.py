"""`autolog completion SHELL`: what has the shell complete commands and options."""

from __future__ import annotations

import os

import click

from ._out import emit

__all__ = ["completion"]

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
@click.pass_context
def completion(context: click.Context, /, shell: str | None) -> None:
    """Print what makes the shell complete `autolog`; without SHELL it is the one in $SHELL.

    Put `eval "$(autolog completion bash)"` into ~/.bashrc, the same with zsh into ~/.zshrc; for fish,
    `autolog completion fish > ~/.config/fish/completions/autolog.fish`.
    """
    from click.shell_completion import get_completion_class

    name = shell or os.path.basename(os.environ.get("SHELL", ""))
    kind = get_completion_class(name)
    if kind is None or name not in _SHELLS:
        raise click.UsageError(f"say which shell: {', '.join(_SHELLS)}")
    emit(kind(context.find_root().command, {}, "autolog", "_AUTOLOG_COMPLETE").source())
