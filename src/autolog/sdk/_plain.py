"""From whatever people have at hand (arrays, tensors, series, lists) to what JSON can say, within bounds.

No library is imported for that: an array is known by what it can do.
"""

from __future__ import annotations

import array
import base64
import binascii
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from numbers import Complex, Real
from numbers import Number as AnyNumber
from typing import Any

from autolog.errors import BadValue

__all__ = ["LIMIT", "grid", "kind_of", "limited", "listed", "numbers", "plain", "points", "texts"]

#: The most bytes of JSON that one figure may have.
LIMIT = 10_000_000
_DEEPEST = 50
#: What Plotly calls the numbers of an array, and what Python does.
_TYPED = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d"}

Number = float | int | None


def limited(figure: Mapping[str, Any], title: str) -> dict[str, Any]:
    """A figure that is plain already, unless its JSON is too large. Raises BadValue."""
    size = len(json.dumps(figure, separators=(",", ":"), allow_nan=False))
    if size > LIMIT:
        raise _too_large(f"the figure {title!r}", f"{size / 1e6:.0f} MB of JSON")
    return dict(figure)


def _too_large(what: str, has: str) -> BadValue:
    return BadValue(
        f"{what} has {has}, and a figure may have {LIMIT // 1_000_000} MB: give fewer points (every tenth,"
        " say) or bins of them, round the numbers, or keep the data with task.upload_artifact(name, data)"
    )


def listed(value: Any, what: str) -> list[Any]:
    """The items of an array, a tensor, a series or any sequence, nested lists for several dimensions.

    Raises BadValue for what has no items, and for far too many of them.
    """
    if value is None:
        raise BadValue(f"{what} is None; give a sequence or an array")
    if isinstance(value, (str, bytes, Mapping)):
        raise BadValue(f"{what} has to be a sequence or an array, and not {kind_of(value)}")
    _refuse_many(value, what)
    value = _exact(value)
    for name in ("tolist", "to_list", "numpy", "to_numpy"):
        convert = getattr(value, name, None)
        if callable(convert):
            found = convert()
            if isinstance(found, list):
                return found
            if hasattr(found, "tolist") and hasattr(found, "shape"):
                return listed(found, what)
            break  # a single number
    if isinstance(value, Iterable) and getattr(value, "shape", None) != ():
        return list(value)
    raise BadValue(f"{what} has to be a sequence or an array, and not {kind_of(value)}")


def _refuse_many(value: Any, what: str) -> None:
    # Looked at before it becomes a list, which takes many times the array's own memory.
    count = getattr(value, "size", None)
    if callable(count):  # a tensor of PyTorch
        count = value.numel() if hasattr(value, "numel") else None
    if count is None and isinstance(value, Sequence):
        count = len(value)
    if isinstance(count, int) and count * 2 > LIMIT:
        raise _too_large(what, f"{count:,} items")


def _exact(value: Any) -> Any:
    """Times of numpy in microseconds: Python has words for those; nanoseconds would be whole numbers."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return value.astype(f"{kind}8[us]") if kind in ("M", "m") and type(value).__module__ == "numpy" else value


def numbers(value: Any, what: str) -> list[Number]:
    """A list of numbers; NaN and infinities become None. Raises BadValue."""
    return [_number(each, what, place) for place, each in enumerate(listed(value, what))]


def _number(value: Any, what: str, place: int) -> Number:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return int(value)
    if value is None:
        raise BadValue(f"{what} has None at place {place}; a gap is float('nan')")
    if _is_real(value):
        return _number(float(value), what, place)
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) in ((), (1,)):
        return _number(item(), what, place)
    raise BadValue(f"{what} has to be numbers, and at place {place} it has {kind_of(value)}")


def _is_real(value: Any) -> bool:
    """Whether it is a fraction, a decimal, or a number of numpy."""
    return isinstance(value, Real) or (isinstance(value, AnyNumber) and not isinstance(value, Complex))


def points(value: Any, what: str, width: int) -> list[list[Number]]:
    """Rows of so many numbers; no row is no error. Raises BadValue naming the row that is otherwise."""
    rows = _rows(value, what)
    for place, row in enumerate(rows):
        if len(row) != width:
            raise BadValue(f"{what} needs {width} numbers for each point, and point {place} has {len(row)}")
    return rows


def grid(value: Any, what: str) -> list[list[Number]]:
    """Rows of equally many numbers, at least one of each. Raises BadValue naming the odd row."""
    rows = _rows(value, what)
    if not rows or not rows[0]:
        raise BadValue(f"{what} is empty; it needs rows of numbers")
    for place, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise BadValue(
                f"the rows of {what} differ: the first has {len(rows[0])} numbers, row {place} {len(row)}"
            )
    return rows


def _rows(value: Any, what: str) -> list[list[Number]]:
    rows = listed(value, what)
    if any(_is_single(each) for each in rows):
        raise BadValue(f"{what} has one dimension and needs two: rows of numbers")
    return [numbers(row, f"row {place} of {what}") for place, row in enumerate(rows)]


def _is_single(value: Any) -> bool:
    return isinstance(value, (int, float)) or getattr(value, "shape", None) == ()


def texts(value: Any, what: str, count: int | None = None) -> list[str] | None:
    """A list of texts, None if there is none; so many of them. Raises BadValue."""
    if value is None:
        return None
    found = [str(each) for each in listed(value, what)]
    if count is not None and len(found) != count:
        raise BadValue(f"{what} has {len(found)} entries and needs {count}")
    return found


def plain(value: Any, what: str, depth: int = 0) -> Any:
    """The same in JSON's own types; NaN and infinities become None. Raises BadValue where there is none."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float)):
        return _number(value, what, 0)
    if depth > _DEEPEST:
        raise BadValue(f"{what} is nested too deeply, or holds itself")
    if isinstance(value, Mapping):
        if value.keys() <= {"dtype", "bdata", "shape"} and "bdata" in value:
            return _typed_array(value, what)
        return {_key(key, what): plain(each, what, depth + 1) for key, each in value.items()}
    if isinstance(value, (date, timedelta)):
        # NaT is a date that isn't itself.
        return None if value != value else value.isoformat() if isinstance(value, date) else str(value)
    if isinstance(value, (list, tuple)):
        _refuse_many(value, what)
        return [plain(each, what, depth + 1) for each in value]
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        return plain(_exact(value).item(), what, depth + 1)
    if _is_real(value):
        return _number(value, what, 0)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [plain(each, what, depth + 1) for each in listed(value, what)]
    raise BadValue(f"{what} holds {kind_of(value)}, which JSON has no form for")


def _key(key: Any, what: str) -> str:
    if isinstance(key, (str, int, float)):
        return str(key)
    raise BadValue(f"{what} has the key {key!r}; keys have to be text")


def _typed_array(value: Mapping[str, Any], what: str) -> list[Any]:
    """The numbers of an array that Plotly has written as bytes."""
    try:
        found = array.array(_TYPED[value["dtype"]], base64.b64decode(value["bdata"]))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BadValue(f"{what} has an array that can't be read ({error})") from error
    if sys.byteorder == "big":
        found.byteswap()
    _refuse_many(found, what)
    rows: list[Any] = [_number(each, what, 0) for each in found]
    shape = [int(each) for each in str(value.get("shape", "")).split(",") if each.strip()]
    for length in reversed(shape[1:]):
        rows = [rows[start : start + length] for start in range(0, len(rows), length)]
    return rows


def kind_of(value: Any) -> str:
    """What a value is, for a message."""
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    name = type(value).__qualname__
    return f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"
