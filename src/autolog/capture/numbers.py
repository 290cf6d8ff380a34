"""What a framework knows of the weights it has saved, as plain numbers: a bounded look, without waiting."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from itertools import islice
from typing import Any

from autolog._guard import guard

__all__ = ["known_at", "numbers_of"]

#: So many names are kept, of at most so many characters, out of so many that are looked at.
_NAMES, _LONGEST, _LOOKS = 100, 200, 1_000
#: Whole numbers of more bits are beyond what a float holds.
_BITS = 1_000


def known_at(call: Any) -> dict[str, float | None]:
    """What the framework knows of the weights that this call has saved; nothing where asking it fails."""
    with guard(f"read what is known at {call.point.target}", quiet=True):
        return numbers_of(call.metrics)
    return {}


def numbers_of(known: Mapping[str, Any]) -> dict[str, float | None]:
    """The finite numbers among these by their names; None for NaN, which JSON and databases don't have.

    A tensor counts if it is a single number that can be read without waiting: one on an accelerator that
    still has something to do is left out.
    """
    found: dict[str, float | None] = {}
    for name, value in islice(known.items(), _LOOKS):
        if len(found) == _NAMES:
            break
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST:
            continue
        number = _number(value)
        if not math.isinf(number):
            found[name] = None if math.isnan(number) else number
    return found


def _number(value: Any) -> float:
    """The value as a float; an infinity, which is left out like all else, if it is no real number."""
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return math.inf if isinstance(value, bool) or value.bit_length() > _BITS else float(value)
    if type(value).__module__ == "numpy":
        is_single = getattr(value, "ndim", None) == 0 and value.dtype.kind in "iuf"
        return float(value) if is_single else math.inf
    torch = sys.modules.get("torch")
    # Only of these two types is it sure that asking runs no code but torch's own.
    if torch is None or type(value) not in (torch.Tensor, torch.nn.Parameter):
        return math.inf
    is_here = value.layout is torch.strided and _is_at_hand(value, torch)
    if not is_here or value.numel() != 1 or value.is_complex() or value.dtype is torch.bool:
        return math.inf
    return float(value.item())


def _is_at_hand(tensor: Any, torch: Any) -> bool:
    """Whether reading it waits for nothing: right after a save, which has copied weights, all is done."""
    if tensor.device.type == "cuda":
        return bool(torch.cuda.current_stream(tensor.device).query())
    return bool(tensor.device.type == "cpu")
