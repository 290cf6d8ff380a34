"""Where a model comes from and where it went: a table of its tasks, and the graph around it or a task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.shown import plain
from autolog.shown.words import iso
from autolog.store import Lineage, LineageModel, LineageTask, Use, Uses, lineage_of, uses_of

from ..export import as_json, csv_file
from ..graph import Graph, as_dot, as_mermaid, collapsed, graph_of
from ..layering import Drawing, Point, Sizes, lay_out
from ..site import site_of
from ..view import View, tag_name, tag_value, whole
from . import task
from .tabs import tab_page

__all__ = ["ROUTES", "picture"]

_ROWS = 50
#: Tasks each way that are read for a picture: far more than are drawn.
_TASKS = 500
#: Tags that the filter offers.
_OFFERED = 100
_KEYS = ("q", "tag", "status", "before")
_SIZES = Sizes(width=208, height=46)
_COLUMNS = ("role", "version", "task", "task_id", "project", "status", "user", "tags", "count", "when")


class Table(NamedTuple):
    """The rows that are shown, how many there are of all, and what there is to filter by."""

    rows: list[Use]
    matching: int
    total: int
    is_cut: bool
    statuses: list[str]
    tags: list[str]
    older: str


class Picture(NamedTuple):
    """The graph as it is drawn."""

    graph: Graph
    drawing: Drawing
    #: Keys of nodes in the order in which one reads them, and the one that the page is about.
    order: list[str]
    focus: str
    #: For each edge what it is, and its path.
    lines: list[tuple[str, str]]
    left_out: int
    is_cut: bool


def page(request: Request) -> Response:
    """The tab of a model."""
    site, model_id = site_of(request), request.path_params["model_id"]
    model = site.store.head(model_id)
    view = _view(request)
    values = {
        "view": view,
        "table": _table(uses_of(site.store, model_id), view),
        "picture": picture(lineage_of(site.store, model_id=model_id, limit=_TASKS), model_id),
        "base": f"/models/{model_id}/lineage",
    }
    return tab_page(request, "model_lineage.html", "model-lineage", model, values)


def page_of_task(request: Request) -> Response:
    """The page of a task: the graph alone, since its models are on its own page."""
    site, task_id = site_of(request), request.path_params["task_id"]
    record = site.store.task_head(task_id)
    found = picture(lineage_of(site.store, task_id=task_id, limit=_TASKS), task_id)
    values = {"picture": found, "base": f"/tasks/{task_id}/lineage"}
    return task.tab_page(request, "task_lineage.html", "task-lineage", record, values)


def _lineage(request: Request) -> tuple[Lineage, str]:
    store, names = site_of(request).store, request.path_params
    if "model_id" in names:
        return lineage_of(store, model_id=names["model_id"]), names["model_id"]
    return lineage_of(store, task_id=names["task_id"]), names["task_id"]


def as_twin(request: Request) -> Response:
    """The same as JSON: tasks, models, and who loaded what; of a model also the rows of its table."""
    lineage, focus = _lineage(request)
    answer: dict[str, Any] = {
        "schema": plain.SCHEMA,
        "focus": {"kind": "model" if "model_id" in request.path_params else "task", "id": focus},
        "cut": lineage.is_cut,
        "tasks": [_task_json(each) for each in lineage.tasks.values()],
        "models": [_model_json(each) for each in lineage.models.values()],
        "loads": [{"task_id": each.task_id, **plain.given(each)} for each in lineage.loads],
    }
    if "model_id" in request.path_params:
        rows = _filtered(uses_of(site_of(request).store, focus).rows, _view(request))
        answer["uses"] = [_use_json(each) for each in rows]
    return Response(as_json(answer), media_type="application/json")


def as_csv(request: Request) -> Response:
    """The table, all rows that meet its filters."""
    uses = uses_of(site_of(request).store, request.path_params["model_id"])
    rows = _filtered(uses.rows, _view(request))

    def lines() -> Iterator[list[Any]]:
        yield list(_COLUMNS)
        for each in rows:
            about = _use_json(each)
            yield [", ".join(each.tags) if name == "tags" else about[name] for name in _COLUMNS]

    return csv_file(lines(), "lineage.csv")


def as_text(request: Request) -> Response:
    """The whole graph for Graphviz or Mermaid."""
    is_dot = request.url.path.endswith(".dot")
    graph = graph_of(*_lineage(request))
    text = "\n".join(as_dot(graph) if is_dot else as_mermaid(graph)) + "\n"
    name = "lineage.dot" if is_dot else "lineage.mermaid"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)


def _view(request: Request) -> View:
    pairs = [each for each in request.query_params.multi_items() if each[0] in _KEYS and each[1].strip()]
    values = {key: (value,) for key, value in reversed(pairs)}
    return View(f"/models/{request.path_params['model_id']}/lineage", values)


def _filtered(rows: Iterable[Use], view: View) -> list[Use]:
    text, status, tag = view.first("q").lower(), view.first("status"), view.first("tag")
    return [
        each
        for each in rows
        if (not text or any(text in part.lower() for part in (each.task_name, each.task_id, each.project)))
        and (not status or each.status == status)
        and (not tag or tag_name(tag) in each.tags)
    ]


def _table(uses: Uses, view: View) -> Table:
    found = _filtered(uses.rows, view)
    mark = whole(view.first("before"), 18)
    left = found if mark is None else [each for each in found if each.role == "loaded" and each.key < mark]
    tags = Counter(tag for each in uses.rows for tag in each.tags)
    rows = left[:_ROWS]
    return Table(
        rows=rows,
        matching=len(found),
        total=len(uses.rows),
        is_cut=uses.is_cut,
        statuses=sorted({each.status for each in uses.rows}),
        tags=[tag_value(tag) for tag, _ in tags.most_common(_OFFERED)],
        older=view.but(before=str(rows[-1].key)).url if len(left) > len(rows) else "",
    )


def picture(lineage: Lineage, focus: str) -> Picture:
    """The graph of a lineage, laid out; `focus` is the id of the model or the task that it is about."""
    whole = graph_of(lineage, focus)
    graph = collapsed(whole)
    drawing = lay_out(list(graph.nodes), [(each.source, each.target) for each in graph.edges], _SIZES)
    order = sorted(graph.nodes, key=lambda key: (drawing.boxes[key].layer, drawing.boxes[key].y))
    lines = [
        ("own" if each.own else "", _path(drawing.routes[each.source, each.target])) for each in graph.edges
    ]
    marked = [key for key, node in graph.nodes.items() if node.is_focus]
    drawn = sum(node.kind != "more" for node in graph.nodes.values())
    return Picture(
        graph, drawing, order, marked[-1] if marked else "", lines, len(whole.nodes) - drawn, lineage.is_cut
    )


def _path(points: Iterable[Point]) -> str:
    """A path that is straight within layers, and bends between them."""
    first, *rest = points
    parts, before = [f"M{first.x:g} {first.y:.1f}"], first
    for point in rest:
        if point.y == before.y:
            parts.append(f"H{point.x:g}")
        else:
            middle = (before.x + point.x) / 2
            parts.append(f"C{middle:g} {before.y:.1f} {middle:g} {point.y:.1f} {point.x:g} {point.y:.1f}")
        before = point
    return "".join(parts)


def _task_json(found: LineageTask) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "project": found.project,
        "status": found.status,
        "started": iso(found.started),
    }


def _model_json(model: LineageModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "framework": model.framework,
        "archived": model.archived,
        "task_id": model.task_id,
        "origin": model.origin,
        "newest": model.newest,
        "digest": model.digest,
        "versions": model.versions,
    }


def _use_json(use: Use) -> dict[str, Any]:
    return {
        "role": use.role,
        "version": use.version,
        "task": use.task_name,
        "task_id": use.task_id,
        "project": use.project,
        "status": use.status,
        "user": use.user,
        "tags": list(use.tags),
        "own": use.own,
        "count": use.count,
        "when": iso(use.when),
    }


def _routes() -> Iterator[Route]:
    for kind, endpoint in (("model", page), ("task", page_of_task)):
        base = f"/{kind}s/{{{kind}_id}}/lineage"
        yield Route(base, endpoint, name=f"{kind}-lineage")
        yield Route(f"{base}.json", as_twin, name=f"{kind}-lineage-json")
        yield Route(f"{base}.dot", as_text, name=f"{kind}-lineage-dot")
        yield Route(f"{base}.mermaid", as_text, name=f"{kind}-lineage-mermaid")
    yield Route("/models/{model_id}/lineage.csv", as_csv, name="model-lineage-csv")


ROUTES = tuple(_routes())
