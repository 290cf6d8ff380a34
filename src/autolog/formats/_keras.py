"""Keras' JSON of a model: its class, how it was compiled, and what loading it could run.

A `Lambda` layer carries Python bytecode, and a serialized object names a module and a class in it that
loading imports; both are reported as the globals of a pickle are.
(`keras/src/saving/serialization_lib.py`.)
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

from autolog.formats._danger import dangerous, strangers
from autolog.formats._standins import Global, readable

__all__ = ["Config", "is_keras_config", "read_config", "training_facts"]

_LARGEST = 1 << 22  # characters
_LONGEST_TEXT = 200
_MOST_VALUES = 1_000_000
_LAMBDAS = frozenset({"Lambda", "__lambda__"})


class Config(NamedTuple):
    """What a model's JSON says: `class` and `name` in `details`, what could run, what is imported."""

    details: dict[str, Any]
    dangerous: tuple[str, ...]


def is_keras_config(document: Any) -> bool:
    """Whether a `config.json` is that of a model which Keras saved as a folder."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("class_name"), str)
        and isinstance(document.get("config"), dict)
    )


def read_config(text: str) -> Config:
    """What the JSON of a model says; nothing for a text that is none, and `incomplete` for a huge one."""
    if len(text) > _LARGEST:
        return Config({"incomplete": f"a model's JSON of {len(text)} characters"}, ())
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return Config({}, ())
    if not isinstance(document, dict):
        return Config({}, ())
    details: dict[str, Any] = {}
    if isinstance(kind := document.get("class_name"), str):
        details["class"] = readable(kind, _LONGEST_TEXT)
    inner = document.get("config")
    if isinstance(inner, dict):
        if isinstance(name := inner.get("name"), str):
            details["name"] = readable(name, _LONGEST_TEXT)
        if isinstance(layers := inner.get("layers"), list):
            details["layers"] = len(layers)
    details.update(training_facts(document.get("compile_config")))
    names, code = _names(document)
    if imports := strangers(names):
        details["imports"] = list(imports)
    return Config(details, (*dangerous(names), *code))


def _names(document: Any) -> tuple[dict[Global, bool], tuple[str, ...]]:
    """Every class that the document names a module of, and whether it carries code."""
    names: dict[Global, bool] = {}
    code = False
    pending, left = [document], _MOST_VALUES
    while pending and left:
        left -= 1
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            pending.extend(value.values())
            kind, module = value.get("class_name"), value.get("module")
            if not isinstance(kind, str):
                continue
            code = code or kind in _LAMBDAS
            # Functions of the user's are written as builtins.function, and looked up by name only.
            if isinstance(module, str) and (module, kind) != ("builtins", "function") and len(names) < 10_000:
                names[Global(module, kind)] = False
    return names, ("keras.layers.Lambda",) if code else ()


def training_facts(config: Any) -> dict[str, Any]:
    """`loss`, `optimizer` and `learning_rate` out of what Keras keeps of `compile`, where they are plain."""
    if not isinstance(config, dict):
        return {}
    found: dict[str, Any] = {}
    if isinstance(loss := config.get("loss"), str):
        found["loss"] = readable(loss, _LONGEST_TEXT)
    optimizer = config.get("optimizer_config", config.get("optimizer"))
    if isinstance(optimizer, str):
        found["optimizer"] = readable(optimizer, _LONGEST_TEXT)
    elif isinstance(optimizer, dict):
        if isinstance(name := optimizer.get("class_name"), str):
            found["optimizer"] = readable(name, _LONGEST_TEXT)
        inner = optimizer.get("config")
        rate = inner.get("learning_rate") if isinstance(inner, dict) else None
        if isinstance(rate, float) and math.isfinite(rate):
            found["learning_rate"] = rate
    return found
