"""What a framework knows of a model object: its design and its labels, each told once for an object."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from autolog import _guard

__all__ = ["Descriptions"]

_DESIGN_LIMIT = 100_000
#: Labels beyond so many are not an enumeration of classes but something else.
_LABELS = 10_000


class Descriptions:
    """Designs and labels, worked out once for a model object and path: they cost time per layer."""

    def __init__(self) -> None:
        #: What was described last at a path, by what was asked of it.
        self._described: dict[tuple[str, str], Callable[[], Any]] = {}

    def design(self, hook: Any, subject: Any, path: str) -> str | None:
        """The network design, None if it was told or there is none."""
        text = self._once("describe", hook.design, subject, path)
        return None if text is None else str(text)[:_DESIGN_LIMIT]

    def labels(self, hook: Any, subject: Any, path: str) -> dict[str, int]:
        """The label enumeration; empty if it was told: most runs never change it."""
        found = self._once("read the labels of", hook.labels, subject, path) or {}
        return {str(key): int(value) for key, value in found.items()} if len(found) <= _LABELS else {}

    def _once(self, what: str, tell: Any, subject: Any, path: str) -> Any:
        if tell is None or subject is None:
            return None
        known = self._described.get((what, path))
        if known is not None and known() is subject:
            return None
        self._described[what, path] = _weakly(subject)
        with _guard.guard(f"{what} a {type(subject).__qualname__}", quiet=True):
            return tell(subject)
        return None


def _weakly(subject: Any) -> Callable[[], Any]:
    """What gives an object as long as it lives; afterwards another one may get its address, and so its id."""
    try:
        return weakref.ref(subject)
    except TypeError:
        return lambda: None
