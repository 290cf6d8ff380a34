"""What frameworks said of versions when they saved them: in a version's record, and as scalars of its model.

A scalar stands at the version's iteration. Where that isn't known it is one of the whole model, and the
newest version's: its number is no iteration, and would be taken for one. People report scalars at the same
places. What was said last counts: a save takes the place of what was reported before it, and versions that
come and go later leave what was reported since. Scalars of a version are known by its time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, or_, select

from .database import Store
from .known import text
from .racing import put
from .rows import batches
from .schema import metrics, snapshots

__all__ = ["forget_metrics", "measured", "named", "note_metrics", "note_metrics_since"]

_COLUMNS = (
    snapshots.c.model_id,
    snapshots.c.version,
    snapshots.c.iteration,
    snapshots.c.metrics,
    snapshots.c.created,
)
_WHOLE = -1


def named(known: Mapping[str, float | None]) -> dict[str, float | None]:
    """The metrics of an event as the store writes them."""
    return {text(name): value for name, value in known.items()}


def note_metrics(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write down the metrics of a model's rows of `snapshots` as scalars, in the place of earlier ones."""
    put(connection, metrics, list(_scalars(rows).values()))


def note_metrics_since(connection: Connection, model_id: str, version: int) -> None:
    """The same for the versions of a model from this one on, but for what was reported since."""
    of_it = and_(snapshots.c.model_id == model_id, snapshots.c.version >= version)
    _note_again(connection, model_id, _rows(connection, of_it))


def forget_metrics(connection: Connection, ids: Collection[int]) -> None:
    """Take what was said of these versions out of the scalars of their models; before they go."""
    rows = [row for row in _rows(connection, snapshots.c.id.in_(ids)) if row["metrics"]]
    if not rows:
        return
    own = ("model_id", "name", "iteration", "time")
    connection.execute(
        delete(metrics).where(*(metrics.c[name] == bindparam(f"its_{name}") for name in own)),
        [
            {f"its_{name}": scalar[name] for name in own}
            for row in rows
            for scalar in _scalars([row]).values()
        ],
    )
    # Scalars of other versions at the same place had been replaced by these.
    for model_id in {row["model_id"] for row in rows}:
        places = {_place(row) for row in rows if row["model_id"] == model_id}
        at_them: list[ColumnElement[bool]] = [snapshots.c.iteration.in_(places - {_WHOLE})]
        if _WHOLE in places:
            at_them += [snapshots.c.iteration.is_(None), snapshots.c.iteration < 0]
        others = and_(snapshots.c.model_id == model_id, snapshots.c.id.not_in(ids), or_(*at_them))
        _note_again(connection, model_id, _rows(connection, others))


def measured(store: Store, name: str) -> dict[int, float]:
    """The value of a metric for every kept version that has one, by the snapshot's id.

    That is what was known when it was saved, else what somebody has reported at its iteration.
    """
    at_its = and_(
        metrics.c.model_id == snapshots.c.model_id,
        metrics.c.iteration == snapshots.c.iteration,
        metrics.c.name == name,
    )
    query = select(snapshots.c.id, snapshots.c.metrics, metrics.c.value)
    query = query.select_from(snapshots.outerjoin(metrics, at_its)).where(snapshots.c.keeping == "kept")
    with store._reading() as connection:
        values = {number: known.get(name, value) for number, known, value in connection.execute(query)}
    return {number: float(value) for number, value in values.items() if value is not None}


def _note_again(connection: Connection, model_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down the metrics of these versions of a model where nothing later stands."""
    scalars = _scalars(rows)
    there = select(metrics.c.name, metrics.c.iteration, metrics.c.time).where(metrics.c.model_id == model_id)
    for places in batches(sorted({place for _, place in scalars})):
        for name, place, when in connection.execute(there.where(metrics.c.iteration.in_(places))):
            if (name, place) in scalars and when > scalars[name, place]["time"]:
                del scalars[name, place]
    put(connection, metrics, list(scalars.values()))


def _scalars(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    """The rows of `metrics` that these versions of a model make, by name and place; the last one counts."""
    return {
        (text(name), _place(row)): {
            "model_id": row["model_id"],
            "name": text(name),
            "iteration": _place(row),
            "value": _number(value),
            "time": row["created"],
        }
        for row in rows
        for name, value in row["metrics"].items()
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
    }


def _rows(connection: Connection, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    """What this needs of some versions, the later ones of a model behind the earlier."""
    query = select(*_COLUMNS).where(condition).order_by(snapshots.c.version)
    return [dict(row) for row in connection.execute(query).mappings()]


def _place(row: Mapping[str, Any]) -> int:
    iteration = row["iteration"]
    return int(iteration) if iteration is not None and iteration >= 0 else _WHOLE


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
