"""The table of tasks: the page, JSON, CSV, and its panel of filters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from autolog.errors import BadValue
from autolog.shown import plain
from autolog.shown.words import iso, lasted
from autolog.store import TASK_FACETS, TaskFilters, TaskPage, TaskRecord, TaskTable

from ..export import as_json, csv_file, streamed
from ..site import Site, site_of
from ..table import Chip
from ..view import View, tag_name, times

__all__ = ["ROUTES"]

_KNOWN = frozenset(("q", "tag", "tags", "started", "archived", "sort", "page", "limit", *TASK_FACETS))
_NOTHING = TaskPage((), None, None)


class _Column(NamedTuple):
    """A column; `kind` says how wide it is, `spare` on which screens it is left out, as for models."""

    key: str
    title: str
    kind: str
    value: Callable[[TaskRecord], Any]
    spare: int = 0
    starts_down: bool = False


_COLUMNS = (
    _Column("name", "Name", "name", lambda record: record.name),
    _Column("project", "Project", "text", lambda record: record.project),
    _Column("status", "Status", "status", lambda record: record.status),
    _Column("started", "Started", "time", lambda record: iso(record.started), starts_down=True),
    _Column("duration", "Duration", "number", lasted, spare=3, starts_down=True),
    _Column("user", "User", "text", lambda record: record.user, spare=4),
    _Column("in", "In", "count", lambda record: record.input_count, starts_down=True),
    _Column("out", "Out", "count", lambda record: record.output_count, starts_down=True),
    _Column("tags", "Tags", "tags", lambda record: ", ".join(record.tags), spare=3),
)
#: What CSV has besides.
_MORE = (
    _Column("id", "ID", "id", lambda record: record.id),
    _Column("finished", "Finished", "time", lambda record: iso(record.finished)),
    _Column("host", "Host", "text", lambda record: record.host),
    _Column("script", "Script", "text", lambda record: record.script),
)


class _Heading(NamedTuple):
    """The head of a column: where a click leads, one with shift, and how it is sorted and filtered by it."""

    column: _Column
    url: str
    add_url: str
    direction: str
    level: int
    filter_url: str
    is_lit: bool


def _view(request: Request) -> View:
    pairs = request.query_params.multi_items()
    return View.of("/tasks", pairs, known=_KNOWN.__contains__, usual=(("started", True),))


def _filters(view: View) -> TaskFilters:
    """What a view filters by. Raises BadValue."""
    tags = view.all("tag")
    excluded = tuple(each[1:] for each in tags if each.startswith("-") and len(each) > 1)
    wanted = tuple(tag_name(each) for each in tags if not (each.startswith("-") and len(each) > 1))
    needs_all = view.first("tags") == "all"
    return TaskFilters(
        text=view.first("q"),
        facets={name: view.all(name) for name in TASK_FACETS if view.all(name)},
        tags_any=() if needs_all else wanted,
        tags_all=wanted if needs_all else (),
        tags_not=excluded,
        started=times(view.first("started"), time.time()),
        archived=bool(view.first("archived")),
    )


def page(request: Request) -> Response:
    """The table."""
    site, view = site_of(request), _view(request)
    if not view.is_canonical:
        return RedirectResponse(view.url, 303)
    problem, found, total = "", _NOTHING, 0
    try:
        filters = _filters(view)
        found = _table(site).page(filters, view.order, at=view.first("page"), limit=view.limit)
        is_all = found.before is None and found.after is None
        total = len(found.rows) if is_all else _table(site).count(filters)
    except BadValue as error:
        problem = str(error)
    query = view.query
    values = {
        "view": view,
        "rows": [(each, lasted(each)) for each in found.rows],
        "page": found,
        "total": total,
        "problem": problem,
        "chips": _chips(view),
        "headings": _headings(view),
        "urls": {
            "csv": view.at(".csv").url,
            "all_csv": f"/tasks.csv?{query}&all=1" if query else "/tasks.csv?all=1",
            "json": view.at(".json").url,
            "filters": view.at("/filters").url,
        },
    }
    return site.page(request, "tasks.html", values, status=400 if problem else 200)


def page_json(request: Request) -> Response:
    """The page as JSON, or all that match with `all=1`."""
    site, view = site_of(request), _view(request)
    filters = _filters(view)
    if request.query_params.get("all"):
        return streamed(_json_lines(site, filters, view), "application/json")
    found = _table(site).page(filters, view.order, at=view.first("page"), limit=view.limit)
    answer = {
        "schema": plain.SCHEMA,
        "total": _table(site).count(filters),
        "next": found.after,
        "previous": found.before,
        "tasks": [plain.task_row(each) for each in found.rows],
    }
    return Response(as_json(answer), media_type="application/json")


def page_csv(request: Request) -> Response:
    """The page as CSV, or all that match with `all=1`."""
    site, view = site_of(request), _view(request)
    filters = _filters(view)
    table = _table(site)
    if request.query_params.get("all"):
        rows = table.each(filters, view.order)
    else:
        rows = iter(table.page(filters, view.order, at=view.first("page"), limit=view.limit).rows)
    return csv_file(_csv(rows), "tasks.csv")


def filter_panel(request: Request) -> Response:
    """Everything that the table can be filtered by."""
    site, view = site_of(request), _view(request)
    problem = ""
    try:
        filters = _filters(view)
    except BadValue as error:
        problem, filters = str(error), TaskFilters(archived=bool(view.first("archived")))
    facets = _table(site).facets(filters)
    return site.page(request, "task_filters.html", {"view": view, "facets": facets, "problem": problem})


def _table(site: Site) -> TaskTable:
    return TaskTable(site.store)


def _json_lines(site: Site, filters: TaskFilters, view: View) -> Iterator[str]:
    before = "[\n"
    for each in _table(site).each(filters, view.order):
        yield before + as_json(plain.task_row(each))
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _csv(rows: Iterator[TaskRecord]) -> Iterator[list[Any]]:
    columns = (*_COLUMNS, *_MORE)
    yield [each.key for each in columns]
    for row in rows:
        yield [each.value(row) for each in columns]


def _headings(view: View) -> list[_Heading]:
    order = [key for key, _ in view.order]
    down = dict(view.order)
    found = []
    for each in _COLUMNS:
        level = order.index(each.key) + 1 if each.key in order else 0
        facet = {"tags": "tag"}.get(each.key, each.key)
        can_filter = facet in (*TASK_FACETS, "tag", "started")
        found.append(
            _Heading(
                each,
                view.sorted_by(each.key, down=each.starts_down).url,
                view.sorted_by(each.key, adds=True, down=each.starts_down).url,
                ("descending" if down[each.key] else "ascending") if level else "none",
                level if len(order) > 1 else 0,
                f"{view.at('/filters').url}#f-{facet}" if can_filter else "",
                facet in view.values,
            )
        )
    return found


def _chips(view: View) -> list[Chip]:
    found = [Chip("contains", view.first("q"), view.but(q=None).url)] if view.first("q") else []
    for key in view.filter_keys:
        for value in view.all(key):
            is_excluded = key == "tag" and value.startswith("-") and len(value) > 1
            label = "not tagged" if is_excluded else key
            shown = value[1:] if is_excluded else tag_name(value) if key == "tag" else value
            found.append(Chip(label, shown, view.without(key, value).url))
    return found


ROUTES = (
    Route("/tasks", page, name="tasks"),
    Route("/tasks.json", page_json, name="tasks-json"),
    Route("/tasks.csv", page_csv, name="tasks-csv"),
    Route("/tasks/filters", filter_panel, name="tasks-filters"),
)
