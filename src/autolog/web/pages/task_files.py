"""Files that a task keeps, by task and name and never by path: as downloads, and pictures to look at."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog import keeping
from autolog.errors import BadValue
from autolog.store import ArtifactRecord, find_artifact

from ..downloading import download
from ..site import site_of

__all__ = ["ROUTES", "is_shown_as_image"]

#: What a picture begins with. SVG isn't among them: it can hold scripts.
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_LARGEST = 10_000_000
_HEADERS = {"content-security-policy": "sandbox; default-src 'none'", "content-disposition": "inline"}


def artifact(request: Request) -> Response:
    """The file of an artifact."""
    site, record = site_of(request), _record(request)
    found = keeping.artifact_stream(record, site.settings)
    return download(found.open(), found.name, found.size, is_head=request.method == "HEAD")


def picture(request: Request) -> Response:
    """The file of an artifact that is a picture, to be shown in the page."""
    site, record = site_of(request), _record(request)
    if record.size > _LARGEST:
        raise BadValue(f"pictures of over {_LARGEST:,} bytes aren't shown; download it instead")
    data = b"".join(bytes(each) for each in keeping.artifact_stream(record, site.settings).open())
    kind = _kind(data)
    if kind is None:
        raise BadValue("this artifact is no picture that can be shown; download it instead")
    return Response(data, media_type=kind, headers=_HEADERS)


def is_shown_as_image(record: ArtifactRecord) -> bool:
    """Whether a page shows it as a picture: by its name, since its bytes are only read then."""
    names = (".png", ".jpg", ".jpeg", ".gif", ".webp")
    return record.size <= _LARGEST and record.path.lower().endswith(names)


def _record(request: Request) -> ArtifactRecord:
    name = request.query_params.get("name", "")
    return find_artifact(site_of(request).store, request.path_params["task_id"], name)


def _kind(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _PICTURES if data.startswith(start)), None)


ROUTES = (
    Route("/tasks/{task_id}/artifact", artifact, name="task-artifact"),
    Route("/tasks/{task_id}/artifact/picture", picture, name="task-picture"),
)
