"""The wrapper put in a function's place: wrapt's, made picklable and copyable.

wrapt's own wrapper raises on `pickle.dumps(joblib.dump)` and `copy.deepcopy`; a plain function
pickles by its name and copies as itself, and so does ours.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, WrapperDescriptorType
from typing import Any

import wrapt

from autolog._guard import guard
from autolog.hooks import Hook, Point

from .calls import Nesting, Signature

__all__ = ["Patched", "wrap"]


class _Bound(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]
    """A wrapped method got from an instance (or from its class)."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        if isinstance(self.__wrapped__, WrapperDescriptorType):
            return self.__wrapped__.__reduce_ex__(protocol)
        holder = getattr(self.__wrapped__, "__self__", None)
        return self.__qualname__ if holder is None else (getattr, (holder, self.__name__))

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        import copy

        holder = getattr(self.__wrapped__, "__self__", None)
        return self if holder is None else getattr(copy.deepcopy(holder, memo), self.__name__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


class Patched(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A wrapped function."""

    __bound_function_wrapper__ = _Bound
    #: What a static method is wrapped as, once it has been asked for: it is the same each time.
    _self_static = None  # type: Any  # an annotation would hide the function's own

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        # `Class.method` of a plain function is that function, the same each time, and so it is here:
        # pickle and cloudpickle write a function by its name only if the name leads to that object.
        if instance is None and isinstance(self.__wrapped__, FunctionType):
            return self
        if isinstance(self.__wrapped__, staticmethod):
            if self._self_static is None:
                self._self_static = super().__get__(None, owner)
            return self._self_static
        return super().__get__(instance, owner)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if isinstance(self.__wrapped__, WrapperDescriptorType):
            return self.__wrapped__.__reduce_ex__(protocol)
        # A string means "a global of this name": pickle writes what it writes for the bare function.
        return self.__qualname__

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def wrap(original: Any, hook: Hook, point: Point, nesting: Nesting, owner: Any = None) -> Patched:
    """A wrapper around `original`, found in `owner`, that lets `nesting` see each call of it."""
    # A class written in C or Rust makes its instances in `__new__`, which nobody can replace, and has the
    # `__init__` of `object`, which sees the same arguments and does nothing with them.
    is_made_by_new = original is object.__init__ and owner.__new__ is not object.__new__
    signature = Signature(owner if is_made_by_new else original)
    where = f"capture {point.target}"

    def around(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        if is_made_by_new:
            wrapped = (
                _do_nothing  # the original would refuse what it ignores as long as it is the class's own
            )
        if not nesting.active:
            return wrapped(*args, **kwargs)
        call = None
        with guard(where):
            call = nesting.enter(hook, point, signature, (instance, args, kwargs))
        try:
            result = wrapped(*args, **kwargs)
        except BaseException:
            if call is not None:
                with guard(where):
                    nesting.abandon(call)
            raise
        if call is not None:
            with guard(where):
                nesting.leave(call, result)
        return result

    # Python passes over frames of its import system when it says where a warning came from, and knows them
    # by these words in the name of their file: a warning about the caller must name the caller, not us.
    around.__code__ = around.__code__.replace(co_filename=f"{__file__} (not importlib._bootstrap)")
    return Patched(original, around)


def _do_nothing(*args: Any, **kwargs: Any) -> None:
    """What `object.__init__` does for a class that has a `__new__` of its own."""
