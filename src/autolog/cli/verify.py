"""`autolog verify`: is everything that is kept what was recorded?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from autolog.shown import plain as _json

from . import EXITS
from ._names import find_version
from ._options import Options, output
from ._out import emit, emit_json, progress, safe, say
from ._session import opened_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autolog.keeping import Damage
    from autolog.store import Store, VersionRecord

__all__ = ["verify"]


@click.command()
@click.argument("names", nargs=-1, metavar="[MODEL[:vN]]...")
@click.option("--deep", is_flag=True, help="Read every byte and compare it with its digest.")
@output
@click.pass_obj
@click.pass_context
def verify(context: click.Context, options: Options, /, names: tuple[str, ...], deep: bool) -> None:
    """Compare what is kept with what was recorded, of all models or of those named.

    Without --deep: whether every file is there in its size. Exits with 12 if something is damaged, with 3 if
    a place could not be reached. With --deep files at their own paths are compared, too: scripts may do
    with them as they like, so one that has changed is only noted.
    """
    from autolog import keeping
    from autolog.store import versions

    with opened_kept(options) as (store, kept, settings):
        only = _ids(store, names) if names else None
        count = len(versions(store, keeping="kept", ids=only))
        with progress("verifying", keeping.size_of(kept, only)) as told:
            found = list(keeping.verify(kept, settings, deep=deep, only=only, told=told))
        changed: list[tuple[VersionRecord, str]] = []
        if deep:
            with progress("looking at files at their own paths") as told:
                changed = list(keeping.changed(store, settings, only=only, told=told))
        ids = {each for damage in found for each in damage.snapshots}
        concerned = {each.snapshot_id: each for each in versions(store, ids=ids)}
    damages = [each for each in found if not each.is_away]
    away = [each for each in found if each.is_away]
    if options.json:
        emit_json(
            {
                "schema": _json.SCHEMA,
                "deep": deep,
                "checked": count,
                "damages": [_to_json(each, concerned) for each in damages],
                "away": [_to_json(each, concerned) for each in away],
                "changed": [{**_json.version(each), "problem": problem} for each, problem in changed],
            }
        )
    else:
        _show(damages, away, concerned, count)
        for each, problem in changed:
            say(f"note: {_name(each)} is not at its own path any more: {problem}")
    context.exit(EXITS["integrity" if damages else "partly" if away else "fine"])


def _ids(store: Store, names: Sequence[str]) -> set[int]:
    found: set[int] = set()
    for name in names:
        model_id, version = find_version(store, name)
        found.update(each.id for each in store.model(model_id).snapshots if version in (None, each.version))
    return found


def _show(
    damages: Sequence[Damage], away: Sequence[Damage], concerned: dict[int, VersionRecord], count: int
) -> None:
    for each in damages:
        names = ", ".join(_name(concerned[i]) for i in each.snapshots if i in concerned)
        emit(safe(f"damaged: {names or 'no version needs it'}, in {each.place}: {each.problem}"))
    for each in away:
        emit(safe(f"not looked at: {len(each.snapshots)} versions in {each.place}: {each.problem}"))
    damaged = len({i for each in damages for i in each.snapshots})
    unseen = len({i for each in away for i in each.snapshots})
    if not damages and not away:
        emit(f"{count} kept versions are as they were recorded.")
    else:
        emit(
            f"Of {count} kept versions {damaged} are damaged"
            + (f", {unseen} not looked at." if unseen else ".")
        )


def _name(version: VersionRecord) -> str:
    return f"{version.name} ({version.model_id[:8]}:v{version.version})"


def _to_json(damage: Damage, concerned: dict[int, VersionRecord]) -> dict[str, Any]:
    return {
        "place": damage.place,
        "problem": damage.problem,
        "concerned": [_json.version(concerned[i]) for i in damage.snapshots if i in concerned],
    }
