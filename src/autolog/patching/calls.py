"""One call of a hooked function: its arguments by name, and its place among calls inside calls.

Nesting is per call and per target, never a mute for a whole thread. When a call returns, the calls
seen inside it that wrote or read *its* file (or lie in its folder, or were its buffer) are part of
it; every other one stands for itself, also when the outer call raised.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Protocol

from autolog._guard import guard
from autolog.hooks import Hook, Point

__all__ = ["Call", "Nesting", "Origins", "Recorder", "Signature"]


#: How many modules are remembered beyond the life of their state dicts.
_LATEST = 4
#: The module whose frame stands between a hooked function and who called it.
_WRAPPER = "autolog.patching.importlib_bootstrap"


class Signature:
    """Binds arguments to the parameter names of an original; worked out at its first call."""

    __slots__ = ("_is_bound", "_original", "_signature")

    def __init__(self, original: Any) -> None:
        # A static method takes no instance, and a class makes it; a bound method and a C function of a
        # module have theirs.
        is_without = isinstance(original, (staticmethod, type))
        self._is_bound = is_without or getattr(original, "__self__", None) is not None
        is_descriptor = isinstance(original, (staticmethod, classmethod))
        self._original = original.__func__ if is_descriptor else original
        self._signature: inspect.Signature | None = None

    def bind(self, instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Arguments by name, defaults included. Raises TypeError where the call itself would."""
        if self._signature is None:
            try:
                self._signature = inspect.signature(self._original)
            except ValueError:  # a C function that doesn't tell its parameters: only keywords have names
                given = {f"arg{number}": value for number, value in enumerate(args)}
                return {**({} if instance is None else {"self": instance}), **given, **kwargs}
        if instance is not None and not self._is_bound:
            args = (instance, *args)
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if isinstance(self._original, type):
            return {"self": instance, **bound.arguments}
        return bound.arguments


class Call:
    """One call of a hooked function.

    `target` is what the call writes or reads (a path, a file object, a buffer), as given, None until
    the original has returned if that is how it is known; `rule` is set when something around it says
    that it is no model; `callback` is the checkpoint callback that it happened in; `opened` is what the
    object whose method this is was opened with; `pinned` belongs to the recorder.
    """

    __slots__ = (
        "arguments",
        "callback",
        "has_returned",
        "hook",
        "inner",
        "opened",
        "outer",
        "pinned",
        "point",
        "result",
        "rule",
        "target",
    )

    def __init__(
        self,
        hook: Hook,
        point: Point,
        arguments: Mapping[str, Any],
        outer: Call | None,
        opened: Any = None,
    ) -> None:
        self.opened = opened
        self.hook = hook
        self.point = point
        self.arguments = arguments
        self.outer = outer
        self.inner: list[Call] = []
        self.result: Any = None
        self.rule: str = outer.rule or outer.point.rule if outer is not None else ""
        self.callback: Call | None = outer
        if outer is not None and outer.point.role != "series":
            self.callback = outer.callback
        self.pinned: Any = None
        self.has_returned = False
        self.target: Any = self.pick(point.path)

    @property
    def model(self) -> Any:
        """The object that was saved or loaded; only after the original has returned."""
        return self.pick(self.point.model)

    @property
    def caller(self) -> str:
        """The name of the module that made this call; asked from within it, so it is on the stack."""
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_globals.get("__name__") != _WRAPPER:
            frame = frame.f_back
        above = None if frame is None else frame.f_back
        return "" if above is None else str(above.f_globals.get("__name__", ""))

    @property
    def group(self) -> tuple[str, int | None] | None:
        """The series of checkpoints that this call adds to, and the iteration, where a callback says so."""
        by = self if self.point.group is not None else self.callback
        return None if by is None or by.point.group is None else by.point.group(by)

    @property
    def metrics(self) -> dict[str, Any]:
        """What this call and those around it know of the weights that were saved, as their hooks tell it.

        Where two know the same name, the inner one is right: it is nearer to these weights.
        """
        found: dict[str, Any] = {}
        call: Call | None = self
        while call is not None:
            if call.point.metrics is not None:
                found = {**(call.point.metrics(call) or {}), **found}
            call = call.outer
        return found

    @property
    def origin(self) -> Any:
        """The URL that a loaded file came from, if the hook of this call or of one around it knows."""
        call: Call | None = self
        while call is not None and call.point.origin is None:
            call = call.outer
        return None if call is None else call.pick(call.point.origin)

    @property
    def is_wanted(self) -> bool:
        """Whether this call is to be recorded, now that it has returned."""
        return self.point.when is None or bool(self.point.when(self))

    @property
    def is_tracked(self) -> bool:
        """Whether this call is a save or a load, and has something to write to or read from."""
        return self.point.role in ("save", "load") and self.target is not None

    def pick(self, pick: str | Callable[[Any], Any] | None) -> Any:
        """What a hook's `path` or `model` stands for in this call."""
        if pick is None:
            return None
        if callable(pick):
            return pick(self)
        return self.result if pick == "return" else self.arguments.get(pick)


