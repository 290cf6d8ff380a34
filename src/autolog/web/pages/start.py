"""The start page: what happened lately, or how to begin; and the list of keys."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.shown import plain
from autolog.shown.words import iso
from autolog.store import Filters, lately

from ..export import as_json
from ..site import site_of

__all__ = ["ROUTES", "favicon"]


def start(request: Request) -> Response:
    """What happened lately."""
    site = site_of(request)
    found = lately(site.store)
    mark = site.browsing.news(Filters(), None).mark
    return site.page(request, "start.html", {"lately": found, "mark": mark, "home": site.settings.home})


def start_json(request: Request) -> Response:
    """The same as JSON."""
    found = lately(site_of(request).store)
    answer = {
        "schema": plain.SCHEMA,
        "tasks": [plain.task(each) for each in found.tasks],
        "versions": [{**each._asdict(), "created": iso(each.created)} for each in found.versions],
        "task_count": found.task_count,
        "model_count": found.model_count,
        "version_count": found.version_count,
        "size": found.size,
        "fault_count": found.fault_count,
    }
    return Response(as_json(answer), media_type="application/json")


def keys(request: Request) -> Response:
    """The keys, for who has come without JavaScript."""
    return site_of(request).page(request, "keys.html", {})


def favicon(request: Request) -> Response:
    """The icon, at the place where browsers look without being told."""
    icon = files("autolog.web").joinpath("static/icon.svg").read_bytes()
    return Response(icon, media_type="image/svg+xml", headers={"cache-control": "max-age=86400"})


ROUTES = (
    Route("/", start, name="start"),
    Route("/index.json", start_json, name="start-json"),
    Route("/keys", keys, name="keys"),
)
