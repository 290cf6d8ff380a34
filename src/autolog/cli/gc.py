"""`autolog gc`: give up kept bytes by rule, and free what nobody needs."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

import click

from autolog.config import measure_of, seconds_of
from autolog.shown import plain as _json
from autolog.shown import words as _format

from . import EXITS
from ._options import Options, confirm, output
from ._out import emit_json, progress, say
from ._session import load_settings, opened_kept
from ._tables import Column, show_facts, show_table

if TYPE_CHECKING:
    from autolog.config import Settings
    from autolog.keeping import Chosen, Collected, Repacked
    from autolog.store import Kept, Store, VersionRecord

__all__ = ["gc"]


def _age(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    try:
        return None if value is None else seconds_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _metric(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        if value is not None:
            measure_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


@click.command()
@click.option("--keep-last", type=click.IntRange(min=1), metavar="N", help="Keep the last N of each model.")
@click.option("--older-than", callback=_age, metavar="AGE",
              help="Give up only what is older: 30d, 12h, 2w, 90min.")  # fmt: skip
@click.option("--keep-best", type=click.IntRange(min=1), metavar="N",
              help="Keep the N best of each model, by the metric of --by.")  # fmt: skip
@click.option("--by", callback=_metric, metavar="METRIC",
              help="What is best: max:accuracy; min:val_loss or just val_loss.")  # fmt: skip
@click.option("--keep-all", is_flag=True, help="Give up nothing, whatever the configuration says.")
@click.option("--model", "glob", metavar="GLOB", help="Give up only versions of models with such a name.")
@click.option("--repack", is_flag=True, help="Then store what is left as differences between versions.")
@click.option("--leftovers-older-than", "hours", type=click.FloatRange(min=0), default=1.0, metavar="HOURS",
              show_default=True, help="Take away what interrupted work left behind so long ago.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@output
@click.pass_obj
@click.pass_context
def gc(context: click.Context, options: Options, /, **asked: Any) -> None:
    """Free kept bytes that nobody needs, and give up versions by rule.

    With --keep-last, --keep-best and --older-than the bytes of a version go if it is neither among the last
    nor among the best N, and older than AGE; with one of them, by that alone; with none, nothing is given up.
    A version without the metric is worse than all that have it. The defaults are in the configuration:
    retention = {keep_last = 5, keep_best = 3, by = "min:val_loss", older_than = "30d"}. Records stay, as do
    files at their own paths. The newest version of a model, versions that a task has loaded, those with an
    alias, the newest of a tagged model, and published models are always kept.
    """
    from autolog import keeping

    rule = _rule(options, **asked)
    after = asked["hours"] * 3600
    with opened_kept(options) as (store, kept, settings):
        chosen = keeping.choose(store, rule, only=_Only(asked["glob"]))
        ids = {each.snapshot_id for each in chosen.going}
        if not options.json:
            _show_chosen(chosen)
        if asked["dry_run"]:
            done = keeping.forecast(kept, settings, ids, leftovers_after=after)
        else:
            if ids and not asked["yes"]:
                confirm(f"give up the bytes of {len(ids)} versions?")
                # Somebody may have loaded one meanwhile.
                again = keeping.choose(store, rule, only=_Only(asked["glob"]))
                ids &= {each.snapshot_id for each in again.going}
                chosen = again._replace(going=tuple(each for each in again.going if each.snapshot_id in ids))
            with progress("freeing what nobody needs"):
                kept.drop(ids, rule.words())
                done = keeping.collect(kept, settings, leftovers_after=after)
        repacked = None
        if asked["repack"] and not asked["dry_run"]:
            repacked = _repack(store, kept, settings, asked["glob"])
    problems = [*done.problems, *(repacked.problems if repacked else ())]
    if options.json:
        emit_json(_to_json(chosen, done, repacked, dry_run=asked["dry_run"]))
    else:
        _show(done, repacked, dry_run=asked["dry_run"])
    for each in problems:
        say(each)
    context.exit(EXITS["partly"] if problems else EXITS["fine"])


class _Only:
    """Whether a version's model has a name like a glob; its file's stem alone counts, too."""

    def __init__(self, glob: str | None) -> None:
        self._glob = None if glob is None else glob.lower()

    def __call__(self, version: VersionRecord) -> bool:
        name = version.name.lower()
        names = (name, name.rpartition(" - ")[2])
        return self._glob is None or any(fnmatch.fnmatchcase(each, self._glob) for each in names)


def _rule(options: Options, **asked: Any) -> Any:
    from autolog.keeping import Rule

    configured = load_settings(options).retention
    keep_last, keep_best, older_than = asked["keep_last"], asked["keep_best"], asked["older_than"]
    is_said = (keep_last, keep_best, older_than) != (None, None, None)
    if asked["by"] is not None and keep_best is None:
        raise click.UsageError("--by says what is best, and --keep-best how many of these to keep: add it")
    if asked["keep_all"]:
        if is_said:
            raise click.UsageError(
                "--keep-all gives up nothing: leave out --keep-last, --keep-best and --older-than"
            )
        return Rule()
    if not is_said:
        return Rule(**configured._asdict())
    by = asked["by"] or configured.by
    if keep_best is not None and not by:
        raise click.UsageError("--keep-best needs a metric: --by max:accuracy, or --by val_loss")
    return Rule(keep_last, older_than, keep_best, by if keep_best is not None else "")


def _repack(store: Store, kept: Kept, settings: Settings, glob: str | None) -> Repacked:
    from autolog import keeping
    from autolog.store import versions

    with progress("storing differences"):
        if glob is None:
            return keeping.repack(kept, settings)
        only = _Only(glob)
        models = dict.fromkeys(each.model_id for each in versions(store, keeping="kept") if only(each))
        found = keeping.Repacked(kept.total(), kept.total())
        for model_id in models:
            one = keeping.repack(kept, settings, model_id=model_id)
            found = keeping.Repacked(
                found.before, one.after, found.packs + one.packs, found.problems + one.problems
            )
        return found


def _show_chosen(chosen: Chosen) -> None:
    if chosen.going:
        _show_going(chosen)
    if chosen.spared:
        say(
            f"{len(chosen.spared)} more are kept: loaded by a task, with an alias, tagged, published, or of a"
            " task that is running"
        )


def _show_going(chosen: Chosen) -> None:
    columns = (
        Column("ID"),
        Column("MODEL", whole=False),
        Column("VERSION"),
        Column("SIZE", right=True),
        Column("SAVED"),
    )
    rows = [
        [
            each.model_id[:8],
            each.name,
            f"v{each.version}",
            _format.size(each.size),
            _format.age(each.created),
        ]
        for each in chosen.going
    ]
    show_table(columns, rows)


def _show(done: Collected, repacked: Repacked | None, *, dry_run: bool) -> None:
    held = done.held if repacked is None else done.held - repacked.before + repacked.after
    facts = [
        ("would be freed" if dry_run else "freed", _format.size(done.freed)),
        ("of interrupted work", _format.size(done.leftovers) if done.leftovers else ""),
    ]
    if repacked is not None:
        sizes = f"{_format.size(repacked.before)} before, {_format.size(repacked.after)} after"
        facts.append(("repacked", f"{repacked.packs} packs: {sizes}"))
    show_facts([*facts, ("would be held" if dry_run else "still held", _format.size(held))])


def _to_json(chosen: Chosen, done: Collected, repacked: Repacked | None, *, dry_run: bool) -> dict[str, Any]:
    return {
        "schema": _json.SCHEMA,
        "dry_run": dry_run,
        "dropped": [_json.version(each) for each in chosen.going],
        "spared": [_json.version(each) for each in chosen.spared],
        "freed": done.freed,
        "leftovers": done.leftovers,
        "held": done.held if repacked is None else done.held - repacked.before + repacked.after,
        "repacked": None
        if repacked is None
        else {"before": repacked.before, "after": repacked.after, "packs": repacked.packs},
        "problems": [*done.problems, *(repacked.problems if repacked else ())],
    }
