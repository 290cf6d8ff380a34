"""What went wrong, as a page or as JSON; a traceback goes to the terminal and never to the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from autolog.errors import (
    AutologError,
    DestinationError,
    IntegrityError,
    InUse,
    NotFound,
    Published,
    StoreAway,
    StoreError,
    StoreLocked,
    StoreMissing,
    WeightsUnavailable,
)
from autolog.shown.plain import SCHEMA

from .export import as_json
from .site import SAFE_HEADERS, site_of

__all__ = ["HANDLERS", "HAS_COME_IN", "Overtaken", "refusal"]

#: In a request's scope: whether it holds the session, or the token.
HAS_COME_IN = "autolog.has_come_in"


class Overtaken(AutologError):
    """What was to be changed is something else by now than was known of it; `now` is what it is."""

    def __init__(self, message: str, now: Any) -> None:
        super().__init__(message)
        self.now = now


def refusal(request: Request, status: int, title: str, message: str, **more: Any) -> Response:
    """An answer that says what is wrong, in the form that was asked for; `more` is for JSON alone.

    For those who haven't come in it has nothing on it that only others may see.
    """
    wants_json = request.url.path.endswith(".json") or request.method not in ("GET", "HEAD")
    if wants_json or "application/json" in request.headers.get("accept", ""):
        answer = {"schema": SCHEMA, "status": status, "error": message, **more}
        return Response(as_json(answer), status, media_type="application/json")
    values = {"status": status, "title": title, "message": message}
    template = "error.html" if request.scope.get(HAS_COME_IN) else "refused.html"
    return site_of(request).page(request, template, values, status=status)


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    titles = {
        404: ("Nothing is here", "There is no page at this address. It may have been removed."),
        405: ("Not that way", f"{request.method} means nothing here."),
    }
    title, message = titles.get(error.status_code, ("This can't be done", str(error.detail)))
    answer = refusal(request, error.status_code, title, message)
    answer.headers.update(error.headers or {})
    return answer


def _of_ours(request: Request, error: Exception) -> Response:
    if isinstance(error, NotFound):
        return refusal(request, 404, "Nothing is here", str(error))
    if isinstance(error, WeightsUnavailable):
        return refusal(request, 404, "These bytes are not to be had", str(error))
    if isinstance(error, IntegrityError):
        return refusal(request, 500, "These bytes are damaged", str(error))
    if isinstance(error, DestinationError):
        return refusal(request, 503, "The place of these bytes is away", str(error))
    if isinstance(error, Overtaken):
        return refusal(request, 409, "This can't be done", str(error), now=error.now)
    if isinstance(error, (Published, InUse)):
        return refusal(request, 409, "This can't be done", str(error))
    if isinstance(error, (StoreAway, StoreLocked, StoreMissing)):
        return refusal(request, 503, "The store is away", str(error))
    if isinstance(error, StoreError):
        return refusal(request, 500, "The store can't answer", str(error))
    return refusal(request, 400, "This can't be done", str(error))


def _of_a_bug(request: Request, error: Exception) -> Response:
    message = "That is our fault. The terminal where `autolog ui` runs says more."
    answer = refusal(request, 500, "Something broke", message)
    # This one is made outside of the guard.
    answer.headers.update(SAFE_HEADERS)
    return answer


#: For Starlette: kind of error -> what is answered.
HANDLERS: Mapping[Any, Callable[[Request, Exception], Response]] = {
    HTTPException: _of_http,
    AutologError: _of_ours,
    Exception: _of_a_bug,
}
