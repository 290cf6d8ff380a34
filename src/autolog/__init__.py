"""One line in a training script, and every weights file it saves or loads is a model with its lineage.

import autolog; autolog.init()
"""

from typing import TYPE_CHECKING, Any

from ._version import __version__
from .sdk.run import current_task, init
from .sdk.task import Task

if TYPE_CHECKING:
    from .sdk.callbacks import ModelInfo, WeightsFileHandler, on_load, on_save
    from .sdk.figures import SeriesInfo
    from .sdk.frameworks import Framework
    from .sdk.input_model import InputModel
    from .sdk.model import Model
    from .sdk.output_model import OutputModel
    from .sdk.query import Query, get, models
    from .sdk.snapshot import Snapshot

__all__ = [
    "Framework",
    "InputModel",
    "Model",
    "ModelInfo",
    "OutputModel",
    "Query",
    "SeriesInfo",
    "Snapshot",
    "Task",
    "WeightsFileHandler",
    "__version__",
    "current_task",
    "get",
    "init",
    "models",
    "on_load",
    "on_save",
]

#: Where the names are that a training script has no use for: they are imported when somebody asks.
_LATER = {
    "Framework": "frameworks",
    "InputModel": "input_model",
    "Model": "model",
    "ModelInfo": "callbacks",
    "OutputModel": "output_model",
    "Query": "query",
    "SeriesInfo": "figures",
    "Snapshot": "snapshot",
    "WeightsFileHandler": "callbacks",
    "get": "query",
    "models": "query",
    "on_load": "callbacks",
    "on_save": "callbacks",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f".sdk.{_LATER[name]}", __name__), name)
    found.__module__ = __name__
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


for _name in ("Task", "current_task", "init"):
    globals()[_name].__module__ = __name__
del _name
