"""What people give us, seen to be what it has to be; typed errors say what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from autolog.config import mask
from autolog.errors import BadName, BadValue, DestinationError

__all__ = [
    "destination_of",
    "labels_of",
    "name_of",
    "number_of",
    "path_of",
    "statuses_of",
    "tags_of",
    "whole_number",
]

_LABELS = 1_000_000


def tags_of(tags: Iterable[str] | None) -> tuple[str, ...]:
    """Tags, each once, in their order. Raises BadName."""
    if isinstance(tags, str):
        raise BadName(f"tags are a list of texts, not the text {_short(tags)}; write [{_short(tags)}]")
    from autolog.store import check_tag

    return tuple(dict.fromkeys(map(check_tag, tags or ())))


def labels_of(labels: Mapping[str, int]) -> dict[str, int]:
    """A label enumeration. Raises BadValue."""
    if not isinstance(labels, Mapping):
        raise BadValue(f'labels map names to whole numbers, as {{"cat": 0}}; this is {_short(labels)}')
    if len(labels) > _LABELS:
        raise BadValue(f"there may be {_LABELS:,} labels; these are {len(labels):,}")
    found: dict[str, int] = {}
    for name, number in labels.items():
        if not isinstance(name, str):
            raise BadValue(f"a label's name is text, not {_short(name)}")
        found[name] = whole_number(number, f"the number of the label {_short(name)}")
    return found


def statuses_of(task_filter: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The statuses that are asked for, by our words or ClearML's; None for any. Raises BadValue."""
    if not task_filter:
        return None
    if others := sorted(set(task_filter) - {"status"}):
        raise BadValue(f"task_filter knows status, and not {', '.join(map(_short, others))}")
    asked = task_filter["status"]
    names = [asked] if isinstance(asked, str) else list(asked)
    words = {"in_progress": "running", "closed": "completed"}
    return frozenset(words.get(str(each), str(each)) for each in names)


def name_of(value: Any, what: str) -> str:
    """A name. Raises BadName."""
    from autolog.store import check_name

    check_name(value, what)
    return str(value)


def number_of(value: Any, what: str) -> float:
    """A number, also one of NumPy's or of a tensor. Raises BadValue."""
    if not isinstance(value, (str, bytes, bool)) and value is not None:
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise BadValue(f"{what} has to be a number, not {_short(value)}")


def whole_number(value: Any, what: str) -> int:
    """A whole number of 64 bits, also one of NumPy's. Raises BadValue."""
    if not isinstance(value, bool) and hasattr(value, "__index__"):
        number = int(value.__index__())
        if -(1 << 63) <= number < 1 << 63:
            return number
    raise BadValue(f"{what} has to be a whole number, not {_short(value)}")


def path_of(path: Any, what: str) -> str:
    """A path as text. Raises BadValue."""
    if isinstance(path, (str, bytes, os.PathLike)) and path:
        return os.fsdecode(path)
    raise BadValue(f"{what} has to be a path, not {_short(path)}")


def destination_of(value: bool | str | os.PathLike[str] | None) -> str:
    """Where weights go: empty for nowhere, `true` for the content store, else a folder's whole path or a URL.

    Raises BadValue, and DestinationError for a URL with a password in it, which would have to be written
    down.
    """
    from autolog.config import destination

    if value is None or isinstance(value, bool):
        return destination(bool(value))
    chosen = destination(path_of(value, "a destination"))
    if mask(chosen) != chosen:
        raise DestinationError(
            f"{mask(chosen)} has a password in it, which would be written down with every snapshot; give it"
            " through storage_options in autolog.toml, or the environment that its driver reads"
        )
    return chosen


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