class Recorder(Protocol):
    """What hooked calls are told to. Everything here runs on the calling thread."""

    def begin(self, call: Call) -> None:
        """The original is about to run: wait for a pending read of the file, open what is loaded."""

    def pin(self, call: Call) -> None:
        """The original has returned: take hold of the file now, before anyone can touch it."""

    def belongs(self, inner: Call, outer: Call) -> bool:
        """Whether `inner` wrote or read a part of what `outer` did."""

    def lies_in(self, inner: Call, outer: Call) -> bool:
        """Whether the file of `inner` is one of several that `outer` writes or reads."""

    def keep(self, call: Call, origins: Origins) -> None:
        """The call stands for itself: record it."""

    def drop(self, call: Call) -> None:
        """The call failed or is part of another: let go of its file."""


class Origins:
    """Remembers, weakly, which module a state dict was made from, and the last few such modules."""

    def __init__(self) -> None:
        self._modules: dict[int, tuple[weakref.ref[Any], weakref.ref[Any]]] = {}
        self._latest: deque[weakref.ref[Any]] = deque(maxlen=_LATEST)

    def note(self, made: Any, module: Any) -> None:
        """`made` came out of `module`. Objects that can't be referenced weakly are let go."""
        key = id(made)
        modules = self._modules
        try:
            source = weakref.ref(module)
            modules[key] = (weakref.ref(made, lambda _: modules.pop(key, None)), source)
        except TypeError:
            return
        # A module has one such reference as long as it lives, so there is no need to ask a module whether it
        # equals another.
        if not any(each is source for each in self._latest):
            self._latest.append(source)

    def get(self, key: int) -> Any:
        """The module that the object with this `id` came from, None if unknown or gone."""
        found = self._modules.get(key)
        return None if found is None or found[0]() is None else found[1]()

    def modules(self) -> list[Any]:
        """The last few modules that a state dict was made from, the latest first."""
        found = [each() for each in reversed(self._latest)]
        return [module for module in found if module is not None]


class Opened:
    """Remembers what an object was opened with, as long as it lives."""

    def __init__(self) -> None:
        self._targets: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def note(self, by: Any, target: Any) -> None:
        """`by` was made to write to `target`; a relative path is one from here."""
        if isinstance(target, (str, os.PathLike)):
            target = os.path.abspath(target)
        key = id(by)
        targets = self._targets
        targets[key] = weakref.ref(by, lambda _: targets.pop(key, None)), target

    def get(self, by: Any) -> Any:
        """What `by` writes to, None if that is unknown."""
        found = self._targets.get(id(by))
        return found[1] if found is not None and found[0]() is by else None


class _Stack(threading.local):
    """The innermost open call of each thread."""

    top: Call | None = None


