"""The shape of a hook: what we know about one framework, as data.

A hook has no `try`, no state and imports no framework. `path` and `model` name parameters of the
original function, or are functions of the finished `Call`; positional, keyword, default, `Path` and
file-object arguments are then one case, which the core handles once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

__all__ = ["Call", "Hook", "Point", "load", "mute", "origin", "save"]


class Call(Protocol):
    """A finished call of a hooked function, as a hook sees it."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments by parameter name, defaults filled in."""

    @property
    def result(self) -> Any:
        """What the original returned."""


#: Names a parameter (`"fname"`), `"return"` for the returned value, or computes it from the call.
Pick = str | Callable[[Call], Any]


class Point(NamedTuple):
    """One function of a framework that saves or loads weights.

    `target` is `module:Qualified.name`, where the function is *defined*, so that re-exports come
    along. `role` is `save`, `load`, `mute` (nothing inside it is a model; `rule` says why) or
    `origin` (its result, a state dict, was made from `model`). `group` computes
    `(name, iteration)` of the model that several files are versions of.
    """

    target: str
    role: str
    path: Pick | None = None
    model: Pick | None = None
    rule: str = ""
    group: Callable[[Call], tuple[str, int | None] | None] | None = None

    @property
    def module(self) -> str:
        """The module that must have been imported for this point to be applied."""
        return self.target.partition(":")[0]

    @property
    def name(self) -> str:
        """The qualified name within that module."""
        return self.target.partition(":")[2]


def save(target: str, *, path: Pick, model: Pick | None = None, group: Any = None) -> Point:
    """A function that writes weights to `path`; `model` is the object it writes."""
    return Point(target, "save", path, model, group=group)


def load(target: str, *, path: Pick, model: Pick | None = "return") -> Point:
    """A function that reads weights from `path`; `model` is what came out (its result by default)."""
    return Point(target, "load", path, model)


def mute(target: str, *, rule: str) -> Point:
    """A function inside which saves are not models, and `rule` says why in the capture report."""
    return Point(target, "mute", rule=rule)


def origin(target: str, *, model: Pick) -> Point:
    """A function whose result (a state dict) describes `model`: noted, never captured by itself."""
    return Point(target, "origin", model=model)


class Hook(NamedTuple):
    """What we know about one framework.

    `key` is the name used in filters (`frameworks={"pytorch": "*.pt"}`), `framework` the name shown.
    `supports` lists requirement specifiers; the README's table, the test matrix and `autolog doctor`
    read it. `design` describes a model object in words (None: nothing to say).
    """

    key: str
    framework: str
    supports: str
    points: tuple[Point, ...]
    design: Callable[[Any], str | None] | None = None
