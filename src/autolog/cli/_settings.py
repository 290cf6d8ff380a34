"""The settings as they are shown: each with its value, and where that came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from autolog import config

__all__ = ["Setting", "listed", "worded"]

_DEFAULT = "default"


class Setting(NamedTuple):
    """A value, secrets masked, and its source: `argument`, a variable, the path of a file, or `default`."""

    value: Any
    source: str


def listed(settings: config.Settings) -> dict[str, Setting]:
    """Every setting by its key, in one order; `storage_options` once for each beginning of a URL."""
    found: dict[str, Setting] = {}
    for key in config.KEYS:
        if key == "storage_options" and settings.storage_options:
            for prefix, options in settings.storage_options.items():
                source = settings.sources.get(f"{key}.{prefix}", _DEFAULT)
                found[f"{key}.{config.mask(prefix)}"] = Setting(config.conceal(options), source)
        else:
            value = config.conceal(_value(settings, key))
            found[key] = Setting(value, settings.sources.get(key, _DEFAULT))
    return found


def _value(settings: config.Settings, key: str) -> Any:
    """A setting as plain data."""
    if key == "frameworks":
        frameworks = settings.filter.frameworks
        return dict(frameworks) if isinstance(frameworks, Mapping) else frameworks
    if key == "exclude":
        return list(settings.filter.exclude)
    if key == "retention":
        return {name: each for name, each in settings.retention._asdict().items() if each not in (None, "")}
    if key == "path_substitution":
        return [{"from": prefix, "to": mount} for prefix, mount in settings.path_substitution]
    return getattr(settings, key.replace(".", "_"))


def worded(value: Any) -> str:
    """A value in one line: nothing for what isn't set, JSON for lists, tables, true and false."""
    if value is None or value == [] or value == {}:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
