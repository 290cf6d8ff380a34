"""What we know about each framework: one file each, data first."""

from ._discover import discover, discover_outside
from ._shape import (
    Bundle,
    Call,
    Hook,
    Left,
    Point,
    folder,
    knows,
    load,
    mute,
    opens,
    origin,
    part,
    prefix,
    save,
    series,
    source,
)
from ._sort import Verdict, sort

__all__ = [
    "Bundle",
    "Call",
    "Hook",
    "Left",
    "Point",
    "Verdict",
    "discover",
    "discover_outside",
    "folder",
    "knows",
    "load",
    "mute",
    "opens",
    "origin",
    "part",
    "prefix",
    "save",
    "series",
    "sort",
    "source",
]
