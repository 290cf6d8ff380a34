"""Which of the tensors in a checkpoint are the model's, and what they are called within it.

A checkpoint keeps the state dict of a model below some key, beside an optimizer's: the same weights as in a
file of the state dict alone, under longer names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import NamedTuple

from autolog.formats._shape import Stored

__all__ = ["Found", "of_model"]


class Found(NamedTuple):
    """A tensor that is no optimizer's, the keys of the mappings around it, whether it is but an array."""

    stored: Stored
    around: tuple[str, ...]
    array: bool


def of_model(found: Sequence[Found]) -> tuple[Stored, ...]:
    """The model's tensors among them, each with its `key`: its name without the keys around all of them.

    Beside tensors of a framework's, arrays of NumPy's are no weights (a history of losses). Beside one state
    dict, single numbers elsewhere aren't either: a loss, a callback's best score.
    """
    tensors = [each for each in found if not each.array] or list(found)
    larger = [each.around for each in tensors if prod(each.stored.shape) != 1]
    around = _shared(larger or [each.around for each in tensors])
    skipped = len(".".join(around)) + 1 if around else 0
    inside = [each.stored for each in tensors if each.around[: len(around)] == around]
    return tuple(replace(stored, key=stored.name[skipped:]) for stored in inside)


def _shared(ways: list[tuple[str, ...]]) -> tuple[str, ...]:
    """How all of them begin."""
    first, last = min(ways, default=()), max(ways, default=())
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]
