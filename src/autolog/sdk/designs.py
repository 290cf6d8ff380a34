"""Network designs: a text, or a dictionary that is kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autolog.errors import BadValue

__all__ = ["as_dict", "design_of", "text_of"]

_LONGEST = 10_000_000


def design_of(config_text: str | None = None, config_dict: Mapping[str, Any] | None = None) -> str | None:
    """A design from one of the two; None if there is neither. Raises BadValue."""
    if config_text is not None and config_dict is not None:
        raise BadValue("give the design as config_text or as config_dict, and not as both")
    if config_dict is not None:
        return text_of(config_dict)
    if config_text is None:
        return None
    if not isinstance(config_text, str):
        raise BadValue(
            f"config_text has to be text, not {type(config_text).__name__}; is it for config_dict?"
        )
    if len(config_text) > _LONGEST:
        raise BadValue(f"a design may have {_LONGEST:,} characters; this one has {len(config_text):,}")
    return config_text


def text_of(configuration: Any) -> str:
    """A mapping or a list as JSON. Raises BadValue where something in it is no JSON."""
    if not isinstance(configuration, (Mapping, list, tuple)):
        raise BadValue(f"a configuration is a dictionary, not {type(configuration).__name__}")
    try:
        return json.dumps(configuration, indent=2, default=_plain)
    except (TypeError, ValueError) as error:
        raise BadValue(f"the configuration can't be written as JSON: {error}") from error


def _plain(value: Any) -> Any:
    """What JSON has no word for: NumPy's numbers and arrays, paths, enumerations."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(getattr(value, "value", value))


def as_dict(text: str | None) -> dict[str, Any]:
    """A design's text as a dictionary, read as JSON, else as YAML where that is installed.

    Empty without text.

    Raises BadValue where it is neither.
    """
    if not text:
        return {}
    found: Any = None
    try:
        found = json.loads(text)
    except ValueError:
        found = _from_yaml(text)
    if not isinstance(found, dict):
        start = text.strip().partition("\n")[0][:60]
        raise BadValue(
            f"the design is no dictionary in JSON or YAML (it begins with {start!r}); see config_text"
        )
    return found


def _from_yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        return None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
