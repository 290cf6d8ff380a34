"""Being called when weights are saved and loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from autolog.capture import callbacks
from autolog.capture.callbacks import ModelInfo
from autolog.errors import BadValue

__all__ = ["ModelInfo", "WeightsFileHandler", "on_load", "on_save"]

_C = TypeVar("_C", bound=Callable[..., Any])


class WeightsFileHandler:
    """Callbacks `callback(kind, info)`; `kind` is `save` or `load`, `info` a `ModelInfo`.

    A pre-callback is called before something is recorded, once the original has saved or loaded it. It
    returns `info`, in which `upload_filename` and `local_model_path` of a save may be changed, or None for
    what is not to be recorded. A post-callback is called afterwards, with `info.model`. One that raises
    changes nothing: the fault is told in a line, and recorded.
    """

    @classmethod
    def add_pre_callback(cls, callback_function: Callable[[str, ModelInfo], ModelInfo | None]) -> Any:
        """Have it called before; what `remove_pre_callback` takes.

        Raises BadValue for what can't be called.
        """
        return _add(callbacks.pre, callback_function)

    @classmethod
    def add_post_callback(cls, callback_function: Callable[[str, ModelInfo], ModelInfo | None]) -> Any:
        """Have it called afterwards; what `remove_post_callback` takes. Raises BadValue."""
        return _add(callbacks.post, callback_function)

    @classmethod
    def remove_pre_callback(cls, handle: Any) -> bool:
        """Don't call it any more; whether it was called."""
        return _remove(callbacks.pre, handle)

    @classmethod
    def remove_post_callback(cls, handle: Any) -> bool:
        """Don't call it any more; whether it was called."""
        return _remove(callbacks.post, handle)


def on_save(callback: _C) -> _C:
    """Have `callback(info)` called before each save is recorded; False from it means not to record that one.

    May stand over a function as a decorator. Raises BadValue for what can't be called.
    """
    return _short("save", callback)


def on_load(callback: _C) -> _C:
    """Have `callback(info)` called before each load is recorded; False from it means not to record that one.

    May stand over a function as a decorator. Raises BadValue for what can't be called.
    """
    return _short("load", callback)


def _short(wanted: str, callback: _C) -> _C:
    if not callable(callback):
        raise BadValue(f"a callback is a function, not {type(callback).__name__}")

    def called(kind: str, info: ModelInfo) -> ModelInfo | None:
        return None if kind == wanted and callback(info) is False else info

    called.__name__ = getattr(callback, "__name__", "a callback")
    _add(callbacks.pre, called)
    return callback


def _add(there: list[Any], callback: Any) -> Any:
    if not callable(callback):
        raise BadValue(f"a callback is a function, not {type(callback).__name__}")
    if not callbacks.maker:
        from .run import current_task

        callbacks.maker.append(_model_of)
        callbacks.tasks.append(current_task)
    if callback not in there:
        there.append(callback)
    return callback


def _remove(there: list[Any], callback: Any) -> bool:
    if callback not in there:
        return False
    there.remove(callback)
    return True


def _model_of(event_id: str) -> Any:
    """The model that an event has made a version of, once it is recorded, or that was loaded from a path."""
    from autolog.store import made_by_event

    from ._records import records
    from .input_model import InputModel
    from .model import Model

    kind, _, path = event_id.partition(":")
    if kind == "path":
        return InputModel.load_model(path) if path else None
    found = records()
    found.settle()
    made = made_by_event(found.store, event_id)
    return None if made is None else Model._of(found, made.model_id)
