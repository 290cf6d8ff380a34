"""How places elsewhere are reached: what their drivers are given, and how often something is tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["PLAINLY", "Reach", "is_remote"]


def is_remote(url: str) -> bool:
    """Whether it is a URL and not a folder of this machine."""
    scheme, mark, _ = url.partition("://")
    return bool(mark) and scheme not in ("file", "local")


class Reach(NamedTuple):
    """How places elsewhere are reached: as in the settings.

    `options` has, by the beginning of a URL, what its driver is given; what fails is tried `retries` times
    more; `workers` files of a snapshot are sent side by side.
    """

    options: Mapping[str, Mapping[str, Any]] = {}
    retries: int = 3
    workers: int = 2

    def options_for(self, url: str) -> Mapping[str, Any]:
        """What the driver of a URL is given: the options of the longest beginning that fits."""
        fitting = [prefix for prefix in self.options if _begins(url, prefix)]
        return self.options[max(fitting, key=len)] if fitting else {}


def _begins(url: str, prefix: str) -> bool:
    """Whether a URL begins so, and ends there or goes on below it: `s3://a` is no beginning of `s3://ab`."""
    return url == prefix or url.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


#: As drivers reach a place by themselves.
PLAINLY = Reach()
