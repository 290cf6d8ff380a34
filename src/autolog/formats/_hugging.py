"""What the small JSON files beside Hugging Face weights say: architecture, labels, tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolog.formats._counting import texts
from autolog.formats._standins import readable

__all__ = ["config_facts", "config_labels", "is_config"]

_LONGEST_NAME = 200
_MOST_LABELS = 10_000
_MOST_ARCHITECTURES = 10
_LONGEST_NUMBER = 9  # digits of a label


def is_config(document: Any) -> bool:
    """Whether a `config.json` is one of Transformers (or of PEFT, Diffusers, timm)."""
    keys = ("model_type", "architectures", "transformers_version", "peft_type", "_class_name", "architecture")
    return isinstance(document, dict) and any(key in document for key in keys)


def config_facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """The plain facts by which a model is known."""
    found: dict[str, Any] = dict(
        texts(document, "model_type", "transformers_version", "peft_type", "base_model_name_or_path")
    )
    found.update(texts(document, "_class_name", "_diffusers_version", "architecture"))
    kinds = document.get("architectures")
    if isinstance(kinds, list):
        names = [readable(kind, _LONGEST_NAME) for kind in kinds if isinstance(kind, str)]
        found["architectures"] = names[:_MOST_ARCHITECTURES]
    # Models whose code comes with them, or from a repository of somebody's, on loading.
    if isinstance(code := document.get("auto_map"), dict):
        found["auto_map"] = [readable(str(value), _LONGEST_NAME) for value in list(code.values())[:20]]
    return found


def config_labels(document: Mapping[str, Any]) -> dict[str, int]:
    """The labels and their numbers, nothing where they are only `LABEL_0`, `LABEL_1`..."""
    found: dict[str, int] = {}
    forward, backward = document.get("label2id"), document.get("id2label")
    if isinstance(forward, dict):
        pairs = list(forward.items())
    elif isinstance(backward, dict):
        pairs = [(name, number) for number, name in backward.items()]
    else:
        return {}
    for name, number in pairs[:_MOST_LABELS]:
        if isinstance(number, str) and number.isascii() and number.isdecimal():
            number = int(number) if len(number) <= _LONGEST_NUMBER else None
        if isinstance(name, str) and type(number) is int and abs(number) < 1 << 31:
            found[readable(name, _LONGEST_NAME)] = number
    return {} if all(name == f"LABEL_{number}" for name, number in found.items()) else found
