"""Which named arrays are the model's own, where only the name tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._naming import BESIDE
from autolog.formats._shape import Tensor
from autolog.formats._standins import readable

__all__ = ["MOST_TENSORS", "counted", "counts", "cut_design", "named", "texts"]

MOST_TENSORS = 100_000
_LONGEST_DESIGN = 100_000  # characters

_LONGEST_NAME = 1_000
_MOST_DIMENSIONS = 64
_MOST_ELEMENTS = 1 << 63

_NOT_NUMBERS = ("object", "str", "bytes", "datetime", "timedelta", "resource", "variant")
_BOOKKEEPING = frozenset(
    (
        "save_counter",
        "seed_generator",
        "seed_generator_state",
        ".OPTIMIZER_SLOT",
        "global_step",
        "beta1_power",
        "beta2_power",
        "metrics",
        "_metrics",
    )
)
# What TensorFlow 1 called the moments beside a variable: `dense/kernel/Adam_1`.
_SLOTS = tuple(
    f"{name}{number}"
    for name in ("/Adam", "/Momentum", "/RMSProp", "/Adagrad", "/Ftrl", "/Adadelta")
    for number in ("", "_1", "_2")
)


def named(name: str, shape: Sequence[int], dtype: str) -> Tensor:
    """That tensor; `UnreadableWeights` for a shape that no memory holds."""
    negative = any(length < 0 for length in shape)
    if negative or len(shape) > _MOST_DIMENSIONS or prod(shape) >= _MOST_ELEMENTS:
        raise UnreadableWeights("a tensor's shape is negative or beyond what memory addresses")
    return Tensor(readable(name, _LONGEST_NAME), tuple(shape), dtype)


def counts(tensor: Tensor) -> bool:
    """Whether a tensor's elements are parameters of the model.

    Neither an optimizer's moments, nor counters, random states, texts.
    """
    name = tensor.name
    if tensor.dtype.startswith(_NOT_NUMBERS) or name.endswith(_SLOTS):
        return False
    if "/_trainable_variables/" in name:
        # TensorFlow names a variable by the shortest way to it, which may lead through the optimizer.
        return True
    parts = name.replace(".", "/").split("/") if "/." not in name else name.split("/")
    return not any(part in _BOOKKEEPING or BESIDE.search(part) for part in parts)


def counted(tensors: Iterable[Tensor]) -> int:
    """The elements of the tensors that are the model's."""
    total = sum(tensor.elements for tensor in tensors if counts(tensor))
    if total >= _MOST_ELEMENTS:
        raise UnreadableWeights("more elements than memory addresses")
    return total


def cut_design(text: str) -> str | None:
    """At most 100,000 characters of a design; None for an empty one."""
    return readable(text, _LONGEST_DESIGN) or None


def texts(facts: Mapping[str, Any], *keys: str) -> Iterator[tuple[str, str]]:
    """Those of the keys whose value is a short text, for the details."""
    for key in keys:
        if isinstance(value := facts.get(key), str) and value:
            yield key, readable(value, 200)
