"""What a task is configured with: parameters, configurations, connected models."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolog.errors import BadName, BadValue, NotFound

from .designs import text_of
from .model import BaseModel

if TYPE_CHECKING:
    from autolog.store import TaskRecord

    from .task import Task

__all__ = ["connect", "connect_configuration", "parameters_of"]

_LONGEST_NAME = 1000
_LONGEST = 10_000_000


def connect(task: Task, given: Any, name: str | None) -> Any:
    """Connect a model or parameters to a task; what was given. Raises BadValue."""
    from .input_model import InputModel
    from .output_model import OutputModel

    if isinstance(given, (InputModel, OutputModel)):
        given.connect(task, name)
        return given
    if isinstance(given, BaseModel):
        raise BadValue(f"a model is connected as InputModel({given.id!r}) or OutputModel(...)")
    if isinstance(given, Mapping):
        found = dict(given)
    elif hasattr(given, "__dict__") and not isinstance(given, type):
        found = {key: value for key, value in vars(given).items() if not key.startswith("_")}
    else:
        raise BadValue(
            f"a model, a dictionary or an object with attributes can be connected, not {type(given).__name__}"
        )
    section, plain = _named(name or "General"), json.loads(text_of(found))
    task._edit(lambda record: {"parameters": {**record.parameters, section: plain}})
    return given


def parameters_of(record: TaskRecord) -> dict[str, Any]:
    """All parameters of a task, as `section/name`."""
    return {
        f"{section}/{name}": value
        for section, values in record.parameters.items()
        for name, value in values.items()
    }


def connect_configuration(task: Task, given: Any, name: str | None, description: str | None) -> Any:
    """Record a configuration; what was given, a path as a `Path`. Raises BadValue, BadName and NotFound."""
    named = _named(name or "General")
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        try:
            text, form = path.read_text("utf-8", "replace"), path.suffix.lstrip(".").lower() or "text"
        except OSError as error:
            raise NotFound(f"the configuration {path} can't be read ({error.strerror or error})") from error
        returned: Any = path
    else:
        text, form, returned = text_of(given), "json", given
    if len(text) > _LONGEST:
        raise BadValue(f"a configuration may have {_LONGEST:,} characters; this one has {len(text):,}")
    entry = {"text": text, "format": form, "description": description or ""}
    task._edit(lambda record: {"configurations": {**record.configurations, named: entry}})
    return returned


def _named(name: str) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
        raise BadName(f"a name is text of 1 to {_LONGEST_NAME:,} characters, not {str(name)[:60]!r}")
    return name
