"""Finds the hooks: every public module of this package, and the entry points of other packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module

from ._shape import Hook

__all__ = ["discover", "discover_outside"]


def discover() -> tuple[Hook, ...]:
    """Our own hooks, in the order of their file names."""
    folder = os.path.dirname(__file__)
    names = {name.partition(".")[0] for name in os.listdir(folder) if name.endswith((".py", ".pyc"))}
    return tuple(import_module(f"{__package__}.{name}").hook for name in sorted(names) if name[0] != "_")


def discover_outside() -> Iterator[Hook]:
    """Hooks that other distributions offer under the entry point group `autolog.hooks`.

    Reading every distribution's metadata costs several milliseconds, so a folder is only opened
    when its `entry_points.txt` names the group.
    """
    from importlib.metadata import EntryPoints, entry_points

    found: EntryPoints = entry_points(group="autolog.hooks")
    for point in found:
        loaded = point.load()
        if isinstance(loaded, Hook):
            yield loaded
        else:
            sys.stderr.write(f"autolog: the entry point {point.name!r} is not a Hook; left out.\n")
