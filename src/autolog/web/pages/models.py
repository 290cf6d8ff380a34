"""The table of models and that of the archive: pages, JSON, CSV, and the panels beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from autolog.errors import BadValue, NotFound, WhereError
from autolog.shown import plain
from autolog.store import Row

from ..columns import COLUMNS, column_of, columns_of, keys_of, with_columns
from ..export import as_json, csv_lines, json_lines, row_to_json, streamed
from ..site import Site, has_route, site_of
from ..table import filters_of, table_of
from ..view import View

__all__ = ["ROUTES"]

#: Metrics and metadata keys that a panel offers without being asked; those in force are always there.
_OFFERED = 200


def _view(request: Request) -> View:
    base = "/archive" if request.url.path.startswith("/archive") else "/models"
    return View.of(base, request.query_params.multi_items())


def page(request: Request) -> Response:
    """The table."""
    site, view = site_of(request), _view(request)
    if not view.is_canonical:
        return RedirectResponse(view.url, 303)
    table = table_of(site, view)
    detail = _beside(site, view)
    values = {
        "table": table,
        "view": view,
        "is_archive": view.base == "/archive",
        "detail": detail,
        "can_compare": has_route(request, "compare"),
        "can_download": has_route(request, "model-download", model_id="0"),
    }
    return site.page(request, "models.html", values, status=400 if table.problem else 200)


def _beside(site: Site, view: View) -> object:
    """The model that a split view shows beside the list."""
    if view.first("view") != "split" or not view.first("model"):
        return None
    try:
        return site.store.model(view.first("model"))
    except NotFound:
        return None


def page_json(request: Request) -> Response:
    """The page as JSON, or all that match with `all=1`."""
    site, view = site_of(request), _view(request)
    filters, columns = filters_of(site, view), columns_of(view)
    if request.query_params.get("all"):
        return streamed(json_lines(site, view, filters, columns), "application/json")
    found = site.browsing.page(
        filters, view.order, numbers=keys_of(columns), at=view.first("page"), limit=view.limit, designs=True
    )
    answer = {
        "schema": plain.SCHEMA,
        "total": site.browsing.count(filters),
        "next": found.after,
        "previous": found.before,
        "models": [row_to_json(each) for each in found.rows],
    }
    return Response(as_json(answer), media_type="application/json")


def page_csv(request: Request) -> Response:
    """The page as CSV, or all that match with `all=1`; the columns that are shown."""
    site, view = site_of(request), _view(request)
    filters, columns = filters_of(site, view), columns_of(view)
    rows: Iterator[Row]
    if request.query_params.get("all"):
        rows = site.browsing.each(filters, view.order, numbers=keys_of(columns))
    else:
        found = site.browsing.page(
            filters, view.order, numbers=keys_of(columns), at=view.first("page"), limit=view.limit
        )
        rows = iter(found.rows)
    name = view.base.strip("/")
    return streamed(csv_lines(rows, columns), "text/csv", f"{name}.csv")


def news(request: Request) -> Response:
    """How many versions have come since `since`, of models that meet the filters."""
    site, view = site_of(request), _view(request)
    since = request.query_params.get("since", "")
    mark = int(since) if since.isascii() and since.isdecimal() and len(since) < 19 else None
    found = site.browsing.news(filters_of(site, view), mark)
    return Response(as_json({"schema": plain.SCHEMA, **asdict(found)}), media_type="application/json")


def touched(request: Request) -> Response:
    """How many models meet the filters, and how many of them are drafts."""
    site, view = site_of(request), _view(request)
    filters = filters_of(site, view)
    answer = {
        "schema": plain.SCHEMA,
        "all": site.browsing.count(filters),
        "drafts": site.browsing.drafts(filters),
    }
    return Response(as_json(answer), media_type="application/json")


def filter_panel(request: Request) -> Response:
    """Everything that the table can be filtered by."""
    site, view = site_of(request), _view(request)
    problem = ""
    try:
        filters = filters_of(site, view)
    except (BadValue, WhereError) as error:
        problem, filters = str(error), view.cleared.filters(time.time())
    facets = site.browsing.facets(filters)
    offered = dict.fromkeys([key for key in facets if key in view.values or not key.startswith("meta.")])
    offered |= dict.fromkeys([key for key in sorted(facets) if key not in offered][:_OFFERED])
    metrics = dict.fromkeys(f"metric.{each}" for each in site.browsing.metric_names()[:_OFFERED])
    metrics |= dict.fromkeys(key for key in view.values if key.startswith(("metric.", "min.", "max.")))
    listed = {key: facets[key] for key in offered}
    values = {"view": view, "facets": listed, "metrics": list(metrics), "problem": problem}
    return site.page(request, "filters.html", values)


def column_panel(request: Request) -> Response:
    """Which columns there are, which are shown, and in which order."""
    site, view = site_of(request), _view(request)
    shown = [each.key for each in columns_of(view)]
    if wanted := request.query_params.getlist("column"):
        return RedirectResponse(with_columns(view, wanted).url, 303)
    offered = [each.key for each in COLUMNS]
    for name in site.browsing.metric_names()[:_OFFERED]:
        offered += [f"metric.{name}", f"min.{name}", f"max.{name}"]
    offered += [f"meta.{key}" for key in site.browsing.metadata_keys()[:_OFFERED]]
    titles = {key: column.title for key in (*shown, *offered) if (column := column_of(key))}
    moves = {key: _moves(view, shown, at) for at, key in enumerate(shown)}
    values = {
        "view": view,
        "shown": shown,
        "others": [each for each in offered if each not in shown],
        "titles": titles,
        "moves": moves,
    }
    return site.page(request, "columns.html", values)


def _moves(view: View, shown: list[str], at: int) -> tuple[str, str]:
    """The addresses of this panel with a column one further left, and one further right."""
    found = []
    for to in (at - 1, at + 1):
        keys = [each for each in shown if each != shown[at]]
        keys.insert(max(0, to), shown[at])
        found.append(with_columns(view, keys).at("/columns").url if 0 <= to < len(shown) else "")
    return found[0], found[1]


def _routes(base: str, name: str) -> Iterator[Route]:
    route = partial(Route, methods=["GET"])
    yield route(base, page, name=name)
    yield route(f"{base}.json", page_json, name=f"{name}-json")
    yield route(f"{base}.csv", page_csv, name=f"{name}-csv")
    yield route(f"{base}/news.json", news, name=f"{name}-news")
    yield route(f"{base}/touched.json", touched, name=f"{name}-touched")
    yield route(f"{base}/filters", filter_panel, name=f"{name}-filters")
    yield route(f"{base}/columns", column_panel, name=f"{name}-columns")


ROUTES = (*_routes("/models", "models"), *_routes("/archive", "archive"))
