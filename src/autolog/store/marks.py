"""Where a page of a table begins: after or before a row, named by the values that it is sorted by."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, or_

from autolog.errors import BadValue

from .filtering import SortKey

__all__ = ["beyond", "mark_of", "read_mark"]


def beyond(keys: Sequence[SortKey], values: Sequence[Any], backwards: bool) -> Any:
    """What comes after a row with these values in its sort columns, or before it."""
    alternatives = []
    for n, key in enumerate(keys):
        further = key.beyond(values[n], backwards=backwards)
        if further is not None:
            same = [keys[m].equals(values[m]) for m in range(n)]
            alternatives.append(and_(*same, further))
    first, value = keys[0], values[0]
    if not first.nullable:
        # Says nothing new, but lets an index be entered at the right place.
        bound = first.value <= value if first.is_down != backwards else first.value >= value
        return and_(bound, or_(*alternatives))
    return or_(*alternatives)


def mark_of(direction: str, values: Sequence[Any]) -> str:
    """What names the place after a row with these values (`n`), or before it (`p`)."""
    packed = json.dumps(list(values), separators=(",", ":")).encode()
    return direction + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_mark(found: str, keys: Sequence[SortKey]) -> tuple[bool, list[Any] | None]:
    """Whether it goes backwards, and the values it names. Raises BadValue."""
    if not found:
        return False, None
    try:
        packed = base64.urlsafe_b64decode(found[1:] + "=" * (-len(found[1:]) % 4))
        values = json.loads(packed)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadValue("this page's mark can't be read; begin at the first page") from error
    fits = isinstance(values, list) and len(values) == len(keys) and found[0] in "np"
    if not fits or not all(map(_fits, keys, values)):
        raise BadValue("this page's mark is of another order; begin at the first page")
    return found[0] == "p", values


def _fits(key: SortKey, value: Any) -> bool:
    if value is None:
        return key.nullable
    if key.is_text:
        return isinstance(value, str)
    if isinstance(value, float):
        return not math.isnan(value)  # a loss may have been infinite
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
