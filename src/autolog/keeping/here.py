"""What this machine knows of places: its home, how others are reached, where those of others are mounted."""

from __future__ import annotations

import os
from typing import TypeAlias

from autolog.config import Settings
from autolog.content import PLAINLY, Reach

__all__ = ["Here", "home_of", "mounted", "reach_of", "seen_at"]

#: The folder of everything local; or the settings, which also say how places elsewhere are reached
#: (`storage_options`, `upload`) and where folders of other machines are mounted (`path_substitution`).
Here: TypeAlias = str | Settings


def home_of(here: Here) -> str:
    """The folder of everything local."""
    return here if isinstance(here, str) else here.home


def reach_of(here: Here) -> Reach:
    """How places elsewhere are reached."""
    if isinstance(here, str):
        return PLAINLY
    return Reach(here.storage_options, here.upload_retries, here.upload_workers)


def mounted(path: str, here: Here) -> str | None:
    """Where a recorded path or URL is looked for on this machine by `path_substitution`; None: nowhere.

    Of several prefixes that fit the longest counts.
    """
    rules = () if isinstance(here, str) else here.path_substitution
    fitting = [rule for rule in rules if path == rule[0] or path.startswith(rule[0].rstrip("/") + "/")]
    if not fitting:
        return None
    prefix, mount = max(fitting, key=lambda rule: len(rule[0]))
    return os.path.join(mount, path[len(prefix) :].lstrip("/")).rstrip("/") or "/"


def seen_at(path: str | None, here: Here) -> list[str]:
    """Where a file that was recorded at this path may be: there, and where that is mounted here."""
    found = [path or ""]
    if path and (mount := mounted(path, here)):
        found.append(mount)
    return found
