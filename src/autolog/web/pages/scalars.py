"""The scalars of a model: line plots and tables of values, and the same as JSON and CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.errors import NotFound
from autolog.shown import plain
from autolog.shown.words import iso
from autolog.store import (
    Line,
    Lines,
    ModelRecord,
    Point,
    Series,
    Summary,
    lines_of,
    marks_of,
    series_of,
    summaries_of,
)

from ..export import as_json, csv_file
from ..looks import CHOICES, looked
from ..site import Site, site_of
from ..view import View, whole
from .tabs import tab_page

__all__ = ["ROUTES", "began_of", "lines_json"]

#: Plots on a page, rows of a table of values, and how many points all these tables may have together.
_PLOTS, _ROWS, _POINTS = 40, 100, 100_000
#: Series in a plot: more than that nobody tells apart, and no address has room for their names.
_SERIES = 60


class Plot(NamedTuple):
    """A plot: the metrics in it, how many of its title aren't (`left_out`), the address of their points."""

    title: str
    series: list[Summary]
    left_out: int
    url: str
    rows: list[tuple[int, list[float | None]]]
    row_count: int


def page(request: Request) -> Response:
    """The tab."""
    site = site_of(request)
    model = site.store.head(request.path_params["model_id"])
    view, chosen = _view(request, model)
    found = summaries_of(site.store, model.id)
    text = view.first("q").lower()
    wanted = [each for each in found if text in each.name.lower()]
    groups: dict[str, list[Summary]] = {}
    for each in wanted:
        if each.last.iteration >= 0:
            groups.setdefault(each.title if chosen["group"] == "title" else each.name, []).append(each)
    plots = _plots(site, model, dict(list(groups.items())[:_PLOTS]))
    values = {
        "view": view,
        "chosen": chosen,
        "choices": CHOICES,
        "plots": plots,
        "left_out": len(groups) - len(plots),
        "single": [each for each in wanted if each.last.iteration < 0],
        "has_any": bool(found),
        "base": f"/models/{model.id}/scalars",
    }
    return tab_page(request, "model_scalars.html", "model-scalars", model, values)


def _view(request: Request, model: ModelRecord) -> tuple[View, dict[str, Any]]:
    asked = request.query_params
    chosen = looked(asked)
    values = {"q": (asked["q"],)} if asked.get("q", "").strip() else {}
    return View(f"/models/{model.id}/scalars", values), chosen


def _plots(site: Site, model: ModelRecord, groups: dict[str, list[Summary]]) -> list[Plot]:
    whole = {title: len(group) for title, group in groups.items()}
    groups = {title: group[:_SERIES] for title, group in groups.items()}
    names = {each.name for group in groups.values() for each in group}
    is_small = sum(each.size for group in groups.values() for each in group) <= _POINTS
    read = series_of(site.store, [model.id], names) if is_small and names else []
    points = {each.name: each.points for each in read if not each.is_single}
    found = []
    for title, group in groups.items():
        view = View("", {"name": tuple(each.name for each in group)})
        url = f"/models/{model.id}/scalars.json?{view.query}"
        rows = _rows([points.get(each.name, ()) for each in group])
        left_out = whole[title] - len(group)
        found.append(Plot(title, group, left_out, url, rows[-_ROWS:][::-1], len(rows)))
    return found


def _rows(series: Sequence[Sequence[Point]]) -> list[tuple[int, list[float | None]]]:
    """One row for each iteration, with a value of each series that has one there."""
    by_iteration: dict[int, list[float | None]] = {}
    for place, points in enumerate(series):
        for point in points:
            by_iteration.setdefault(point.iteration, [None] * len(series))[place] = point.value
    return sorted(by_iteration.items())


def scalars_json(
    site: Site, models: Sequence[ModelRecord], names: Sequence[str], most: int
) -> dict[str, Any]:
    """The scalars of models as JSON; `names` if not all of them, `most` points of each unless it is 0."""
    ids = [each.id for each in models]
    began = {each.id: began_of(site, each) for each in models}
    answer = {
        "schema": plain.SCHEMA,
        "models": [{"id": each.id, "name": each.name, "began": iso(began[each.id])} for each in models],
        "versions": [
            {
                "model_id": each.model_id,
                "version": each.version,
                "iteration": each.iteration,
                "created": iso(each.time),
            }
            for each in marks_of(site.store, ids)
        ],
    }
    if most:
        return {**answer, **lines_json(lines_of(site.store, ids, names or None, most))}
    found = series_of(site.store, ids, names or None)
    return {
        **answer,
        "series": [line_json(each, len(each.points)) for each in found if not each.is_single],
        "single": [
            {"model_id": each.model_id, "name": each.name, "value": point.value, "time": iso(point.time)}
            for each in found
            if each.is_single
            for point in each.points
        ],
    }


def lines_json(found: Lines) -> dict[str, Any]:
    """Lines to draw as JSON."""
    series = [line_json(each, each.size) for each in found.lines]
    return {"series": series, "left_out": found.left_out}


def line_json(line: Series | Line, count: int) -> dict[str, Any]:
    """A series, or what is drawn of its `count` points."""
    return {
        "model_id": line.model_id,
        "name": line.name,
        "count": count,
        "iteration": [each.iteration for each in line.points],
        "value": [each.value for each in line.points],
        "time": [iso(each.time) for each in line.points],
    }


def began_of(site: Site, model: ModelRecord) -> float | None:
    """When the task of a model started."""
    if model.task_id is None:
        return None
    try:
        return site.store.task_head(model.task_id).started
    except NotFound:  # taken away meanwhile
        return None


def as_twin(request: Request) -> Response:
    """The scalars as JSON: `name` chooses some of them, `points` how many of each at most."""
    site = site_of(request)
    model = site.store.head(request.path_params["model_id"])
    most = whole(request.query_params.get("points", ""), 7) or 0
    answer = scalars_json(site, [model], request.query_params.getlist("name"), most)
    return Response(as_json(answer), media_type="application/json")


def as_csv(request: Request) -> Response:
    """All scalars, a line for each point."""
    site = site_of(request)
    model = site.store.head(request.path_params["model_id"])
    names = request.query_params.getlist("name")
    names = names or [each.name for each in summaries_of(site.store, model.id)]

    def lines() -> Iterator[list[Any]]:
        yield ["name", "iteration", "value", "time"]
        # One after the other: all together may be more than there is memory for.
        for name in sorted(set(names)):
            for each in series_of(site.store, [model.id], [name]):
                for point in each.points:
                    iteration = None if point.iteration < 0 else point.iteration
                    yield [each.name, iteration, point.value, iso(point.time)]

    return csv_file(lines(), "scalars.csv")


ROUTES = (
    Route("/models/{model_id}/scalars", page, name="model-scalars"),
    Route("/models/{model_id}/scalars.json", as_twin, name="model-scalars-json"),
    Route("/models/{model_id}/scalars.csv", as_csv, name="model-scalars-csv"),
)
