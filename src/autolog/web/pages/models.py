"""The table of models and that of the archive: pages, JSON and CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from autolog.errors import NotFound
from autolog.shown import plain
from autolog.store import ModelRecord, Row

from ..columns import columns_of, keys_of
from ..export import as_json, csv_lines, json_lines, row_to_json, streamed
from ..site import Site, has_route, site_of
from ..table import filters_of, table_of, view_of
from ..view import View
from .tabs import TABS

__all__ = ["ROUTES"]


def page(request: Request) -> Response:
    """The table."""
    site, view = site_of(request), view_of(request)
    if not view.is_canonical:
        return RedirectResponse(view.url, 303)
    table = table_of(site, view)
    values = {
        "table": table,
        "view": view,
        "is_archive": view.base == "/archive",
        "beside": _beside(request, site, view),
        "can_compare": has_route(request, "compare"),
        "can_download": has_route(request, "model-download", model_id="0"),
    }
    return site.page(request, "models.html", values, status=400 if table.problem else 200)


class _Tab(NamedTuple):
    """A tab of a model: its own page, and the address that shows it beside the list."""

    title: str
    page: str
    beside: str
    is_current: bool


class _Beside(NamedTuple):
    """The model that a split view shows beside the list; `url` is its tab's page, empty for the first."""

    model: ModelRecord
    tabs: list[_Tab]
    url: str


def _beside(request: Request, site: Site, view: View) -> _Beside | None:
    if view.first("view") != "split" or not view.first("model"):
        return None
    try:
        model = site.store.model(view.first("model"))
    except NotFound:
        return None
    there = [each for each in TABS if has_route(request, each.route, model_id=model.id)]
    chosen = next((each for each in there if each.route == f"model-{view.first('tab')}"), there[0])
    tabs, url = [], ""
    for each in there:
        here = view.changed({"tab": each.route.removeprefix("model-") if each is not there[0] else None})
        here = here.but(page=view.first("page"))
        page = str(request.app.url_path_for(each.route, model_id=model.id))
        tabs.append(_Tab(each.title, page, here.url, each is chosen))
        url = page if each is chosen and each is not there[0] else url
    return _Beside(model, tabs, url)


def page_json(request: Request) -> Response:
    """The page as JSON, or all that match with `all=1`."""
    site, view = site_of(request), view_of(request)
    filters, columns = filters_of(site, view), columns_of(view)
    if request.query_params.get("all"):
        return streamed(json_lines(site, view, filters, columns), "application/json")
    found = site.browsing.page(
        filters, view.order, numbers=keys_of(columns), at=view.first("page"), limit=view.limit, designs=True
    )
    answer = {
        "schema": plain.SCHEMA,
        "total": site.browsing.count(filters),
        "stopped": filters.is_cut,
        "next": found.after,
        "previous": found.before,
        "models": [row_to_json(each) for each in found.rows],
    }
    return Response(as_json(answer), media_type="application/json")


def page_csv(request: Request) -> Response:
    """The page as CSV, or all that match with `all=1`; the columns that are shown."""
    site, view = site_of(request), view_of(request)
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
    site, view = site_of(request), view_of(request)
    found = site.browsing.news(filters_of(site, view), request.query_params.get("since") or None)
    return Response(as_json({"schema": plain.SCHEMA, **asdict(found)}), media_type="application/json")


def touched(request: Request) -> Response:
    """How many models meet the filters, and how many of them are drafts."""
    site, view = site_of(request), view_of(request)
    filters = filters_of(site, view)
    answer = {
        "schema": plain.SCHEMA,
        # Not a number that is remembered for a moment: it is what somebody is asked to confirm.
        "all": len(site.browsing.ids(filters)),
        "drafts": site.browsing.drafts(filters),
    }
    return Response(as_json(answer), media_type="application/json")


def _routes(base: str, name: str) -> Iterator[Route]:
    route = partial(Route, methods=["GET"])
    yield route(base, page, name=name)
    yield route(f"{base}.json", page_json, name=f"{name}-json")
    yield route(f"{base}.csv", page_csv, name=f"{name}-csv")
    yield route(f"{base}/news.json", news, name=f"{name}-news")
    yield route(f"{base}/touched.json", touched, name=f"{name}-touched")


ROUTES = (*_routes("/models", "models"), *_routes("/archive", "archive"))
