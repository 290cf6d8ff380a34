"""Modules that are half imported when `init()` is called: by another thread, or further up the stack.

The import system marks a module's spec while the module executes and takes the mark off when it is
done (`ModuleSpec._initializing`). A spec of ours in its place tells that moment.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["is_importing", "when_imported"]


class _Watched(ModuleSpec):
    """A spec whose module is executing; turns back into a plain one when that is over."""

    @property
    def _initializing(self) -> bool:
        return bool(self.__dict__["_initializing"])

    @_initializing.setter
    def _initializing(self, value: bool) -> None:
        self.__dict__["_initializing"] = value
        if not value:
            then = self.__dict__.pop("_autolog")
            self.__class__ = ModuleSpec  # type: ignore[assignment]  # what it was
            module = sys.modules.get(self.name)
            if module is not None:  # else its import failed
                then(module)


def is_importing(module: ModuleType) -> bool:
    """Whether a module is still executing."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def when_imported(module: ModuleType, then: Callable[[ModuleType], Any]) -> None:
    """Call `then` with the module once it has executed. A spec of an unusual kind is left alone."""
    spec = module.__spec__
    if type(spec) is ModuleSpec:
        spec.__dict__["_autolog"] = then
        spec.__class__ = _Watched
