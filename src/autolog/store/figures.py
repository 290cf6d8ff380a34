"""Figures of models: descriptions that Plotly draws, reported by people on purpose."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select, update

from .database import Store
from .editing import check_name
from .known import new_key
from .racing import repeated
from .schema import figures

__all__ = ["FigureRecord", "NewFigure", "drawn_figures", "figures_of", "report_figure"]

#: What stands for "no iteration" in the records.
_NONE = -1
#: All columns but the one that may be large.
_BUT_DRAWN = [each for each in figures.c if each is not figures.c.figure]


@dataclass(frozen=True, slots=True)
class NewFigure:
    """A figure to record; `kind` says how it was reported, `figure` is `{"data": [...], "layout": {...}}`."""

    title: str
    series: str
    kind: str
    figure: Mapping[str, Any]
    iteration: int | None = None


@dataclass(frozen=True, slots=True)
class FigureRecord:
    """A figure of a model; `created` is when it was last reported, in seconds since the epoch."""

    id: int
    model_id: str
    title: str
    series: str
    iteration: int | None
    kind: str
    created: float
    figure: Mapping[str, Any] = field(default_factory=dict)


@repeated
def report_figure(store: Store, model_id: str, new: NewFigure) -> FigureRecord:
    """Record a figure of a model; one of the same title, series and iteration is replaced.

    Raises NotFound, BadName.
    """
    check_name(new.title, "a figure's title")
    if new.series != "":  # a line plot has none
        check_name(new.series, "the series of a figure")
    own: dict[str, Any] = {"model_id": model_id, "title": new.title, "series": new.series}
    own["iteration"] = _NONE if new.iteration is None else new.iteration
    drawn = {"kind": new.kind, "figure": dict(new.figure), "created": time.time()}
    with store._writing(f"model:{model_id}") as connection:
        store._model(connection, model_id)
        # The values go through the columns' types, so that odd text finds what it was written as.
        same = [figures.c[name] == value for name, value in own.items()]
        found = connection.execute(select(figures.c.id).where(*same)).scalar()
        if found is None:
            found = new_key(connection.execute(insert(figures).values(**own, **drawn)))
        else:
            connection.execute(update(figures).where(figures.c.id == found).values(**drawn))
        query = select(*_BUT_DRAWN).where(figures.c.id == found)
        return _record(connection.execute(query).mappings().one(), dict(new.figure))


def figures_of(
    store: Store, model_id: str, *, drawn: bool = True, iteration: int | None = None
) -> list[FigureRecord]:
    """All figures of a model, or those that were reported at an iteration, by title, series and iteration.

    They may be of several megabytes each: without `drawn` only what they are is read, not what they show.
    """
    query = select(*figures.c) if drawn else select(*_BUT_DRAWN)
    query = query.where(figures.c.model_id == model_id)
    if iteration is not None:
        query = query.where(figures.c.iteration == iteration, figures.c.iteration != _NONE)
    query = query.order_by(figures.c.title, figures.c.series, figures.c.iteration, figures.c.id)
    with store._reading() as connection:
        rows = connection.execute(query).mappings()
        return [_record(row, row["figure"] if drawn else {}) for row in rows]


def drawn_figures(store: Store, model_id: str, ids: Collection[int]) -> dict[int, FigureRecord]:
    """These figures of a model with what they show, by id; those that aren't its own are left out."""
    query = select(figures).where(figures.c.model_id == model_id, figures.c.id.in_(ids))
    with store._reading() as connection:
        rows = connection.execute(query).mappings()
        return {row["id"]: _record(row, row["figure"]) for row in rows}


def _record(row: Mapping[Any, Any], figure: Mapping[str, Any]) -> FigureRecord:
    return FigureRecord(
        id=row["id"],
        model_id=row["model_id"],
        title=row["title"],
        series=row["series"],
        iteration=None if row["iteration"] == _NONE else row["iteration"],
        kind=row["kind"],
        created=row["created"],
        figure=figure,
    )
