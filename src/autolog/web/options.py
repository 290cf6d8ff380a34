"""What `autolog ui` was told, as the pages need it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """How the pages may be reached, and whether they may change anything.

    `token` opens them, and `ticket` does so once; `hosts` are the names in the Host header that are ours,
    without a port; with `any_address` so are all numeric addresses, since rebinding needs a name.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    ticket: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    port: int = 0
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    any_address: bool = False
    read_only: bool = False

    @property
    def cookie(self) -> str:
        """The cookie's name: cookies don't tell ports apart, and several of us may run."""
        return f"autolog-{self.port}"

    @property
    def session(self) -> str:
        """What the cookie holds. The token can't be had from it."""
        return self._derived("session")

    @property
    def csrf(self) -> str:
        """What a page hands to its scripts, and each write has to show."""
        return self._derived("csrf")

    def _derived(self, purpose: str) -> str:
        return hmac.new(self.token.encode(), purpose.encode(), hashlib.sha256).hexdigest()
