"""One model: the header of its page, and the tab of its facts."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.shown import plain

from ..export import as_json
from ..site import site_of
from .tabs import tab_page

__all__ = ["ROUTES"]


def detail(request: Request) -> Response:
    """The page."""
    record = site_of(request).store.model(request.path_params["model_id"])
    return tab_page(request, "model_general.html", "model", record)


def detail_json(request: Request) -> Response:
    """The same as JSON."""
    record = site_of(request).store.model(request.path_params["model_id"])
    answer = {"schema": plain.SCHEMA, **plain.model(record)}
    return Response(as_json(answer), media_type="application/json")


ROUTES = (
    Route("/models/{model_id}.json", detail_json, name="model-json"),
    Route("/models/{model_id}", detail, name="model"),
)
