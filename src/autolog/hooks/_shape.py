"""The shape of a hook: what we know about one framework, as data.

A hook has no `try`, no state and imports no framework. `path` and `model` name parameters of the
original function, or are functions of the finished `Call`; positional, keyword, default, `Path` and
file-object arguments are then one case, which the core handles once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

__all__ = [
    "Bundle",
    "Call",
    "Hook",
    "Left",
    "Point",
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
    "source",
]


class Call(Protocol):
    """A finished call of a hooked function, as a hook sees it."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments by parameter name, defaults filled in.

        Of a C function that doesn't tell its parameters: `self`, `arg0`, `arg1`... and what is a keyword.
        """

    @property
    def result(self) -> Any:
        """What the original returned; None before it has returned."""

    @property
    def opened(self) -> Any:
        """What `self` was opened with (see `opens`), a path made absolute; None if it wasn't."""

    @property
    def caller(self) -> str:
        """The name of the module that made this call: a framework calls its own functions, too."""


#: Names a parameter (`"fname"`), `"return"` for the returned value, or computes it from the call.
Pick = str | Callable[[Call], Any]
#: What the framework knows of the weights that a finished call has saved: name -> number, None for nothing.
Tell = Callable[[Call], Mapping[str, Any] | None]


class Bundle(NamedTuple):
    """Several files that are one snapshot; what a `path` function returns for a folder or a prefix.

    `path` is what people call it. Its files are those below `root` whose name, relative to `root` and
    with `stem` cut from its beginning, matches one of the globs `names` (`**` crosses folders, `*` does
    not). Those that also match one of `weights` are what identifies it; the others (configuration,
    optimizer) come along.
    """

    path: str
    root: str
    stem: str = ""
    names: tuple[str, ...] = ("**",)
    weights: tuple[str, ...] = ("**",)


def folder(path: Any, *, names: tuple[str, ...] = ("**",), weights: tuple[str, ...] = ("**",)) -> Any:
    """A folder as one snapshot. What isn't a path (None, a file object) is returned as it is."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return path
    text = os.fsdecode(path)
    return Bundle(text, text, "", names, weights)


def prefix(path: Any, *, names: tuple[str, ...] = (".index", ".data-*")) -> Any:
    """The files whose names begin with `path`, as TensorFlow writes its checkpoints."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return path
    text = os.fsdecode(path)
    return Bundle(text, os.path.dirname(text), os.path.basename(text), names)


class Point(NamedTuple):
    """One function of a framework that saves or loads weights.

    `target` is `module:Qualified.name`, where the function is *defined*, so that re-exports come
    along. `role` is `save`, `load`, `mute` (nothing inside it is a model; `rule` says why), `series`
    (saves inside it are versions of the one model that `group` names), `part` (what is inside it is a piece
    of a save or load around it), `source` (what is loaded inside it came from the URL `origin`), `origin`
    (its result, a state dict, was made from `model`), `opens` (makes an object that writes to `path`
    later) or `knows` (nothing but the `metrics` of what is saved inside it). `group` computes `(name,
    iteration)` of the model that several files are versions of. `when` says, once the original has
    returned, whether this call is to be recorded; what was called inside it is part of it in any case.
    `origin` computes the URL that a loaded file came from. `aliases` are other qualified names in that module
    under which the very same function stands (a class that copies another's methods). `formerly` are targets
    that it had in releases before: the first of all that is there is taken. `metrics` computes what is known
    of the weights saved by this call or inside it, once it has returned. That runs on the thread that saves:
    it reads what is at hand, computes nothing and waits for no device. What is no number is left out.
    """

    target: str
    role: str
    path: Pick | None = None
    model: Pick | None = None
    rule: str = ""
    group: Callable[[Call], tuple[str, int | None] | None] | None = None
    when: Callable[[Call], bool] | None = None
    origin: Pick | None = None
    aliases: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()
    metrics: Tell | None = None

    @property
    def module(self) -> str:
        """The module that must have been imported for this point to be applied."""
        return self.target.partition(":")[0]

    @property
    def name(self) -> str:
        """The qualified name within that module."""
        return self.target.partition(":")[2]


