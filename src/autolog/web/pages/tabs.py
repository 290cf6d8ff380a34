"""The tabs of a model's page. A tab is a module with a route of one of these names, and a template.

Its template extends `model.html` and fills the block `tab`; it is filled by `tab_page`. Tabs whose routes
aren't there are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse

from autolog.store import ModelRecord, state_of_model

from ..having import having
from ..live import mark_of
from ..site import has_route, site_of

__all__ = ["TABS", "Tab", "tab_page"]


class Tab(NamedTuple):
    """A part of a model's page: the name of its route, which takes `model_id`, and what it is called."""

    route: str
    title: str


#: In the order in which they are shown.
TABS = (
    Tab("model", "General"),
    Tab("model-snapshots", "Snapshots"),
    Tab("model-network", "Network"),
    Tab("model-labels", "Labels"),
    Tab("model-metadata", "Metadata"),
    Tab("model-lineage", "Lineage"),
    Tab("model-scalars", "Scalars"),
    Tab("model-plots", "Plots"),
)

#: Those that tell what has come while their task runs, and what is asked for that.
_LIVE = {"model": "", "model-snapshots": "", "model-scalars": "?of=scalars"}


def tab_page(
    request: Request, template: str, route: str, model: ModelRecord, values: Mapping[str, Any] | None = None
) -> HTMLResponse:
    """One tab of a model's page, below the header that all have; `model` needs no snapshots for that."""
    site = site_of(request)
    there = [each for each in TABS if has_route(request, each.route, model_id=model.id)]
    common = {
        "model": model,
        "tabs": [(each, request.app.url_path_for(each.route, model_id=model.id)) for each in there],
        "tab_route": route,
        "can_compare": has_route(request, "compare"),
        "having": having(site, model.id),
        "live_url": "",
    }
    if route in _LIVE:
        # What came while the page was made is told rather than missed.
        state = state_of_model(site.store, model.id)._replace(versions=model.versions)
        url = request.app.url_path_for("model-news-json", model_id=model.id)
        common["live_url"] = f"{url}{_LIVE[route]}" if state.is_running else ""
        common["live_mark"] = mark_of(state)
    return site.page(request, template, {**common, **(values or {})})
