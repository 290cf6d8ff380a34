"""Puts the pages together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from .errors import HANDLERS
from .guarding import Guard
from .options import Options
from .pages import routes
from .site import Site

if TYPE_CHECKING:
    from autolog.config import Settings
    from autolog.store import Kept, Store

__all__ = ["create_app"]


def create_app(store: Store, kept: Kept, settings: Settings, options: Options) -> Starlette:
    """The pages over an open store; whoever opened it closes it. `settings` say how to reach kept bytes."""
    app = Starlette(
        routes=[
            *routes(),
            Mount("/static", StaticFiles(packages=[("autolog.web", "static")]), name="static"),
        ],
        middleware=[Middleware(Guard, options=options)],
        exception_handlers=HANDLERS,
    )
    app.state.site = Site(store, kept, settings, options)
    return app
