"""`--sort -updated,name`: several keys, each ascending or, with a minus, descending."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

__all__ = ["sort"]

_T = TypeVar("_T")


def sort(found: Sequence[_T], wanted: str, keys: Mapping[str, Callable[[_T], Any]]) -> list[_T]:
    """`found` in the order that `wanted` names; what has no value comes last either way.

    Raises click.BadParameter for a key that isn't in `keys`.
    """
    result = list(found)
    # Sorting is stable, so the last key goes first.
    for part in reversed([each.strip() for each in wanted.split(",") if each.strip()]):
        key = keys.get(part.lstrip("-+"))
        if key is None:
            raise click.BadParameter(
                f"{part!r} is not one of {', '.join(keys)}; write them with commas between, a minus for"
                " descending: -updated,name",
                param_hint="'--sort'",
            )
        has = [each for each in result if key(each) is not None]
        has.sort(key=key, reverse=part.startswith("-"))
        result = has + [each for each in result if key(each) is None]
    return result
