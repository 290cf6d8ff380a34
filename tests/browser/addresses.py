"""Which addresses are pages, and which route an address is of."""

from __future__ import annotations

import re

from autolog.web.pages import routes

__all__ = ["page_routes", "route_of"]

#: No pages: data, files, and what is asked in the background.
_DATA = re.compile(
    r"(\.json|\.csv|\.dot|\.mermaid|\.diff|\.ico|/file|/download|/artifact|/picture|/image)$|/files/"
)


def page_routes() -> list[str]:
    """The paths of all routes that answer with a page."""
    return [each.path for each in routes() if "GET" in each.methods and not _DATA.search(each.path)]


def route_of(address: str) -> str:
    """The path of the route that an address is of; the address itself if there is none."""
    path = address.partition("?")[0]
    for each in routes():
        if "GET" in each.methods and each.path_regex.match(path):
            return each.path
    return path
