"""What opens above the table of models: its filters, one set of their values, its columns; also as pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from autolog.errors import BadValue, NotFound, WhereError
from autolog.shown import plain
from autolog.store import FACETS, RANGES, Filters, ValueSet

from ..columns import COLUMNS, column_of, columns_of, with_columns
from ..export import as_json
from ..site import Site, site_of
from ..table import filters_of, task_name, view_of
from ..view import View, join_list, tag_name

__all__ = ["ROUTES"]

#: Metrics and metadata keys that a panel offers without being asked; those in force are always there.
_OFFERED = 200
#: Sets that are counted as soon as a panel opens; the others are asked for by themselves.
_AT_ONCE = ("framework", "status", "project", "user")
_KINDS = ("metric", "min", "max")
_EMPTY = ValueSet((), True)


def filter_panel(request: Request) -> Response:
    """Everything that the table can be filtered by."""
    site, view = site_of(request), view_of(request)
    filters, problem = _filters(site, view)
    finds = {key[5:]: text for key, text in request.query_params.items() if key.startswith("find.") and text}
    opened = set(request.query_params.getlist("open"))
    sets = {}
    for name in (*FACETS, "tag", *_metadata(site, view, finds.get("meta", ""))):
        is_asked = name in _AT_ONCE or name in finds or name in opened
        sets[name] = site.browsing.values(filters, name, finds.get(name, "")) if is_asked else None
    values = {
        "view": view,
        "sets": sets,
        "selected": _selected(site, view, sets),
        "finds": finds,
        "opened": sorted(opened & sets.keys()),
        "metrics": _metrics(site, view, finds.get("metric", "")),
        "keys": [name for name in sets if name.startswith("meta.")],
        "ranged": [key for key in view.values if key.partition(".")[0] in _KINDS],
        "ranges": RANGES,
        "problem": problem,
    }
    return site.page(request, "filters.html", values)


def value_set(request: Request) -> Response:
    """One set of values, those with some text in them: what a panel asks for, as a page."""
    site, view = site_of(request), view_of(request)
    name, find = _which(request)
    filters, problem = _filters(site, view)
    sets: dict[str, ValueSet | None] = {name: site.browsing.values(filters, name, find)}
    values = {
        "view": view,
        "sets": sets,
        "selected": _selected(site, view, sets),
        "name": name,
        "find": find,
        "problem": problem,
    }
    return site.page(request, "values.html", values)


def value_set_json(request: Request) -> Response:
    """The same as JSON."""
    site, view = site_of(request), view_of(request)
    name, find = _which(request)
    found = site.browsing.values(filters_of(site, view), name, find)
    answer = {
        "schema": plain.SCHEMA,
        "of": name,
        "values": [asdict(each) for each in found.values],
        "all": found.is_all,
    }
    return Response(as_json(answer), media_type="application/json")


def column_panel(request: Request) -> Response:
    """Which columns there are, which are shown, and in which order."""
    site, view = site_of(request), view_of(request)
    if wanted := request.query_params.getlist("column"):
        changed = with_columns(view, wanted)
        if "open" not in request.query_params:
            return RedirectResponse(changed.url, 303)
        view = changed
    shown, find = [each.key for each in columns_of(view)], request.query_params.get("find.column", "")
    offered = [each.key for each in COLUMNS if find.lower() in each.title.lower()]
    for name in site.browsing.metric_names(find)[:_OFFERED]:
        offered += [f"{kind}.{name}" for kind in _KINDS]
    offered += [f"meta.{key}" for key in site.browsing.metadata_keys(find)[:_OFFERED]]
    titles = {key: column.title for key in (*shown, *offered) if (column := column_of(key))}
    moves = {key: _moves(view, shown, at) for at, key in enumerate(shown)}
    values = {
        "view": view,
        "shown": shown,
        "others": [each for each in offered if each not in shown],
        "titles": titles,
        "moves": moves,
        "usual": join_list(each.key for each in COLUMNS if each.is_shown),
        "find": find,
    }
    return site.page(request, "columns.html", values)


def _filters(site: Site, view: View) -> tuple[Filters, str]:
    """What a view filters by, and what is wrong with it: then it filters by nothing."""
    try:
        return filters_of(site, view), ""
    except (BadValue, WhereError) as error:
        return view.cleared.filters(time.time()), str(error)


def _which(request: Request) -> tuple[str, str]:
    """The set that is asked for, and the text that its values are to have. Raises NotFound."""
    name = request.query_params.get("of", "")
    if name not in (*FACETS, "tag") and not (name.startswith("meta.") and name != "meta."):
        raise NotFound("`of` is one of " + ", ".join((*FACETS, "tag", "meta.KEY")))
    return name, request.query_params.get(f"find.{name}", "")


def _metadata(site: Site, view: View, find: str) -> list[str]:
    """The keys of metadata that have a set in the panel: those in force, then the others."""
    own = [key for key in view.values if key.startswith("meta.")]
    return list(
        dict.fromkeys((*own, *(f"meta.{each}" for each in site.browsing.metadata_keys(find)[:_OFFERED])))
    )


def _metrics(site: Site, view: View, find: str) -> list[str]:
    """The names of metrics that have ranges in the panel, those in force first."""
    own = [key.partition(".")[2] for key in view.values if key.partition(".")[0] in _KINDS]
    return list(dict.fromkeys((*own, *site.browsing.metric_names(find)[:_OFFERED])))


def _selected(site: Site, view: View, sets: dict[str, ValueSet | None]) -> dict[str, list[tuple[str, str]]]:
    """What is chosen in each set and isn't listed: what stands for it, and its name."""
    found = {}
    for name, values in sets.items():
        listed = {each.value or "(none)" for each in (values or _EMPTY).values}
        chosen = [tag_name(each) for each in view.all("tag")] if name == "tag" else view.all(name)
        left = [each for each in dict.fromkeys(chosen) if each not in listed]
        is_task = name == "task"
        found[name] = [
            (each, task_name(site, each) if is_task and each != "(none)" else each) for each in left
        ]
    return found


def _moves(view: View, shown: list[str], at: int) -> tuple[str, str]:
    """The addresses of this panel with a column one further left, and one further right."""
    found = []
    for to in (at - 1, at + 1):
        keys = [each for each in shown if each != shown[at]]
        keys.insert(max(0, to), shown[at])
        found.append(with_columns(view, keys).at("/columns").url if 0 <= to < len(shown) else "")
    return found[0], found[1]


def _routes(base: str, name: str) -> Iterator[Route]:
    route = partial[Any](Route, methods=["GET"])
    yield route(f"{base}/filters", filter_panel, name=f"{name}-filters")
    yield route(f"{base}/values", value_set, name=f"{name}-values")
    yield route(f"{base}/values.json", value_set_json, name=f"{name}-values-json")
    yield route(f"{base}/columns", column_panel, name=f"{name}-columns")


ROUTES = (*_routes("/models", "models"), *_routes("/archive", "archive"))
