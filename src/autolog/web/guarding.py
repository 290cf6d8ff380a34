"""Who may come in, and what every answer says to the browser.

Pages of other sites can make a browser send requests here, and by rebinding a name even read what comes
back. So each request has to name a host of ours and hold the session; one that writes has to come from a
page of ours as well.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import HAS_COME_IN, refusal
from .options import Options
from .site import SAFE_HEADERS, site_of

__all__ = ["LARGEST_BODY", "Guard"]

#: The most bytes that a request may bring along.
LARGEST_BODY = 8_000_000
#: No path of ours is longer, and the numbers in one are read before any page sees them.
_LONGEST_PATH = 1_000
#: What everybody may have: it is in the package, and the page that asks for the token needs it.
_OPEN = ("/static/", "/favicon.ico")
_READS = ("GET", "HEAD")


class Guard:
    """The outermost layer of the pages."""

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self._app = app
        self._options = options
        self._ticket = options.ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-cache")
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope, receive)
        answer = self._answer(request)
        scope[HAS_COME_IN] = answer is None and not scope["path"].startswith(_OPEN)
        await (answer or self._app)(scope, receive, sent)

    def _answer(self, request: Request) -> Response | None:
        """What is said instead of a page, None if the request may go on."""
        if not self._is_our_host(request.headers.get("host", "")):
            return refusal(request, 400, "This is another address", "These pages don't go by that name.")
        path = request.url.path
        if len(path) > _LONGEST_PATH:
            return refusal(request, 414, "Too long an address", "No page here has so long a name.")
        if path.startswith(_OPEN):
            return None if request.method in _READS else _not_allowed(request)
        if request.method not in (*_READS, "POST"):
            return _not_allowed(request)
        token = request.query_params.get("token")
        if token is not None and request.method == "GET":
            return self._opened(request, token)
        bearer = request.headers.get("authorization", "").partition("Bearer ")[2]
        by_token = bool(bearer) and _same(bearer, self._options.token)
        if not by_token and not self._has_session(request):
            return refusal(
                request,
                401,
                "Open the address with its token",
                "`autolog ui` prints an address that ends with a token. Open it once in this browser.",
            )
        return None if request.method in _READS else self._written(request, by_token=by_token)

    def _has_session(self, request: Request) -> bool:
        return _same(_cookie(request, self._options.cookie), self._options.session)

    def _written(self, request: Request, *, by_token: bool) -> Response | None:
        """Why a write is refused, None if it isn't."""
        if self._options.read_only:
            return refusal(request, 403, "Read only", "`autolog ui` was started with --read-only.")
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        is_ours = origin is not None and _host_of(origin) == request.headers.get("host")
        if (origin is None and not by_token) or (origin is not None and not is_ours) or site != "same-origin":
            return refusal(request, 403, "From elsewhere", "Only pages of this site may change anything.")
        if not by_token and not _same(request.headers.get("x-csrf-token", ""), self._options.csrf):
            return refusal(request, 403, "An old page", "Load this page again; it is of an earlier session.")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return refusal(request, 415, "Only JSON", "What is sent has to be application/json.")
        length = request.headers.get("content-length", "")
        if not length.isascii() or not length.isdecimal() or len(length) > 18:
            return refusal(request, 411, "How long?", "What is sent has to say its length.")
        if int(length) > LARGEST_BODY:
            return refusal(request, 413, "Too much", f"At most {LARGEST_BODY:,} bytes can be sent at once.")
        return None

    def _opened(self, request: Request, token: str) -> Response:
        """The session's cookie for who has the token, and on to the page that was asked for.

        The page goes on by itself, without a redirect: somebody who came by a link of another site would be
        redirected without a cookie that is SameSite=Strict.
        """
        if self._ticket and _same(token, self._ticket):
            self._ticket = ""
        elif not _same(token, self._options.token) and not self._has_session(request):
            return refusal(
                request, 401, "That token is not the right one", "Each start of `autolog ui` has its own."
            )
        rest = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
        # Two slashes would be another host.
        path = "/" + request.url.path.lstrip("/\\")
        address = path + (f"?{urlencode(rest)}" if rest else "")
        answer = site_of(request).page(request, "opening.html", {"address": address})
        answer.set_cookie(
            self._options.cookie, self._options.session, path="/", httponly=True, samesite="strict"
        )
        return answer

    def _is_our_host(self, header: str) -> bool:
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?", header, re.ASCII)
        if match is None or (self._options.port and int(match[2] or 80) != self._options.port):
            return False
        name = match[1].lower()
        if name in self._options.hosts:
            return True
        return self._options.any_address and _is_address(name.strip("[]"))


def _not_allowed(request: Request) -> Response:
    answer = refusal(request, 405, "Not that way", f"{request.method} means nothing here.")
    answer.headers["allow"] = ", ".join((*_READS, "POST"))
    return answer


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(request: Request, name: str) -> str:
    # Not Starlette's: of several cookies of one name the one with the longest path comes first, and is meant.
    for header in request.headers.getlist("cookie"):
        for part in header.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
    return ""


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
