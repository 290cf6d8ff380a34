"""Finds the hooks: every public module of this package, and the entry points of other packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

from ._shape import Hook

__all__ = ["discover", "discover_outside"]

_GROUP = "autolog.hooks"


def discover() -> tuple[Hook, ...]:
    """Our own hooks, in the order of their file names."""
    folder = os.path.dirname(__file__)
    names = {name.partition(".")[0] for name in os.listdir(folder) if name.endswith((".py", ".pyc"))}
    return tuple(import_module(f"{__package__}.{name}").hook for name in sorted(names) if name[0] != "_")


def discover_outside(guard: Callable[[str], AbstractContextManager[Any]] | None = None) -> Iterator[Hook]:
    """Hooks that other distributions offer under the entry point group `autolog.hooks`.

    One that can't be imported raises, unless `guard("load the hook ...")` swallows that: then the
    others are found all the same.
    """
    if not any(_GROUP.encode() in text for text in _entry_point_files()):
        return
    from importlib.metadata import entry_points

    for point in entry_points(group=_GROUP):
        found: list[Hook] = []
        with nullcontext() if guard is None else guard(f"load the hook {point.name!r}"):
            loaded = point.load()
            if isinstance(loaded, Hook):
                found.append(loaded)
            else:
                sys.stderr.write(f"autolog: the entry point {point.name!r} is not a Hook; left out.\n")
        yield from found


def _entry_point_files() -> Iterator[bytes]:
    """The raw text of every installed distribution's entry points.

    Hardly anybody has a hook of their own, and everybody pays for looking: `importlib.metadata`
    parses all of these files, which takes several times as long as seeing that none names our group.
    """
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                try:
                    with open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
                        yield file.read()
                except OSError:
                    continue
