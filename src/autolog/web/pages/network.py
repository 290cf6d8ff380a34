"""What a model looks like inside: the text of its design, and the tensors in its files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.shown import plain
from autolog.store import ModelRecord, SnapshotRecord, model_at, model_to_look_into

from ..export import as_json, csv_file
from ..inside import Inside, look
from ..site import site_of
from ..tensors import Leaf, leaves_of, tree_of
from ..view import whole
from .tabs import tab_page

__all__ = ["ROUTES"]

#: Tensors that one page lists; the others are found by searching, or in the CSV.
_MOST_LISTED = 2_000


def network(request: Request) -> Response:
    """The page."""
    model, snapshot, inside, leaves = _found(request)
    wanted = request.query_params.get("q", "").strip()
    chosen = [each for each in leaves if wanted.lower() in each.name.lower()]
    values = {
        "snapshot": snapshot,
        "inside": inside,
        "design": model.design,
        "lines": len(model.design.splitlines()) if model.design else 0,
        "tree": tree_of(chosen[:_MOST_LISTED]) if chosen else None,
        "q": wanted,
        "listed": min(len(chosen), _MOST_LISTED),
        "matching": len(chosen),
        "count": len(leaves),
        "elements": sum(each.parameters for each in leaves),
        "size": sum(each.size or 0 for each in leaves),
    }
    return tab_page(request, "model_network.html", "model-network", model, values)


def network_json(request: Request) -> Response:
    """Design and tensors as JSON."""
    model, snapshot, inside, leaves = _found(request)
    contents = inside.contents
    answer = {
        "schema": plain.SCHEMA,
        "id": model.id,
        "design": model.design,
        "version": None if snapshot is None else snapshot.version,
        "format": None if contents is None else contents.format,
        "parameters": None if contents is None else contents.parameters,
        "dangerous": [] if contents is None else list(contents.dangerous),
        "details": {} if contents is None else dict(contents.details),
        "problem": inside.problem,
        "tensors": [
            {
                "name": each.name,
                "shape": list(each.shape),
                "dtype": each.dtype,
                "parameters": each.parameters,
                "size": each.size,
                "share": each.share,
            }
            for each in leaves
        ],
    }
    return Response(as_json(answer), media_type="application/json")


def network_csv(request: Request) -> Response:
    """The tensors as CSV."""
    _, _, _, leaves = _found(request)

    def cells() -> Iterator[list[Any]]:
        yield ["name", "shape", "dtype", "parameters", "size", "share"]
        for each in leaves:
            shape = "x".join(map(str, each.shape))
            yield [each.name, shape, each.dtype, each.parameters, each.size, each.share]

    return csv_file(cells(), "tensors.csv")


def _found(request: Request) -> tuple[ModelRecord, SnapshotRecord | None, Inside, list[Leaf]]:
    """The model, the version that is meant (the newest that can be looked into), and what is inside."""
    site = site_of(request)
    model_id = request.path_params["model_id"]
    asked = whole(request.query_params.get("version", "").removeprefix("v"))
    if asked is not None:
        model = model_at(site.store, model_id, asked)
    else:
        model = model_to_look_into(site.store, model_id)
    if not model.snapshots:
        return model, None, Inside(), []
    snapshot = model.snapshots[0]
    inside = look(site, snapshot, wanted="read" in request.query_params)
    tensors = () if inside.contents is None else inside.contents.tensors
    return model, snapshot, inside, leaves_of(tensors)


ROUTES = (
    Route("/models/{model_id}/network", network, name="model-network"),
    Route("/models/{model_id}/network.json", network_json, name="model-network-json"),
    Route("/models/{model_id}/network.csv", network_csv, name="model-network-csv"),
)
