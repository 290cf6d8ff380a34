"""Taking hold of several files that are one snapshot: a folder, or all that begin with a prefix."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice

from autolog.events import Part
from autolog.files import facts_from, folder_facts
from autolog.hooks import Bundle

from .pin import Pin, pin_path

__all__ = ["files_of", "pin_bundle"]

#: So many parts are held open, the weights first; the agent finds the others by their names.
_HELD = 12
#: So many files are looked at: no checkpoint has more, and a folder named by mistake may.
_MOST = 4096
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0)


def files_of(bundle: Bundle) -> Iterator[str]:
    """The names of a bundle's files as they are now, without the stem."""
    deep = any("/" in pattern or "**" in pattern for pattern in bundle.names)
    for name in islice(_walk(bundle.root, "", deep=deep), _MOST):
        if name.startswith(bundle.stem):
            name = name[len(bundle.stem) :]
            if _matches(name, bundle.names):
                yield name


def pin_bundle(bundle: Bundle) -> Pin | None:
    """Hold what a bundle consists of now; None if there is nothing. A single file is held as a file.

    `bundle` has absolute paths.
    """
    names = sorted(files_of(bundle))
    is_folder = not bundle.stem and bundle.path == bundle.root
    base = os.path.join(bundle.root, bundle.stem)  # with a slash at its end for a folder
    if not names:
        return None
    if not is_folder and len(names) == 1 and base + names[0] == bundle.path:
        return pin_path(bundle.path)
    weights = {name for name in names if _matches(name, bundle.weights)} or set(names)
    held = set([*(name for name in names if name in weights), *names][:_HELD])
    pin = Pin(bundle.path, None)
    pin.base = base
    for name in names:
        found = pin_path(base + name) if name in held else _only_seen(base + name)
        if found is not None and found.facts is not None:
            pin.parts.append((Part(name, found.facts, name in weights), found.descriptor))
    if not pin.parts:
        return None
    if is_folder:
        pin.descriptor = os.open(bundle.root, _FOLDER)
        pin.facts = folder_facts(pin.descriptor)
    else:
        part, descriptor = next((each for each in pin.parts if each[0].weights), pin.parts[0])
        pin.lead, pin.facts = part.name, part.facts
        pin.descriptor = None if descriptor is None else os.dup(descriptor)
    return pin


def _only_seen(path: str) -> Pin | None:
    try:
        return Pin(path, None, facts_from(os.stat(path)))
    except OSError:
        return None  # it has just been taken away


def _walk(root: str, inside: str, *, deep: bool) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(os.path.join(root, inside)), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        name = f"{inside}{entry.name}"
        if entry.is_file():
            yield name
        elif deep and entry.is_dir(follow_symlinks=False):
            yield from _walk(root, f"{name}/", deep=deep)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(
        pattern == "**"
        or (fnmatchcase(name, pattern) and ("**" in pattern or name.count("/") == pattern.count("/")))
        for pattern in patterns
    )
