"""Names imported early: `from torch import save` before `init()` binds the original in that module.

Module-level names that *are* a replaced function are pointed at the wrapper, and back on removal.
What isn't a module's own name (a `functools.partial`, a default argument, a class attribute) can't
be reached; the README says so.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

__all__ = ["Rebound", "rebind", "undo"]

#: A module's namespace, the name in it, the original and what stands there now.
Rebound = tuple[dict[str, Any], str, Any, Any]


def rebind(originals: Mapping[int, tuple[Any, Any]], inside: str | None = None) -> list[Rebound]:
    """Replace every module-level name bound to an original (by `id`) with its wrapper.

    With `inside`, only in the module of that name and in those below it.
    """
    changed: list[Rebound] = []
    if not originals:
        return changed
    for module in tuple(sys.modules.values()):
        # Asked of its type: cffi's libraries call themselves modules, and have no namespace.
        if not issubclass(type(module), ModuleType) or module.__name__.startswith("autolog."):
            continue
        if inside is not None and module.__name__ != inside and not module.__name__.startswith(f"{inside}."):
            continue
        # Lazy modules load themselves on any attribute access; their namespace is read past that.
        namespace: dict[str, Any] = object.__getattribute__(module, "__dict__")
        for name, value in tuple(namespace.items()):
            found = originals.get(id(value))
            if found is not None and found[0] is value:
                namespace[name] = found[1]
                changed.append((namespace, name, found[0], found[1]))
    return changed


def undo(changed: list[Rebound]) -> None:
    """Put the originals back where our wrapper still stands."""
    while changed:
        namespace, name, original, patched = changed.pop()
        if namespace.get(name) is patched:
            namespace[name] = original
