"""The web pages over a store: `autolog ui`. Nothing else imports this room, and Starlette only lives here."""

from .app import create_app
from .options import Options

__all__ = ["Options", "create_app"]
