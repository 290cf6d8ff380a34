"""What we know about each framework: one file each, data first."""

from ._discover import discover, discover_outside
from ._shape import Call, Hook, Point, load, mute, origin, save
from ._sort import Verdict, sort

__all__ = [
    "Call",
    "Hook",
    "Point",
    "Verdict",
    "discover",
    "discover_outside",
    "load",
    "mute",
    "origin",
    "save",
    "sort",
]
