"""What people have called when something is saved or loaded, on the thread that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autolog import _guard

__all__ = ["ModelInfo", "ask", "maker", "post", "pre", "tasks", "tell"]


class ModelInfo:
    """What a callback is told of a save or a load, and may change of a save.

    `local_model_path` is the file or folder, `upload_filename` what it is called where its bytes go,
    `framework` whose it is, `weights_object` what is saved or was loaded, `task` the task. `model` is None
    before; after a save it is the model that it became a version of. `local_model_id` is that path as it was
    first.
    """

    __slots__ = (
        "_event",
        "_model",
        "framework",
        "local_model_id",
        "local_model_path",
        "task",
        "upload_filename",
        "weights_object",
    )

    def __init__(self, path: str | None, framework: str, weights_object: Any, task: Any = None) -> None:
        self.local_model_path = path
        self.local_model_id = path
        self.upload_filename: str | None = None
        self.framework = framework
        self.weights_object = weights_object
        self.task = task
        self._event = ""
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The model; None before it is recorded. Asking for it waits until it is."""
        if self._model is None and self._event and maker:
            self._model = maker[0](self._event)
        return self._model

    @model.setter
    def model(self, value: Any) -> None:
        self._model = value

    @property
    def path(self) -> str | None:
        """The same as `local_model_path`."""
        return self.local_model_path

    def __repr__(self) -> str:
        return f"<ModelInfo {self.framework} {self.local_model_path}>"


Callback = Callable[[str, ModelInfo], ModelInfo | None]

#: Asked before something is recorded: None means that it isn't to be. Told afterwards.
pre: list[Callback] = []
post: list[Callback] = []
#: Makes a model of the id of the event that recorded it, and gives the task; set by whoever can.
maker: list[Callable[[str], Any]] = []
tasks: list[Callable[[], Any]] = []


def ask(kind: str, path: str | None, framework: str, weights_object: Any) -> ModelInfo | None:
    """Ask all `pre` callbacks about a `save` or `load`; None if one of them doesn't want it recorded.

    One that raises is as if it weren't there: its fault is told, and the script goes on.
    """
    info = ModelInfo(path, framework, weights_object, tasks[0]() if tasks else None)
    for each in tuple(pre):
        answer: ModelInfo | None = info
        with _guard.guard(f"call {getattr(each, '__name__', 'a callback')} before a {kind}"):
            answer = each(kind, info)
        if answer is None:
            return None
        info = answer
    return info


def tell(kind: str, info: ModelInfo, event_id: str) -> None:
    """Tell all `post` callbacks of what has been recorded."""
    info._event = event_id
    for each in tuple(post):
        with _guard.guard(f"call {getattr(each, '__name__', 'a callback')} after a {kind}"):
            each(kind, info)
