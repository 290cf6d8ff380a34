"""How a model is had elsewhere: commands and lines of Python, ready to be copied."""

from __future__ import annotations

import shlex
from functools import lru_cache

from autolog.config import load, mask
from autolog.errors import AutologError
from autolog.store import ModelRecord

from .site import Site

__all__ = ["command", "python_lines"]

#: Formats that are only loaded by somebody who says that they trust them.
_PICKLED = ("pickle", "joblib", "skops", "torch legacy")


def command(site: Site, *words: str) -> str:
    """A command of ours, with the options that lead to this very store from where nothing is set."""
    options = [each for name, value in _elsewhere(site) for each in (f"--{name}", value)]
    return shlex.join(["autolog", *words, *options])


def python_lines(site: Site, model: ModelRecord) -> str:
    """What one writes to have a model in Python."""
    given = "".join(f", {name}={value!r}" for name, value in _elsewhere(site))
    newest = model.snapshots[-1].contents if model.snapshots else None
    is_pickled = newest is not None and newest.format.startswith(_PICKLED)
    loaded = "model.load(trusted=True)  # runs what is in the file" if is_pickled else "model.load()"
    lines = [
        "import autolog",
        "",
        f'model = autolog.get("{model.id}"{given})',
        "path = model.get_local_copy()",
        f"weights = {loaded}",
    ]
    return "\n".join(lines)


def _elsewhere(site: Site) -> tuple[tuple[str, str], ...]:
    return _options(site.settings.home, site.settings.store)


@lru_cache(maxsize=16)
def _options(home: str, store: str) -> tuple[tuple[str, str], ...]:
    """`--home` and `--store` as far as they aren't what everybody on this machine gets; passwords masked."""
    try:
        usual = load()
        its_own = load(home=home)
    except AutologError:
        return ()
    found = [] if home == usual.home else [("home", home)]
    if store != (usual.store if home == usual.home else its_own.store):
        found.append(("store", mask(store)))
    return tuple(found)
