"""The table of models as JSON and as CSV, the page that is shown or all that match."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from starlette.responses import StreamingResponse

from autolog.shown import plain
from autolog.store import Filters, Row

from .columns import Column, keys_of
from .site import Site
from .view import View

__all__ = ["as_json", "csv_file", "csv_lines", "csv_rows", "json_lines", "row_to_json", "streamed"]

#: Characters that are sent at once.
_BLOCK = 1 << 16
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def row_to_json(row: Row) -> dict[str, Any]:
    """A model with its newest version, as docs/json.md describes it, and what only the table has."""
    return {
        **plain.model(row.record),
        "user": row.user,
        "numbers": dict(row.numbers),
    }


def as_json(value: Any) -> str:
    """JSON that every reader takes: numbers that it has no word for are text."""
    try:
        return json.dumps(value, ensure_ascii=True, allow_nan=False)
    except ValueError:
        return json.dumps(_spelled(value), ensure_ascii=True)


def json_lines(site: Site, view: View, filters: Filters, columns: Sequence[Column]) -> Iterator[str]:
    """All that match, as the text of one JSON list, a model on each line."""
    before = "[\n"
    for row in site.browsing.each(filters, view.order, numbers=keys_of(columns), designs=True):
        yield before + as_json(row_to_json(row))
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def csv_lines(rows: Iterator[Row], columns: Sequence[Column]) -> Iterator[str]:
    """Lines of CSV: the columns that are shown, sizes in bytes, times in UTC."""
    yield _line([each.key for each in columns])
    for row in rows:
        yield _line([_cell(each.value(row)) for each in columns])


def csv_file(rows: Iterator[Sequence[Any]], name: str) -> StreamingResponse:
    """A table as a download of this name: the first row are its heads."""
    return streamed(csv_rows(rows), "text/csv", name)


def streamed(pieces: Iterator[str], kind: str, name: str = "") -> StreamingResponse:
    """Text that is sent while it is made; as a download if it has a `name`.

    What goes wrong before there is anything to send is raised here, so that it can be told as an error.
    """
    blocks = _blocks(pieces)
    begun = list(islice(blocks, 1))
    headers = {"content-disposition": f'attachment; filename="{name}"'} if name else {}
    return StreamingResponse(chain(begun, blocks), media_type=kind, headers=headers)


def _blocks(pieces: Iterator[str]) -> Iterator[str]:
    """The same text in larger pieces: each that is sent by itself takes a tenth of a millisecond."""
    held: list[str] = []
    size = 0
    for each in pieces:
        held.append(each)
        size += len(each)
        if size >= _BLOCK:
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)


def csv_rows(rows: Iterator[Sequence[Any]]) -> Iterator[str]:
    """Lines of CSV of any other table: the first row are its heads."""
    for row in rows:
        yield _line([_cell(each) for each in row])


def _line(cells: Sequence[Any]) -> str:
    file = io.StringIO()
    csv.writer(file).writerow(cells)
    return file.getvalue().encode("utf-8", "replace").decode()


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    text = value if isinstance(value, str) else as_json(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _spelled(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _spelled(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelled(each) for each in value]
    return value