def save(
    target: str,
    *,
    path: Pick,
    model: Pick | None = None,
    group: Any = None,
    when: Any = None,
    aliases: tuple[str, ...] = (),
    formerly: tuple[str, ...] = (),
    metrics: Tell | None = None,
) -> Point:
    """A function that writes weights to `path`; `model` is the object it writes (None: surely a model).

    Where a folder is found at `path` afterwards, all of it is one snapshot; a `path` function may
    return a `Bundle` that says more exactly which files.
    """
    return Point(
        target,
        "save",
        path,
        model,
        group=group,
        when=when,
        aliases=aliases,
        formerly=formerly,
        metrics=metrics,
    )


def load(
    target: str,
    *,
    path: Pick,
    model: Pick | None = "return",
    origin: Any = None,
    when: Any = None,
    formerly: tuple[str, ...] = (),
) -> Point:
    """A function that reads weights from `path`; `model` is what came out (its result by default)."""
    return Point(target, "load", path, model, when=when, origin=origin, formerly=formerly)


def mute(target: str, *, rule: str) -> Point:
    """A function inside which nothing is a model, and `rule` says why in the capture report."""
    return Point(target, "mute", rule=rule)


def part(target: str) -> Point:
    """A function that writes or reads pieces of a bigger save or load, maybe on a thread of its own.

    Nothing inside it is looked at: there may be thousands of pieces, and they are not worth a line each
    in the capture report.
    """
    return Point(target, "part")


def series(
    target: str, *, group: Callable[[Call], tuple[str, int | None] | None], metrics: Tell | None = None
) -> Point:
    """A checkpoint callback: files saved inside it are versions of the model that `group` names."""
    return Point(target, "series", group=group, metrics=metrics)


def knows(target: str, *, metrics: Tell) -> Point:
    """A function around a save that knows `metrics` of what is saved inside it, and nothing else."""
    return Point(target, "knows", metrics=metrics)


def origin(target: str, *, model: Pick) -> Point:
    """A function whose result (a state dict) describes `model`: noted, never captured by itself."""
    return Point(target, "origin", model=model)


def opens(target: str, *, path: Pick) -> Point:
    """A constructor of an object that writes to `path` and is finished by a method of it, a `save`.

    What `path` is stands in `call.opened` of every method of that object.
    """
    return Point(target, "opens", path)


def source(target: str, *, origin: Pick) -> Point:
    """A function that fetches weights: what is loaded inside it came from the URL `origin`."""
    return Point(target, "source", origin=origin)


class Left(NamedTuple):
    """A way to save or load that is seen and left alone, and why."""

    function: str
    because: str


class Hook(NamedTuple):
    """What we know about one framework.

    `key` is the name used in filters (`frameworks={"pytorch": "*.pt"}`), `framework` the name shown.
    `supports` is a requirement specifier; the README's table, the test matrix and `autolog doctor`
    read it. `design` describes a model object in words, `labels` gives its label enumeration (None:
    nothing to say); where a weights file holds them, leave it to the file: both run on the thread that
    saves. `left` lists what is not captured. An `opt_in` hook is applied only where
    `frameworks=` names it, and then captures only objects that are known to be models. One that writes
    `any_object` is shown under the framework of the object, where that is known (joblib and XGBoost). In
    a format made for weights (`weights_only`) a mapping of tensors needs no sign that it is a model. A
    filter that doesn't name `key` goes by the key of the `family`, if that is given.
    """

    key: str
    framework: str
    supports: str
    points: tuple[Point, ...]
    design: Callable[[Any], str | None] | None = None
    labels: Callable[[Any], Mapping[str, int] | None] | None = None
    left: tuple[Left, ...] = ()
    opt_in: bool = False
    any_object: bool = False
    family: str = ""
    weights_only: bool = False
