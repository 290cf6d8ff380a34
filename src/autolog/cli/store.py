"""`autolog store`: what concerns a store as a whole."""

from __future__ import annotations

import os

import click

from autolog import config
from autolog.errors import StoreError
from autolog.shown import plain as _json

from ._options import Options, json_option, places
from ._out import emit, emit_json, say
from ._session import bring_in, load_settings, waiting_words

__all__ = ["store"]


@click.group()
def store() -> None:
    """Copy a store to another database."""


@store.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@places
@json_option
@click.pass_obj
def copy(options: Options, /, source: str, target: str) -> None:
    """Copy all records FROM one store TO a new one.

    Both are SQLAlchemy URLs, or the path of an SQLite file:

        autolog store copy ~/.local/share/autolog/autolog.db postgresql://ada@server/autolog

    FROM is left as it is, TO must hold nothing yet. A password may be left out and given in PGPASSWORD, as
    to every program of PostgreSQL's. Afterwards set AUTOLOG_STORE to TO. Kept bytes stay where they are, and
    both stores count on them: what `gc` or `rm` frees in one is missing in the other, so let one of them be.
    Refused while bytes of versions wait for where they are kept: `autolog sync` brings them there.
    """
    from autolog.store import Store, copy_store

    settings = load_settings(options)
    try:
        bring_in(settings)
    except StoreError as error:
        say(f"what is still in the spool is not copied: {error}")
    origin = Store.open(_url(options, source), create=False)
    try:
        _refuse_waiting(settings, _url(options, source))
        running = len(origin.tasks(status="running"))
        if running:
            say(f"{running} of its tasks still running: what they record from now on is not copied")
        goal = Store.open(_url(options, target))
        try:
            copied = copy_store(origin, goal)
        finally:
            goal.close()
    finally:
        origin.close()
    if options.json:
        emit_json({"schema": _json.SCHEMA, "from": origin.name, "to": goal.name, "rows": copied})
        return
    width = max(map(len, copied))
    emit("\n".join(f"{name:<{width}}  {count}" for name, count in copied.items()))
    say(f"copied to {goal.name}; set AUTOLOG_STORE to it, and your scripts write there")


def _refuse_waiting(settings: config.Settings, origin: str) -> None:
    """Raises StoreError while bytes wait that only this store would hear of once they are kept."""
    from autolog.agent.waiting import leftovers
    from autolog.locks import is_locked

    waiting = [
        each
        for each in leftovers(settings.home)
        if _address(str(each.facts.get("store"))) == _address(origin)
        # What the agent of a running task is at is among what that task records from now on.
        and not is_locked(os.path.join(settings.spool, str(each.facts.get("task")), "lock"))
    ]
    if waiting:
        raise StoreError(
            f"{waiting_words(len(waiting), '')}, and a copy would never hear of it; run `autolog sync` first"
        )


def _address(url: str) -> str:
    """A store's URL without its password, which may be in one and not in the other."""
    return config.mask(url).replace(":***@", "@")


def _url(options: Options, place: str) -> str:
    return config.load(home=options.home, store=place).store
