"""`autolog import BUNDLE|FILE|URL`: take a bundle's records and bytes, or register a file as a model."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from autolog.shown import plain as _json
from autolog.shown import words as _format

from . import EXITS
from ._options import Options, output
from ._out import emit_json, progress, say
from ._session import load_settings, opened_kept, waiting_words

if TYPE_CHECKING:
    from autolog.config import Settings
    from autolog.keeping import Imported, Registered
    from autolog.store import Kept, Store

__all__ = ["import_"]


@click.command("import")
@click.argument("source", metavar="BUNDLE|FILE|URL")
@click.option("--name", metavar="NAME", help="What to call the model.  [default: by its file]")
@click.option("--project", metavar="NAME", help="The project to put it into.  [default: imported]")
@click.option("--framework", metavar="NAME", help="Whose format it has.  [default: by what is inside]")
@click.option("--keep", is_flag=True, help="Keep the file's bytes, also if output_uri isn't set.")
@output
@click.pass_obj
@click.pass_context
def import_(
    context: click.Context, options: Options, /, source: str, keep: bool, **chosen: str | None
) -> None:
    """Take a bundle that `autolog export` wrote, or register a weights file, folder or URL as a model.

    A bundle's records keep their ids: importing it twice changes nothing. Its bytes are kept at output_uri,
    or in the content store. Exits with 3 if bytes could not be brought there yet.
    """
    from autolog import keeping

    settings = load_settings(options)
    wanted = {key: value for key, value in chosen.items() if value is not None}
    with ExitStack() as stack:
        with progress("fetching") as told:
            at = stack.enter_context(keeping.at_hand(source, settings, told))
        is_bundle = keeping.is_bundle(at[1])
        if is_bundle and (wanted or keep):
            raise click.UsageError("a bundle says itself what its models are called: leave out the options")
        with opened_kept(options, create=True) as (store, kept, _):
            if is_bundle:
                reason = _take(options, at[1], (store, kept, settings))
            else:
                done = keeping.import_file(at, store, kept, settings, chosen=wanted, keep=keep)
                _show_registered(options, store, done)
                reason = done.reason
    context.exit(EXITS["partly"] if reason else EXITS["fine"])


def _take(options: Options, path: str, into: tuple[Store, Kept, Settings]) -> str:
    from autolog import keeping

    with progress("importing", os.path.getsize(path)) as told:
        done = keeping.import_bundle(path, *into, told=told)
    if options.json:
        emit_json(_bundle_to_json(done))
        return done.reason
    new = done.taken
    say(
        f"{new.snapshots} versions, {new.models} models and {new.tasks} tasks were new; the bytes of"
        f" {done.kept} versions are kept"
    )
    if done.waiting:
        say(waiting_words(done.waiting, done.reason))
    return done.reason


def _bundle_to_json(done: Imported) -> dict[str, Any]:
    return {
        "schema": _json.SCHEMA,
        "records": done.taken._asdict(),
        "kept": done.kept,
        "waiting": done.waiting,
        "keeping_reason": done.reason,
    }


def _show_registered(options: Options, store: Store, done: Registered) -> None:
    record = store.model(done.model_id)
    snapshot = next(each for each in record.snapshots if each.version == done.version)
    if options.json:
        emit_json(
            {
                "schema": _json.SCHEMA,
                "model_id": record.id,
                "name": record.name,
                "project": record.project,
                "framework": record.framework,
                "version": snapshot.version,
                "digest": snapshot.digest,
                "size": snapshot.size,
                "origin": record.origin,
                "new": done.is_new,
                "keeping": snapshot.keeping,
                "keeping_reason": snapshot.keeping_reason,
            }
        )
        return
    state = "is there already" if not done.is_new else f"{_format.size(snapshot.size)}, {record.framework}"
    kept = ", its bytes are kept" if done.is_kept else ""
    say(f"v{snapshot.version} of {record.name} ({record.id[:8]}): {state}{kept}")
    if done.reason:
        say(waiting_words(1, done.reason))
