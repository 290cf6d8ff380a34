"""`autolog rm MODEL[:vN]...`: take versions or whole models out of the records, and free their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from autolog.errors import InUse, NotFound
from autolog.shown import plain as _json
from autolog.shown import words as _format

from . import EXITS
from ._names import find_version
from ._options import Options, confirm, output
from ._out import emit_json, progress, say
from ._session import opened_kept
from ._tables import Column, show_facts, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autolog.keeping import Collected
    from autolog.store import Store, UseRecord, VersionRecord

__all__ = ["rm"]


class _Named(NamedTuple):
    """What is to go: versions, and the models that go as a whole."""

    versions: list[VersionRecord]
    models: dict[str, str]
    uses: list[UseRecord]
    published: list[str]


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="MODEL[:vN]...")
@click.option("--force", is_flag=True, help="Also what other tasks have loaded, and what is published.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@output
@click.pass_obj
@click.pass_context
def rm(
    context: click.Context, options: Options, /, names: tuple[str, ...], force: bool, dry_run: bool, yes: bool
) -> None:
    """Remove a model with all its versions, or single versions (MODEL:v3), and their kept bytes.

    A file at its own path is never touched. What another task has loaded, and published models, are refused
    without --force; with it the task's record of what it loaded stays, without the version.
    """
    from autolog import keeping
    from autolog.store import Going

    with opened_kept(options) as (store, kept, settings):
        named = _find(store, names)
        ids = {each.snapshot_id for each in named.versions}
        if not options.json:
            _show_going(named)
        if dry_run:
            done, gone = keeping.forecast(kept, settings, ids), list(named.models)
        else:
            if not force:
                _refuse(named)
            if not yes:
                confirm(_question(named))
            with progress("removing"):
                removed = keeping.remove(store, settings, kept, Going(ids, named.models, force))
            done, gone = removed.collected, list(removed.models)
    if options.json:
        emit_json(_to_json(named, gone, done, dry_run=dry_run))
    else:
        word = "would be freed" if dry_run else "freed"
        show_facts([(word, _format.size(done.freed)), ("held", _format.size(done.held))])
    for model_id in named.models.keys() - set(gone):
        say(f"the record of {named.models[model_id]} stays without versions: other tasks have loaded it")
    for problem in done.problems:
        say(problem)
    context.exit(EXITS["partly"] if done.problems else EXITS["fine"])


def _find(store: Store, names: Sequence[str]) -> _Named:
    from autolog.store import uses_by_others, versions

    ids: set[int] = set()
    whole: dict[str, str] = {}
    published: set[str] = set()
    for name in names:
        model_id, version = find_version(store, name, changes=True)
        record = store.model(model_id)
        ids.update(each.id for each in record.snapshots if version in (None, each.version))
        if version is None:
            whole[model_id] = record.name
        if record.status == "published":
            published.add(record.name)
    if not ids and not whole:
        raise NotFound("no version goes by these names")
    return _Named(versions(store, ids=ids), whole, uses_by_others(store, ids, whole), sorted(published))


def _refuse(named: _Named) -> None:
    if named.uses:
        use = named.uses[0]
        which = "" if use.version is None else f":v{use.version}"
        others = len({each.task_id for each in named.uses}) - 1
        more = f" and {others} more" if others else ""
        raise InUse(
            f"{use.name}{which} was loaded by task {use.task_name} ({use.task_id[:8]}){more}; --force removes"
            " it all the same, and their records of it stay without the version"
        )
    if named.published:
        raise InUse(f"{named.published[0]} is published; --force removes it all the same")


def _question(named: _Named) -> str:
    count = len(named.versions)
    text = f"remove {count} version{'s' if count != 1 else ''}"
    if named.models:
        text += f" and the records of {len(named.models)} model{'s' if len(named.models) != 1 else ''}"
    return f"{text}? This can't be undone."


def _show_going(named: _Named) -> None:
    columns = (
        Column("ID"),
        Column("MODEL", whole=False),
        Column("VERSION"),
        Column("SIZE", right=True),
        Column("KEPT"),
        Column("LOADED BY", whole=False, only_filled=True),
    )
    users: dict[tuple[str, int | None], list[str]] = {}
    for use in named.uses:
        users.setdefault((use.model_id, use.version), []).append(use.task_name)
    rows = [
        [
            each.model_id[:8],
            each.name,
            f"v{each.version}",
            _format.size(each.size),
            _format.keeping(each.keeping),
            ", ".join(users.get((each.model_id, each.version), ())),
        ]
        for each in named.versions
    ]
    show_table(columns, rows)


def _to_json(named: _Named, gone: Sequence[str], done: Collected, *, dry_run: bool) -> dict[str, Any]:
    return {
        "schema": _json.SCHEMA,
        "dry_run": dry_run,
        "removed": [_json.version(each) for each in named.versions],
        "models": [{"model_id": each, "name": named.models[each]} for each in gone],
        "used_by": [
            {
                "task": {"id": each.task_id, "name": each.task_name},
                "model_id": each.model_id,
                "name": each.name,
                "version": each.version,
            }
            for each in named.uses
        ],
        "freed": done.freed,
        "held": done.held,
        "problems": list(done.problems),
    }
