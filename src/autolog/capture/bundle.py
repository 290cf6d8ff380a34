"""Taking hold of several files that are one snapshot: a folder, or all that begin with a prefix."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice

from autolog.events import Part
from autolog.files import facts_from, folder_facts
from autolog.hooks import Bundle

from .pin import Pin, pin_path

__all__ = ["base_of", "files_of", "has_file", "look_at", "pin_bundle"]

#: So many parts are held open, the weights first; the agent finds the others by their names.
_HELD = 12
#: No checkpoint has more files, and a folder named by mistake may: each costs time on the thread that saves.
_MOST = 4096
#: Nanoseconds within which a filesystem may give two changes of a file the same time.
_TICK = 10_000_000
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0)


def base_of(bundle: Bundle) -> str:
    """What stands before the name of each of its files: with a slash at its end for a folder."""
    return os.path.join(bundle.root, bundle.stem)


def has_file(bundle: Bundle, path: str) -> bool:
    """Whether a file at this path is one of a bundle's, by its name; whether it is there doesn't matter."""
    base = base_of(bundle)
    return path.startswith(base) and _matches(path[len(base) :], bundle.names)


def files_of(bundle: Bundle) -> Iterator[str]:
    """The names of a bundle's files as they are now, without the stem; at most one more than may be."""
    deep = any("/" in pattern or "**" in pattern for pattern in bundle.names)
    found = (name[len(bundle.stem) :] for name in _walk(bundle.root, "", bundle.stem, deep=deep))
    return islice((name for name in found if _matches(name, bundle.names)), _MOST + 1)


def look_at(bundle: Bundle) -> dict[str, tuple[int, int]]:
    """The inode and the time of the last change of each file that is there already, before a save.

    One that changed this very moment is left out: a second change would not show.
    """
    base = base_of(bundle)
    found = {}
    latest = time.time_ns() - _TICK
    for name in files_of(bundle):
        try:
            status = os.stat(base + name)
        except OSError:
            continue  # it has just been taken away
        if status.st_ctime_ns < latest:
            found[name] = (status.st_ino, status.st_ctime_ns)
    return found


def pin_bundle(bundle: Bundle, before: Mapping[str, tuple[int, int]] | None = None) -> Pin | None:
    """Hold what a bundle consists of now; None if there is nothing. A single file is held as a file.

    `bundle` has absolute paths. Weights that are still as they were `before` were left behind by an earlier
    save: they come along, but don't identify this one.
    """
    names = sorted(files_of(bundle))
    base = base_of(bundle)
    if not names:
        return None
    if len(names) == 1 and base + names[0] == bundle.path:
        return pin_path(bundle.path)
    pin = Pin(bundle.path, None)
    if len(names) > _MOST:
        pin.problem = f"there are more than {_MOST} files in it"
        return pin
    pin.base = base
    weights = {name for name in names if _matches(name, bundle.weights)} or set(names)
    held = set([*(name for name in names if name in weights), *names][:_HELD])
    try:
        for name in names:
            found = pin_path(base + name) if name in held else _only_seen(base + name)
            if found is not None and found.facts is not None:
                pin.parts.append((Part(name, found.facts, name in weights), found.descriptor))
        if not pin.parts:
            return None
        pin.parts = _without_left_behind(pin.parts, before or {})
        _lead(pin, bundle)
    except BaseException:
        pin.release()
        raise
    return pin


def _without_left_behind(
    parts: list[tuple[Part, int | None]], before: Mapping[str, tuple[int, int]]
) -> list[tuple[Part, int | None]]:
    """Weights that a save didn't touch are not its weights, unless it touched none at all."""
    old = {
        part.name
        for part, _ in parts
        if part.weights and before.get(part.name) == (part.facts.inode, part.facts.ctime_ns)
    }
    if not old or not any(part.weights and part.name not in old for part, _ in parts):
        return parts
    return [
        (part._replace(weights=False) if part.name in old else part, descriptor) for part, descriptor in parts
    ]


def _lead(pin: Pin, bundle: Bundle) -> None:
    """Hold what tells where all of it is moved to: the folder itself, or one of the files."""
    if not bundle.stem and bundle.path == bundle.root:
        pin.facts = folder_facts(os.stat(bundle.root))
        try:
            pin.descriptor = os.open(bundle.root, _FOLDER)
        except OSError:
            pass  # no descriptor is left, or it has just been renamed: then nobody follows it
        return
    part, descriptor = next((each for each in pin.parts if each[0].weights), pin.parts[0])
    pin.lead, pin.facts = part.name, part.facts
    pin.descriptor = None if descriptor is None else os.dup(descriptor)


def _only_seen(path: str) -> Pin | None:
    try:
        return Pin(path, None, facts_from(os.stat(path)))
    except OSError:
        return None  # it has just been taken away


def _walk(root: str, inside: str, stem: str, *, deep: bool) -> Iterator[str]:
    """Every file below a folder whose name there begins with `stem`."""
    try:
        entries = os.scandir(os.path.join(root, inside))
    except OSError:
        return
    with entries:
        for entry in entries:
            name = f"{inside}{entry.name}"
            if not name.startswith(stem):
                continue
            if entry.is_file():
                yield name
            elif deep and entry.is_dir(follow_symlinks=False):
                yield from _walk(root, f"{name}/", stem, deep=deep)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(
        pattern == "**"
        or (fnmatchcase(name, pattern) and ("**" in pattern or name.count("/") == pattern.count("/")))
        for pattern in patterns
    )
