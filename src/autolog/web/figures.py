"""What a figure shows, without drawing it: its data as tables, or the image that it is.

Figures are what people have reported or imported: nothing in them is taken for granted.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Image", "Rows", "image_of", "is_table", "rows_of"]

_IMAGE = re.compile(r"data:(image/(?:png|jpeg|webp));base64,")
_SIGNS = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8", "image/webp": b"RIFF"}
#: What may stand in columns beside each other, in this order.
_COLUMNS = ("x", "y", "z", "i", "j", "k", "r", "theta", "a", "b", "c", "labels", "parents", "values", "open")
_MORE = ("high", "low", "close", "lat", "lon", "locations", "text", "hovertext", "customdata")


class Image(NamedTuple):
    """An image: its media type and its bytes."""

    kind: str
    data: bytes


class Rows(NamedTuple):
    """A part of a figure as a table: what it is called, the heads of its columns, and its rows."""

    name: str
    heads: list[str]
    rows: list[list[Any]]


def image_of(figure: Mapping[str, Any]) -> Image | None:
    """The image, of a figure that is nothing else (as those of Matplotlib are)."""
    layout = figure.get("layout")
    images = layout.get("images") if isinstance(layout, Mapping) else None
    if figure.get("data") or not isinstance(images, list) or len(images) != 1:
        return None
    (image,) = images
    source = image.get("source") if isinstance(image, Mapping) else None
    if not isinstance(source, str) or (match := _IMAGE.match(source)) is None:
        return None
    try:
        data = base64.b64decode(source[match.end() :], validate=True)
    except (binascii.Error, ValueError):
        return None
    return Image(match[1], data) if data.startswith(_SIGNS[match[1]]) else None


def is_table(figure: Mapping[str, Any]) -> bool:
    """Whether a figure is nothing but tables."""
    traces = _traces(figure)
    return bool(traces) and all(each.get("type") == "table" for each in traces)


def rows_of(figure: Mapping[str, Any]) -> list[Rows]:
    """What a figure shows as tables, one for each trace."""
    found = []
    for number, trace in enumerate(_traces(figure), 1):
        name = trace.get("name")
        name = name if isinstance(name, str) and name else f"Series {number}"
        if trace.get("type") == "table":
            found.append(_of_table(trace, "" if name.startswith("Series ") else name))
        elif isinstance(grid := trace.get("z"), list) and grid and isinstance(grid[0], list):
            found.append(_of_grid(trace, grid, name))
        else:
            found.append(_of_columns(trace, name))
    return [each for each in found if each.heads]


def _traces(figure: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    data = figure.get("data")
    return [each for each in data if isinstance(each, Mapping)] if isinstance(data, list) else []


def _of_table(trace: Mapping[str, Any], name: str) -> Rows:
    heads = [_head(each) for each in _values(trace.get("header"))]
    columns = [each if isinstance(each, list) else [each] for each in _values(trace.get("cells"))]
    heads += [""] * (len(columns) - len(heads))
    return Rows(name, heads, list(_across(columns)))


def _values(part: Any) -> list[Any]:
    values = part.get("values") if isinstance(part, Mapping) else None
    return values if isinstance(values, list) else []


def _head(value: Any) -> str:
    # Plotly takes a list of lines there, too.
    lines = value if isinstance(value, list) else [value]
    return " ".join("" if each is None else str(each) for each in lines)


def _of_grid(trace: Mapping[str, Any], grid: Sequence[Any], name: str) -> Rows:
    rows = [each if isinstance(each, list) else [each] for each in grid]
    width = max(len(each) for each in rows)
    along, down = trace.get("x"), trace.get("y")
    heads = [str(each) for each in along] if isinstance(along, list) and len(along) == width else []
    heads = heads or [str(each) for each in range(width)]
    sides = down if isinstance(down, list) and len(down) == len(rows) else list(range(len(rows)))
    return Rows(name, ["", *heads], [[side, *row] for side, row in zip(sides, rows, strict=True)])


def _of_columns(trace: Mapping[str, Any], name: str) -> Rows:
    known = [each for each in (*_COLUMNS, *_MORE) if isinstance(trace.get(each), list)]
    return Rows(name, known, list(_across([trace[each] for each in known])))


def _across(columns: Sequence[list[Any]]) -> Iterator[list[Any]]:
    """Rows of columns, which may be of unequal length."""
    for place in range(max((len(each) for each in columns), default=0)):
        yield [each[place] if place < len(each) else None for each in columns]
