"""`autolog diff A B`: what became of a model from one version to another."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from autolog.errors import NotFound, UnreadableWeights
from autolog.shown import plain as _json

from . import EXITS
from ._names import find_version
from ._options import Options, output
from ._out import emit, emit_json, safe, say
from ._session import opened_kept
from ._tables import Column, show_table, show_title

if TYPE_CHECKING:
    from autolog.config import Settings
    from autolog.formats import Change
    from autolog.store import ContentsRecord, Kept, ModelRecord, SnapshotRecord, Store

__all__ = ["diff"]


class _Side(NamedTuple):
    model: ModelRecord
    snapshot: SnapshotRecord

    @property
    def name(self) -> str:
        return f"{self.model.name} v{self.snapshot.version}"


@click.command()
@click.argument("a", metavar="A[:vN]")
@click.argument("b", metavar="B[:vN]")
@click.option("--all", "everything", is_flag=True, help="List tensors that did not change, too.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs.")
@output
@click.pass_obj
@click.pass_context
def diff(
    context: click.Context, options: Options, /, a: str, b: str, everything: bool, exit_code: bool
) -> None:
    """Compare two versions: details, network design, labels, and every tensor.

    Without :vN the newest version is meant. Of a tensor that changed: how much of it, the L2 norm of the
    difference beside that of the old one, and the largest difference. Of a kept version only those tensors
    are fetched whose bytes are needed.
    """
    with opened_kept(options) as (store, kept, settings):
        old, new = _side(store, a), _side(store, b)
        details = _details(old, new)
        changes, problem = _tensors(old.snapshot, new.snapshot, kept, settings)
        if old.snapshot.digest is not None and old.snapshot.digest == new.snapshot.digest:
            changes = _all_the_same(store.contents(old.snapshot.digest))
    design = _design(old.model.design, new.model.design)
    labels = _labels(old.model.labels, new.model.labels)
    differing = [each for each in changes if each.kind != "unchanged"]
    if options.json:
        emit_json(
            {
                "schema": _json.SCHEMA,
                "a": _named(old),
                "b": _named(new),
                "details": {name: {"a": was, "b": now} for name, was, now in details},
                "labels": {name: {"a": was, "b": now} for name, was, now in labels},
                "design": design,
                "tensors": [_json.change(each) for each in (changes if everything else differing)],
                "unchanged": len(changes) - len(differing),
                "problem": problem,
            }
        )
    else:
        emit(safe(f"{old.name} -> {new.name}"))
        _show_pairs("Details", details)
        _show_pairs("Labels", labels)
        if design:
            show_title("Design")
            emit("\n".join(safe(line) for line in design))
        _show_tensors(changes if everything else differing, len(changes) - len(differing))
        if problem:
            say(f"the tensors can't be compared: {problem}")
    if exit_code and (differing or labels or design or old.snapshot.digest != new.snapshot.digest):
        context.exit(EXITS["difference"])


def _side(store: Store, name: str) -> _Side:
    model_id, version = find_version(store, name)
    model = store.model(model_id)
    for each in reversed(model.snapshots):
        if version in (None, each.version):
            return _Side(model, each)
    raise NotFound(f"{model.name!r} has no version; see `autolog show {name}`")


def _tensors(
    old: SnapshotRecord, new: SnapshotRecord, kept: Kept, settings: Settings
) -> tuple[tuple[Change, ...], str]:
    """What became of each tensor; or why that can't be told."""
    from autolog import keeping

    try:
        return keeping.tensor_changes(old, new, kept, settings), ""
    except UnreadableWeights as error:
        return (), str(error)


def _all_the_same(inside: ContentsRecord | None) -> tuple[Change, ...]:
    """The tensors of two versions with the same bytes, of which nothing is read for that."""
    from autolog.formats import Change, Tensor

    listed = () if inside is None else (Tensor(*each) for each in inside.tensors)
    return tuple(Change(each.name, "unchanged", each, each) for each in listed)


def _details(old: _Side, new: _Side) -> list[tuple[str, Any, Any]]:
    from autolog import keeping

    before, after = (keeping.details_of(each.model, each.snapshot) for each in (old, new))
    return [(name, was, after[name]) for name, was in before.items() if was != after[name]]


def _labels(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    names = sorted({*old, *new})
    return [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def _design(old: str | None, new: str | None) -> list[str]:
    lines = difflib.unified_diff(
        (old or "").splitlines(), (new or "").splitlines(), "A", "B", lineterm="", n=1
    )
    return list(lines)


def _named(side: _Side) -> dict[str, Any]:
    return {"model": side.model.id, "name": side.model.name, "version": side.snapshot.version}


def _show_pairs(title: str, pairs: list[tuple[str, Any, Any]]) -> None:
    if pairs:
        show_title(title)
        rows = [(name, _told(was), _told(now)) for name, was, now in pairs]
        show_table((Column("WHAT"), Column("A", whole=False), Column("B", whole=False)), rows)


def _told(value: Any) -> str:
    return "-" if value is None else str(value)


def _show_tensors(changes: tuple[Change, ...] | list[Change], unchanged: int) -> None:
    show_title(f"Tensors ({unchanged} unchanged)")
    rows = [
        (
            each.name,
            each.kind,
            _shape(each),
            _number(each.share, percent=True),
            _number(each.norm),
            _number(each.relative),
            _number(each.largest),
        )
        for each in changes
    ]
    if rows:
        columns = [Column("TENSOR", whole=False), Column("WHAT"), Column("SHAPE")]
        columns += [
            Column(n, right=True, only_filled=True) for n in ("CHANGED", "NORM", "RELATIVE", "LARGEST")
        ]
        show_table(columns, rows)


def _shape(change: Change) -> str:
    sides = [each for each in (change.old, change.new) if each is not None]
    told = list(dict.fromkeys(f"{'x'.join(map(str, each.shape)) or 'scalar'} {each.dtype}" for each in sides))
    return " -> ".join(told)


def _number(value: float | None, percent: bool = False) -> str:
    if value is None:
        return ""
    return f"{value:.1%}" if percent else f"{value:.3g}"
