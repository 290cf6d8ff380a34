"""The ways in which one may look at line plots, as an address says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .view import whole

__all__ = ["CHOICES", "looked"]

#: What each choice may say; the first is what holds without a word.
CHOICES = {
    "x": {"iteration": "Iteration", "time": "Time from start", "wall": "Wall time"},
    "smooth": {
        "none": "None",
        "exponential": "Exponential",
        "average": "Running average",
        "gaussian": "Gaussian",
    },
    "y": {"linear": "Linear", "log": "Logarithmic"},
    "group": {"title": "By title", "none": "Each by itself"},
}
_STRENGTH = 60


def looked(asked: Mapping[str, str]) -> dict[str, Any]:
    """What an address chooses, of every choice; and the `strength` of the smoothing, 1 to 100."""
    chosen: dict[str, Any] = {}
    for key, words in CHOICES.items():
        chosen[key] = asked[key] if asked.get(key) in words else next(iter(words))
    strength = whole(asked.get("strength", "")) or 0
    chosen["strength"] = strength if 1 <= strength <= 100 else _STRENGTH
    return chosen
