"""Numbers and times as people read them."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autolog.store import TaskRecord

__all__ = ["age", "count", "digest", "duration", "iso", "keeping", "lasted", "moment", "size", "standing"]

_SPANS = ((86400 * 365, "y"), (86400 * 30, "mo"), (86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_PAIRS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def size(value: int | None) -> str:
    """Bytes: `980 B`, `1.5 MB` (powers of 1000)."""
    return "" if value is None else _scaled(value, ("B", "kB", "MB", "GB", "TB", "PB"), " ")


def count(value: int | None) -> str:
    """A large number: `980`, `1.5M`."""
    return "" if value is None else _scaled(value, ("", "k", "M", "G", "T", "P"), "")


def _scaled(value: int, units: tuple[str, ...], gap: str) -> str:
    number = float(value)
    for unit in units:
        if number < 999.5 or unit == units[-1]:
            digits = 0 if unit == units[0] or number >= 99.5 else 1
            return f"{number:.{digits}f}{gap}{unit}"
        number /= 1000
    raise AssertionError("the last unit always fits")


def keeping(value: str) -> str:
    """Whether a version's bytes are kept: `yes`, `waits`, `no`; empty if nobody asked for it."""
    return {"kept": "yes", "waiting": "waits", "": ""}.get(value, "no")


def standing(value: str) -> str:
    """Where a version's bytes are, from its state: `at its path`, `kept`, `overwritten`, `gone`..."""
    return value.replace("at_path", "at its path").replace("_", " ")


def digest(value: str | None) -> str:
    """The first 12 hex digits."""
    return "" if value is None else value.partition(":")[2][:12]


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 14 min`, `3 d 1 h`."""
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for span, unit, small, small_unit in _PAIRS:
        if whole >= span:
            rest = whole % span // small
            return f"{whole // span} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def lasted(record: TaskRecord) -> float | None:
    """Seconds from a task's start to its end; of one that runs until now, None where its end is unknown."""
    if record.finished is not None:
        return record.finished - record.started
    return time.time() - record.started if record.status == "running" else None


def age(when: float | None) -> str:
    """`now`, `5 min ago`, `3 d ago`."""
    if when is None:
        return ""
    gone = time.time() - when
    for span, unit in _SPANS:
        if gone >= span:
            return f"{int(gone // span)} {unit} ago"
    return "now"


def moment(when: float | None) -> str:
    """Local time to the second."""
    return "" if when is None else datetime.fromtimestamp(when).strftime("%Y-%m-%d %H:%M:%S")


def iso(when: float | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond: `2026-01-31T12:00:00.000Z`."""
    if when is None:
        return None
    text = datetime.fromtimestamp(when, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