class Nesting:
    """Follows hooked calls inside hooked calls and tells the recorder which stand for themselves."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.origins = Origins()
        self.opened = Opened()
        self.active = False
        self._stack = _Stack()
        #: calls under way in any thread: an outer save may have helper threads
        self._open: list[Call] = []
        #: A call is handed to one that is under way, or finds it settled: never between the two. A signal
        #: handler that saves comes through here again on the same thread.
        self._lock = threading.RLock()

    def enter(
        self, hook: Hook, point: Point, signature: Signature, call: tuple[Any, Any, Any]
    ) -> Call | None:
        """Open a call; None if the arguments don't fit (the original will say so itself), or in a part."""
        instance, args, kwargs = call
        if self._stack.top is not None and self._stack.top.point.role == "part":
            return None
        if point.role == "origin" and (kwargs.get("destination") is not None or self._is_in(point)):
            return None  # a submodule adding its part to its parent's state dict
        try:
            arguments = signature.bind(instance, args, kwargs)
        except TypeError:
            return None
        opened = self.opened.get(arguments.get("self"))
        entered = Call(hook, point, arguments, self._stack.top, opened)
        is_opening = point.role == "opens" and entered.target is not None
        if (entered.is_tracked or is_opening) and not entered.rule:
            with guard(f"prepare for {point.target}"):  # a call that we are not ready for is still captured
                self.recorder.begin(entered)
        self._stack.top = entered
        if entered.is_tracked:
            self._open.append(entered)
        return entered

    def leave(self, call: Call, result: Any) -> None:
        """The original returned `result`."""
        self._stack.top = call.outer
        call.result = result
        call.has_returned = True
        if call.point.role == "origin":
            self.origins.note(result, call.model)
        if call.point.role == "opens":
            self.opened.note(call.arguments["self"], call.target)
        if call.target is None and call.point.role in ("save", "load"):
            with guard(f"find what {call.point.target} wrote"):
                call.target = call.pick(call.point.path)
                if call.is_tracked and not call.rule:
                    self.recorder.begin(call)
        if call.is_tracked and not call.rule:
            with guard(f"take hold of what {call.point.target} wrote"):
                self.recorder.pin(call)
        self._settle(call, failed=False)

    def abandon(self, call: Call) -> None:
        """The original raised: the call itself counts for nothing, what was inside it may."""
        self._stack.top = call.outer
        self._settle(call, failed=True)

    def become_child(self) -> None:
        """After a fork: the calls of the parent's other threads are not under way here."""
        mine = []
        call = self._stack.top
        while call is not None:
            mine.append(call)
            call = call.outer
        self._open = [each for each in self._open if each in mine]
        self._lock = threading.RLock()

    def _is_in(self, point: Point) -> bool:
        """Whether the innermost open call of this thread is one of the very same function."""
        return self._stack.top is not None and self._stack.top.point is point

    def _settle(self, call: Call, *, failed: bool) -> None:
        with self._lock:
            if call in self._open:
                self._open.remove(call)
        standing: list[Call] = []
        for inner in call.inner:
            is_part = False
            if call.is_tracked or (failed and call.point.role == "save"):
                with guard(f"tell {inner.point.target} from {call.point.target}"):
                    is_part = self.recorder.belongs(inner, call) or self._is_read_back(inner, call)
            if is_part:
                self.recorder.drop(inner)
            else:
                standing.append(inner)
        if call.is_tracked:
            if failed or not self._is_wanted(call):
                self.recorder.drop(call)
            else:
                standing.append(call)
        for each in standing:
            if call.outer is not None:
                call.outer.inner.append(each)
            elif self._is_of_another_thread(each):
                continue
            else:
                with guard(f"capture {each.point.target}"):
                    self.recorder.keep(each, self.origins)

    def _is_read_back(self, load: Call, call: Call) -> bool:
        """Whether a load inside a save reads what was written inside it: a converter's scratch folder."""
        return (load.point.role, call.point.role) == ("load", "save") and any(
            each.point.role == "save" and self.recorder.belongs(load, each) for each in call.inner
        )

    def _is_of_another_thread(self, call: Call) -> bool:
        """Hand the call to one under way in another thread, if that one's folder is where it wrote."""
        with self._lock:
            for each in self._open:
                with guard(f"tell {call.point.target} from {each.point.target}"):
                    if self.recorder.lies_in(call, each):
                        each.inner.append(call)
                        return True
        return False

    @staticmethod
    def _is_wanted(call: Call) -> bool:
        """Whether the call is to be recorded; a hook that can't tell doesn't cost the snapshot."""
        with guard(f"see whether {call.point.target} counts"):
            return call.is_wanted
        return True
