"""`autolog sync`: bring what waits to where it is kept, now."""

from __future__ import annotations

import time

import click

from autolog.shown import plain as _json

from . import EXITS
from ._options import Options, output
from ._out import emit_json, progress, say
from ._session import load_settings, settle_first, waiting_words

__all__ = ["sync"]

_SETTLE_SECONDS = 10.0


@click.command()
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Begin nothing more then.")
@output
@click.pass_obj
@click.pass_context
def sync(context: click.Context, options: Options, /, timeout: float | None) -> None:
    """Bring the bytes that wait for their destination there, and events into the store.

    What agents of running tasks are at is left to them. Exits with 3 if something still waits.
    """
    from autolog.agent.told import Told
    from autolog.agent.waiting import leftovers, send_leftovers

    settings = load_settings(options)
    deadline = time.monotonic() + (1e9 if timeout is None else timeout)
    before = leftovers(settings.home)
    settled = settle_first(settings, min(_SETTLE_SECONDS, deadline - time.monotonic()))
    pending, problems = (0, ()) if settled is None else (settled.pending, settled.problems)
    there = leftovers(settings.home)
    with progress("sending", sum(each.size for each in there)) as told:
        waiting, reason = send_leftovers(
            settings.home,
            Told.of_settings(settings),
            deadline,
            far=True,
            tell=lambda staged: told(staged.size),
        )
    left = {each.folder for each in leftovers(settings.home)}
    sent = len({each.folder for each in (*before, *there)} - left)
    underway = max(0, len(left) - waiting)
    if options.json:
        emit_json(
            {
                "schema": _json.SCHEMA,
                "sent": sent,
                "waiting": waiting,
                "underway": underway,
                "keeping_reason": reason,
                "pending": pending,
                "problems": list(problems),
            }
        )
    else:
        say(
            f"the bytes of {sent} versions were brought to where they are kept"
            if sent
            else "nothing was sent"
        )
        if underway:
            say(f"{underway} more are on their way with the agents of tasks that run")
        if waiting:
            say(waiting_words(waiting, reason))
        if pending:
            say(f"{pending} events are not in the store yet: {'; '.join(problems)}")
    context.exit(EXITS["partly"] if waiting or pending else EXITS["fine"])
