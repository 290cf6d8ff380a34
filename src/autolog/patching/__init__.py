"""Applies hooks to frameworks and takes them away again; the only room that imports wrapt.

A point is applied when the module that defines its function has finished executing, each by itself:
at once if that was before `install`, else from a post-import hook. We import no framework. What was
replaced is remembered and `remove` puts the very same object back.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import wrapt

from autolog import _guard
from autolog.events import NOT_IMPORTED
from autolog.hooks import Hook, Point

from . import early, half
from .calls import Call, Nesting, Recorder
from .wrapper import Patched, wrap

__all__ = ["Call", "Patches", "Recorder", "when_imported"]

_MISSING = object()

#: Modules whose import is watched, for the life of the process: wrapt can't forget one.
_watched: set[str] = set()
#: What is installed now; post-import hooks of an earlier installation find the present one here.
_installed: list[Patches] = []


class Patches:
    """A set of hooks, applied to whatever is or will be imported, reporting to one recorder."""

    def __init__(self, hooks: Iterable[Hook], recorder: Recorder) -> None:
        self.hooks = tuple(hooks)
        self.nesting = Nesting(recorder)
        #: target -> "applied", or why it is not (yet)
        self.results: dict[str, str] = {}
        #: Every point at every target that it has or had, the present one first.
        self._places = [
            (hook, point, target)
            for hook in self.hooks
            for point in hook.points
            for target in (point.target, *point.formerly)
        ]
        self._undo: list[tuple[Any, str, Any, Patched]] = []
        self._rebound: list[early.Rebound] = []
        self._waiting: list[tuple[Hook, Point, str]] = []
        self._lock = threading.RLock()

    def install(self) -> None:
        """Apply every point whose module is there, and watch for the modules of the others."""
        self.results = {point.target: point.module + NOT_IMPORTED for _, point, _ in self._places}
        self.nesting.active = True
        _installed.append(self)
        # Watch first and look afterwards: another thread may be importing one of them right now.
        for module in {_module(target) for _, _, target in self._places} - _watched:
            if module not in sys.modules:
                _watched.add(module)
                wrapt.register_post_import_hook(_on_import, module)
        for place in self._places:
            with _guard.guard(f"hook {place[2]}"):
                self._apply_when_ready(*place)
        with _guard.guard("find names imported before init()"):
            self._rebind()

    def remove(self) -> None:
        """Put every original back, unless somebody else has replaced our wrapper since."""
        self.nesting.active = False
        if self in _installed:
            _installed.remove(self)
        with self._lock:
            early.undo(self._rebound)
            wrappers = {id(patched): (patched, raw) for _, _, raw, patched in self._module_level()}
            while self._undo:
                owner, name, raw, patched = self._undo.pop()
                if vars(owner).get(name) is not patched:
                    continue
                if raw is _MISSING:
                    delattr(owner, name)
                else:
                    setattr(owner, name, raw)
            early.rebind(wrappers)  # re-exports and `from x import y` that happened in the meantime
            self._waiting.clear()
        self.results = dict.fromkeys(self.results, "removed")

    def imported(self, module: ModuleType) -> None:
        """A watched module has finished executing: apply its points, and what waited for it."""
        with _guard.guard(f"hook {module.__name__}"):
            with self._lock:
                waiting, self._waiting = self._waiting, []
            for hook, point, target in self._places:
                if _module(target) == module.__name__:
                    self._apply(hook, point, target, module)
            for place in waiting:
                self._apply_when_ready(*place)
            # Other names of a function, in the module that defines it (`save = save_model`) and in those of a
            # package that were executed before it was, are bound already.
            self._rebind(None if waiting else module.__name__)

    def retry(self) -> None:
        """Apply what could not be applied earlier because its module was still executing."""
        if self._waiting:
            with self._lock:
                waiting, self._waiting = self._waiting, []
            for place in waiting:
                self._apply_when_ready(*place)
            self._rebind()

    def become_child(self) -> None:
        """After a fork: a thread of the parent's may have held the lock, and is not here to let go."""
        self._lock = threading.RLock()
        self.nesting.become_child()

    def watch_call(self, owner: Any, name: str, seen: Callable[[Any], None]) -> None:
        """Have `seen` called with the first argument (or None) of every call of `owner.name`."""

        def around(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
            if self.nesting.active:
                with _guard.guard(f"watch {name}"):
                    seen(args[0] if args else None)
            return wrapped(*args, **kwargs)

        original = getattr(owner, name)
        patched = Patched(original, around)
        setattr(owner, name, patched)
        self._undo.append((owner, name, original, patched))

    def versions(self) -> dict[str, str]:
        """The versions of the frameworks that points were applied to, as their modules tell them."""
        found: dict[str, str] = {}
        for target, result in tuple(self.results.items()):
            root = target.partition(":")[0].partition(".")[0]
            version = getattr(sys.modules.get(root), "__version__", None)
            if result == "applied" and version is not None:
                found[root] = str(version)
        return found

    def _apply_when_ready(self, hook: Hook, point: Point, target: str) -> None:
        with self._lock:
            module = sys.modules.get(_module(target))
            if module is None or self.results.get(point.target) == "applied":
                return
            if half.is_importing(module):
                if target == point.target:
                    self.results[point.target] = f"{point.module} is still being imported"
                self._waiting.append((hook, point, target))
                half.when_imported(module, _on_import)
                return
            self._apply(hook, point, target, module)

    def _apply(self, hook: Hook, point: Point, target: str, module: ModuleType) -> None:
        with self._lock:
            if self.results.get(point.target) == "applied" or not self.nesting.active:
                return
            owner, name = _owner(module, target.partition(":")[2])
            original = _MISSING if owner is _MISSING else _as_defined(owner, name)
            if original is _MISSING:
                if target == point.target:
                    self.results[point.target] = "this version has no such function"
                return
            if isinstance(original, type):
                self.results[point.target] = "can't be replaced: it is a class"
                return
            patched = wrap(original, hook, point, self.nesting, owner)
            try:
                self._put(owner, name, patched)
            except (AttributeError, TypeError) as error:
                self.results[point.target] = f"can't be replaced: {error}"
                return
            self.results[point.target] = "applied"
            for alias in point.aliases:
                owner, name = _owner(module, alias)
                if owner is not _MISSING and vars(owner).get(name) is original:
                    self._put(owner, name, patched)

    def _put(self, owner: Any, name: str, patched: Patched) -> None:
        raw = vars(owner).get(name, _MISSING)
        setattr(owner, name, patched)
        self._undo.append((owner, name, raw, patched))

    def _rebind(self, inside: str | None = None) -> None:
        originals = {id(raw): (raw, patched) for _, _, raw, patched in self._module_level()}
        self._rebound += early.rebind(originals, inside)

    def _module_level(self) -> list[tuple[Any, str, Any, Patched]]:
        return [each for each in self._undo if isinstance(each[0], ModuleType) and each[2] is not _MISSING]


def when_imported(name: str, act: Callable[[ModuleType], Any]) -> None:
    """Have `act` called with the module of this name once it is there, or now if it is."""
    module = sys.modules.get(name)
    if module is not None:
        act(module)
    elif name not in _watched:
        _watched.add(name)
        wrapt.register_post_import_hook(act, name)


def _module(target: str) -> str:
    return target.partition(":")[0]


def _owner(module: ModuleType, qualified: str) -> tuple[Any, str]:
    """What a name is an attribute of, and which."""
    owner: Any = module
    *parents, name = qualified.split(".")
    for parent in parents:
        owner = getattr(owner, parent, _MISSING)
    return owner, name


def _as_defined(owner: Any, name: str) -> Any:
    """What `name` is in the module or class that defines it: a class method is not bound yet."""
    for each in getattr(owner, "__mro__", (owner,)):
        if name in vars(each):
            return vars(each)[name]
    return _MISSING


def _on_import(module: ModuleType) -> None:
    for patches in tuple(_installed):
        patches.imported(module)
