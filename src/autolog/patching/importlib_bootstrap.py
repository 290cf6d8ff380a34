"""The one frame of ours between a script and a hooked function, in a file of this name for a reason.

A warning or a line of a log that a function blames on its caller (`stacklevel=2`) names the caller's
line, and whether it is shown depends on the module there. `warnings`, and `logging` since Python 3.11, step
over frames of the import system while they count, and know those by `importlib` and `_bootstrap` in their
file's name: so they step over ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autolog._guard import guard
from autolog.hooks import Hook, Point

from .calls import Nesting, Signature

__all__ = ["around"]


def around(
    hook: Hook,
    point: Point,
    signature: Signature,
    nesting: Nesting,
    instead: Callable[..., Any] | None = None,
) -> Callable[..., Any]:
    """What is called in place of a hooked function: it lets `nesting` see the call.

    `instead` does what the original does, where the original can't be called by anyone but Python itself.
    """
    where = f"capture {point.target}"

    def around(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
        wrapped = instead or wrapped
        if not nesting.active:
            return wrapped(*args, **kwargs)
        call = None
        with guard(where):
            call = nesting.enter(hook, point, signature, (instance, args, kwargs))
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            if call is not None:
                with guard(where):
                    nesting.abandon(call)
            # Without this frame, as if we weren't there: Keras and TensorFlow take frames of their own out of
            # a traceback, and what would be left is ours. (3.10 raises it again with what it had.)
            if error.__traceback__ is not None:
                BaseException.with_traceback(error, error.__traceback__.tb_next)
            raise
        if call is not None:
            with guard(where):
                nesting.leave(call, result)
        return result

    return around
