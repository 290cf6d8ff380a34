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

    What agents of tasks are at is left to them. Exits with 3 if something still waits, with them in vain, or
    could not be kept.
    """
    from autolog.agent.told import Told
    from autolog.agent.waiting import leftovers, outcomes, send_leftovers, why_held_up

    settings = load_settings(options)
    deadline = time.monotonic() + (1e9 if timeout is None else timeout)
    told_where = Told.of_settings(settings)
    before = leftovers(settings.home)
    settled = settle_first(settings, min(_SETTLE_SECONDS, deadline - time.monotonic()))
    pending, problems = (0, ()) if settled is None else (settled.pending, settled.problems)
    there = leftovers(settings.home)
    with progress("sending", sum(each.size for each in there)) as told:
        waiting, reason = send_leftovers(
            settings.home,
            told_where,
            deadline,
            far=True,
            tell=lambda staged: told(staged.size),
        )
    remaining = leftovers(settings.home)
    left = {each.folder for each in remaining}
    gone = {each.folder: each for each in (*before, *there) if each.folder not in left}
    became = outcomes(gone.values(), told_where).values()
    sent = sum(keeping == "kept" for keeping, _ in became)
    failures = [reason for keeping, reason in became if keeping == "failed"]
    underway = max(0, len(left) - waiting)
    # An agent may be at it in vain.
    held_up = why_held_up(remaining, told_where) if underway and not waiting else ""
    if options.json:
        emit_json(
            {
                "schema": _json.SCHEMA,
                "sent": sent,
                "failed": len(failures),
                "failures": list(dict.fromkeys(failures)),
                "waiting": waiting,
                "underway": underway,
                "keeping_reason": reason or held_up,
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
        if failures:
            whose = "1 version" if len(failures) == 1 else f"{len(failures)} versions"
            say(f"the bytes of {whose} could not be kept: {'; '.join(dict.fromkeys(failures))}")
        if underway:
            why = f" ({held_up})" if held_up else ""
            say(f"{underway} more are on their way with the agents of tasks{why}")
        if waiting:
            say(waiting_words(waiting, reason))
        if pending:
            say(f"{pending} events are not in the store yet: {'; '.join(problems)}")
    context.exit(EXITS["partly"] if waiting or held_up or pending or failures else EXITS["fine"])
