"""Whether there is anything to download of a model, and why not: what a row's menu asks when it opens."""

from __future__ import annotations

import os

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog import keeping
from autolog.keeping.here import seen_at
from autolog.keeping.restore import why_not
from autolog.shown import plain
from autolog.store import SnapshotRecord

from ..export import as_json
from ..site import Site, site_of

__all__ = ["ROUTES"]


def download_json(request: Request) -> Response:
    """The newest version that can be downloaded as `version`, or none and `why`."""
    site = site_of(request)
    model = site.store.model(request.path_params["model_id"])
    found = next((each for each in reversed(model.snapshots) if _is_there(site, each)), None)
    why = ""
    if found is None:
        why = f"{why_not(model.snapshots[-1])}." if model.snapshots else "It has no versions any more."
    answer = {"schema": plain.SCHEMA, "id": model.id, "version": found and found.version, "why": why}
    return Response(as_json(answer), media_type="application/json")


def _is_there(site: Site, snapshot: SnapshotRecord) -> bool:
    """As the records say, and whether there is a file: if it still is the same is seen when it is read."""
    if snapshot.keeping == "kept":
        return True
    if snapshot.digest is None:
        return False
    if snapshot.state == "at_path" and "://" not in (snapshot.uri or ""):
        names = [each[0] for each in keeping.files_of(snapshot)]
        for uri in seen_at(snapshot.uri, site.settings):
            layout = keeping.layout_of(uri, names)
            if names and all(os.path.isfile(layout.at_own_path(each)) for each in names):
                return True
    # The same bytes may be kept for another version.
    return not snapshot.parts and bool(site.kept.files_like([snapshot.digest]))


ROUTES = (Route("/models/{model_id}/download.json", download_json, name="model-download-json"),)
