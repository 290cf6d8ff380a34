"""The figures of a model: drawn by Plotly in the browser; tables and images without it; the data of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.errors import NotFound
from autolog.shown import plain
from autolog.shown.words import iso
from autolog.store import FigureRecord, drawn_figures, figures_of

from ..export import as_json, csv_file
from ..figures import Rows, image_of, is_table, rows_of
from ..site import SAFE_HEADERS, Site, site_of
from ..view import View, whole
from .tabs import tab_page

__all__ = ["ROUTES"]

#: Figures on a page, rows of a table among them and on a figure's own page, iterations that one may choose.
_FIGURES, _FEW, _ROWS, _ITERATIONS = 30, 20, 500, 1000
#: Tables of a figure: each of its traces is one.
_TABLES = 20
#: Figures may have images in them, and Plotly makes one to save a figure as a file; from elsewhere none come.
_POLICY = f"{SAFE_HEADERS['content-security-policy']}; img-src 'self' data: blob:"
#: An image by itself can do nothing at all.
_SANDBOX = {"content-security-policy": "default-src 'none'; sandbox", "content-disposition": "inline"}


class Shown(NamedTuple):
    """A figure as it is shown: `drawn` by Plotly, an `image`, or a `table` of `size` rows in all."""

    record: FigureRecord
    how: str
    tables: list[Rows]
    size: int
    iterations: list[int]
    url: str


def page(request: Request) -> Response:
    """The tab: of each title and series the newest figure, or the newest one up to the iteration `at`."""
    site = site_of(request)
    model = site.store.head(request.path_params["model_id"])
    asked = request.query_params
    view = View.of(f"/models/{model.id}/plots", [(key, value) for key, value in asked.items() if key == "q"])
    at = whole(asked.get("at", ""), 15)
    every = figures_of(site.store, model.id, drawn=False)
    text = view.first("q").lower()
    found = [each for each in every if text in f"{each.title}/{each.series}".lower()]
    groups: dict[tuple[str, str], list[FigureRecord]] = {}
    for each in found:
        groups.setdefault((each.title, each.series), []).append(each)
    chosen = [
        (upto[-1], [each.iteration for each in group if each.iteration is not None])
        for group in groups.values()
        if (upto := [each for each in group if at is None or (each.iteration or 0) <= at])
    ]
    start = (max(whole(asked.get("page", ""), 15) or 1, 1) - 1) * _FIGURES
    shown = _shown(site, model.id, chosen[start : start + _FIGURES], _FEW)
    iterations = sorted({each.iteration for each in every if each.iteration is not None}, reverse=True)
    values = {
        "view": view,
        "at": at,
        "iterations": iterations[:_ITERATIONS],
        "figures": shown,
        "total": len(chosen),
        "has_any": bool(every),
        "number": start // _FIGURES + 1,
        "has_more": len(chosen) > start + _FIGURES,
        "base": f"/models/{model.id}/plots",
    }
    answer = tab_page(request, "model_plots.html", "model-plots", model, values)
    answer.headers["content-security-policy"] = _POLICY
    return answer


def _shown(site: Site, model_id: str, chosen: list[tuple[FigureRecord, list[int]]], rows: int) -> list[Shown]:
    """How to show these; only what may be an image or a table is read for that."""
    undecided = [record.id for record, _ in chosen if record.kind in ("table", "figure")]
    read = drawn_figures(site.store, model_id, undecided) if undecided else {}
    found = []
    for record, iterations in chosen:
        figure = read[record.id].figure if record.id in read else {}
        how, tables = "drawn", []
        if figure and image_of(figure) is not None:
            how = "image"
        elif figure and is_table(figure):
            how, tables = "table", rows_of(figure)
        size = sum(len(each.rows) for each in tables)
        cut = [each._replace(rows=each.rows[:rows]) for each in tables[:_TABLES]]
        found.append(Shown(record, how, cut, size, iterations, f"/models/{model_id}/plots/{record.id}"))
    return found


def _one(request: Request) -> FigureRecord:
    """The figure that is asked for. Raises NotFound."""
    site, model_id = site_of(request), request.path_params["model_id"]
    site.store.head(model_id)
    number = whole(request.path_params["figure_id"], 15)
    found = {} if number is None else drawn_figures(site.store, model_id, [number])
    if number is None or number not in found:
        raise NotFound("the model has no such figure; it may have been replaced by a newer one")
    return found[number]


def figure(request: Request) -> Response:
    """One figure by itself, large, and its data as tables."""
    site, record = site_of(request), _one(request)
    model = site.store.head(record.model_id)
    (shown,) = _shown(site, model.id, [(record, [])], _ROWS)
    tables = rows_of(record.figure)
    others = figures_of(site.store, model.id, drawn=False)
    values = {
        "shown": shown,
        "others": [each for each in others if (each.title, each.series) == (record.title, record.series)],
        "tables": [each._replace(rows=each.rows[:_ROWS]) for each in tables[:_TABLES]],
        "sizes": [len(each.rows) for each in tables[:_TABLES]],
        "left": max(0, len(tables) - _TABLES),
        "base": f"/models/{model.id}/plots",
    }
    answer = tab_page(request, "model_plot.html", "model-plots", model, values)
    answer.headers["content-security-policy"] = _POLICY
    return answer


def figure_json(request: Request) -> Response:
    """One figure as JSON, for Plotly and others."""
    record = _one(request)
    answer = {"schema": plain.SCHEMA, **_json(record), "figure": dict(record.figure)}
    return Response(as_json(answer), media_type="application/json")


def figure_csv(request: Request) -> Response:
    """What one figure shows, table by table, each line beginning with the name of its table."""
    tables = rows_of(_one(request).figure)

    def lines() -> Iterator[list[Any]]:
        for table in tables:
            yield ["series", *table.heads]
            for row in table.rows:
                yield [table.name, *row]

    return csv_file(lines(), "figure.csv")


def figure_image(request: Request) -> Response:
    """A figure that is an image."""
    found = image_of(_one(request).figure)
    if found is None:
        raise NotFound("this figure is not an image; its data are at the same address with .json")
    return Response(found.data, media_type=found.kind, headers=_SANDBOX)


def as_twin(request: Request) -> Response:
    """All figures as JSON, without what they show; `url` is where that is."""
    site, model_id = site_of(request), request.path_params["model_id"]
    site.store.head(model_id)
    found = figures_of(site.store, model_id, drawn=False)
    answer = {
        "schema": plain.SCHEMA,
        "figures": [{**_json(each), "url": f"/models/{model_id}/plots/{each.id}.json"} for each in found],
    }
    return Response(as_json(answer), media_type="application/json")


def _json(record: FigureRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "model_id": record.model_id,
        "title": record.title,
        "series": record.series,
        "iteration": record.iteration,
        "kind": record.kind,
        "created": iso(record.created),
    }


ROUTES = (
    Route("/models/{model_id}/plots", page, name="model-plots"),
    Route("/models/{model_id}/plots.json", as_twin, name="model-plots-json"),
    Route("/models/{model_id}/plots/{figure_id}.json", figure_json, name="model-plot-json"),
    Route("/models/{model_id}/plots/{figure_id}.csv", figure_csv, name="model-plot-csv"),
    Route("/models/{model_id}/plots/{figure_id}/image", figure_image, name="model-plot-image"),
    Route("/models/{model_id}/plots/{figure_id}", figure, name="model-plot"),
)
