"""Figures as Plotly draws them: `{"data": [...], "layout": {...}}`, of nothing but JSON's types.

Neither Plotly nor Matplotlib nor numpy is imported: what they made is known by what it can do. NaN and
infinities become null, which is drawn as a gap.
"""

from __future__ import annotations

import csv
import html
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from autolog.errors import BadValue, NotFound

from ._drawn import figure_of
from ._plain import LIMIT, grid, kind_of, limited, listed, numbers, plain, points, texts

__all__ = [
    "LIMIT",
    "Frame",
    "SeriesInfo",
    "confusion_matrix",
    "figure_of",
    "histogram",
    "line_plot",
    "matrix",
    "scatter2d",
    "scatter3d",
    "surface",
    "table",
    "table_of_csv",
    "vector",
]

_BAR_MODES = ("group", "stack", "relative", "overlay")
#: A matrix of at most so many cells shows its numbers.
_WRITTEN_OUT = 400


class SeriesInfo(NamedTuple):
    """A line of a line plot: its name, its points `(x, y)`, and what is said of each of them."""

    name: str
    data: Any
    labels: Sequence[str] | None = None


class Frame(NamedTuple):
    """What is around a figure: its title, names of the axes, a comment, and more of Plotly's layout."""

    title: str
    x: str | None = None
    y: str | None = None
    z: str | None = None
    comment: str | None = None
    extra: Mapping[str, Any] | None = None

    def finish(self, data: list[dict[str, Any]], **layout: Any) -> dict[str, Any]:
        """The whole figure. Raises BadValue if it is too large."""
        title = str(self.title)
        if self.comment:
            title += f"<br><sup>{html.escape(str(self.comment), quote=False)}</sup>"
        whole: dict[str, Any] = {"title": {"text": title}, **layout}
        if self.extra is not None:
            if not isinstance(self.extra, Mapping):
                raise BadValue(
                    f"extra_layout has to be a dictionary of Plotly's layout, not {kind_of(self.extra)}"
                )
            whole.update(plain(self.extra, "extra_layout"))
        return limited({"data": data, "layout": whole}, title)

    def axes(self) -> dict[str, Any]:
        """The axes of a figure that is flat."""
        return {"xaxis": _axis(self.x), "yaxis": _axis(self.y)}

    def scene(self) -> dict[str, Any]:
        """The axes of a figure that isn't."""
        return {"xaxis": _axis(self.x), "yaxis": _axis(self.y), "zaxis": _axis(self.z)}


def _axis(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"title": {"text": str(name)}}


def histogram(
    values: Any,
    frame: Frame,
    series: str,
    *,
    labels: Any = None,
    xlabels: Any = None,
    mode: str | None = None,
    data_args: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Bars of these heights; of two dimensions each row is a group of bars of one colour, named by `labels`.

    `xlabels` stand below the bars, `mode` is `group`, `stack`, `relative` or `overlay`, `data_args` are
    Plotly's for each group. Raises BadValue.
    """
    rows = _bar_rows(values)
    names = texts(labels, "labels", len(rows))
    below = texts(xlabels, "xlabels", len(rows[0]))
    if (mode or "group") not in _BAR_MODES:
        raise BadValue(f"mode is {mode!r}; it has to be one of {', '.join(_BAR_MODES)}")
    more = _arguments(data_args)
    lies = more.get("orientation") == "h"
    data = []
    for place, row in enumerate(rows):
        along: list[Any] = list(below or range(len(row)))
        name = names[place] if names else series if len(rows) == 1 else f"{series} {place}"
        data.append(
            {"type": "bar", "name": name, "x": row if lies else along, "y": along if lies else row, **more}
        )
    axes = frame.axes()
    if below:
        axes["yaxis" if lies else "xaxis"]["type"] = "category"  # "007" is a name and not a number
    return frame.finish(data, barmode=mode or "group", **axes)


def _bar_rows(values: Any) -> list[list[Any]]:
    items = listed(values, "values")
    if items and all(isinstance(each, Sequence) or getattr(each, "shape", ()) != () for each in items):
        return grid(items, "values")
    return [numbers(items, "values")]


def _arguments(data_args: Mapping[str, Any] | None) -> dict[str, Any]:
    if data_args is None:
        return {}
    if not isinstance(data_args, Mapping):
        raise BadValue(f"data_args has to be a dictionary of what Plotly takes, not {kind_of(data_args)}")
    return dict(plain(data_args, "data_args"))


def vector(
    values: Any,
    frame: Frame,
    series: str,
    *,
    labels: Any = None,
    xlabels: Any = None,
    mode: str | None = None,
) -> dict[str, Any]:
    """The values of a vector as bars. Raises BadValue."""
    return histogram(values, frame, series, labels=labels, xlabels=xlabels, mode=mode)


def table(rows: Any, frame: Frame) -> dict[str, Any]:
    """A table: of a data frame, or of rows the first of which is the head. Raises BadValue."""
    if rows is None:
        raise BadValue("table_plot is None; give a data frame, a list of rows, csv= or url=")
    head, body = _of_frame(rows) if hasattr(rows, "columns") else _of_rows(rows)
    columns = [[row[place] for row in body] for place in range(len(head))]
    data = {"type": "table", "header": {"values": head}, "cells": {"values": columns}}
    return frame.finish([data])


def _of_rows(rows: Any) -> tuple[list[Any], list[list[Any]]]:
    found = [
        [_cell(each) for each in listed(row, "a row of the table")] for row in listed(rows, "table_plot")
    ]
    if not found:
        raise BadValue("the table is empty; its first row is the head")
    for place, row in enumerate(found):
        if len(row) != len(found[0]):
            raise BadValue(f"the table's head has {len(found[0])} columns, and row {place} has {len(row)}")
    return found[0], found[1:]


def _of_frame(frame: Any) -> tuple[list[Any], list[list[Any]]]:
    _see_size(frame)
    head = [_cell(each) for each in frame.columns]
    if hasattr(frame, "rows"):  # polars
        return head, [[_cell(each) for each in row] for row in frame.rows()]
    index = frame.index
    counts = type(index).__name__ == "RangeIndex" and index.name is None  # nothing but the row's number
    if not counts:
        names = [name if name is not None else "" for name in index.names]
        head = [*(_cell(each) for each in names), *head]
    body = []
    for where, row in zip(index, frame.itertuples(index=False, name=None), strict=True):
        before = () if counts else where if isinstance(where, tuple) else (where,)
        body.append([_cell(each) for each in (*before, *row)])
    return head, body


def _see_size(frame: Any) -> None:
    height, width = frame.shape
    if height * width * 2 > LIMIT:
        raise BadValue(
            f"the table has {height:,} x {width} cells, too many for a figure: give a part of it"
            " (frame.head(1000)), or keep all of it with task.upload_artifact(name, frame)"
        )


def _cell(value: Any) -> Any:
    """What a cell shows: numbers, truth and gaps as they are, all else as text."""
    try:
        found = plain(value, "a cell")
    except BadValue:
        return str(value)
    return str(value) if isinstance(found, (list, dict)) else found


def table_of_csv(path: str | os.PathLike[str], frame: Frame) -> dict[str, Any]:
    """A table of a CSV file, whose first line is the head. Raises NotFound and BadValue."""
    try:
        if os.path.getsize(path) > LIMIT:
            raise BadValue(
                f"{os.fspath(path)} is larger than the {LIMIT // 1_000_000} MB that a figure may have; keep"
                " it with task.upload_artifact(name, path), and report a part of it"
            )
        with open(path, encoding="utf-8-sig", newline="") as source:
            rows = [row for row in csv.reader(source) if row]
    except FileNotFoundError as error:
        raise NotFound(f"there is nothing at {os.fspath(path)}") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadValue(f"{os.fspath(path)} can't be read as CSV: {error}") from error
    return table(rows, frame)


def line_plot(
    series: Any, frame: Frame, *, mode: str = "lines", reverse_xaxis: bool = False
) -> dict[str, Any]:
    """Lines through points, one for each SeriesInfo (or dictionary of its members). Raises BadValue."""
    data = []
    for info in _infos(series):
        rows = points(info.data, f"the data of {info.name!r}", 2)
        line = _scatter(rows, info.name, mode)
        data.append(_said(line, info.labels, f"the labels of {info.name!r}", len(rows)))
    axes = frame.axes()
    if reverse_xaxis:
        axes["xaxis"]["autorange"] = "reversed"
    return frame.finish(data, **axes)


def _infos(series: Any) -> Iterable[SeriesInfo]:
    if isinstance(series, SeriesInfo):
        return [series]
    found = []
    # Not `listed`: what knows its own list is no list of series.
    if series is None or not isinstance(series, Iterable) or isinstance(series, (str, Mapping)):
        raise BadValue(f"series has to be a list of SeriesInfo(name, data), and not {kind_of(series)}")
    for each in series:
        if isinstance(each, Mapping) and {"name", "data"} <= each.keys() <= {"name", "data", "labels"}:
            found.append(SeriesInfo(**each))
        elif isinstance(each, SeriesInfo):
            found.append(each)
        else:
            raise BadValue(
                f"series has to be a list of SeriesInfo(name, data), and has {kind_of(each)} in it"
            )
    return found


def _scatter(rows: list[list[Any]], name: str, mode: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": str(name),
        "mode": _mode(mode),
        "x": [row[0] for row in rows],
        "y": [row[1] for row in rows],
    }


def _mode(mode: str) -> str:
    words = {"line": "lines", "marker": "markers"}
    found = "+".join(words.get(each, each) for each in str(mode).split("+"))
    if found != "none" and not set(found.split("+")) <= {"lines", "markers", "text"}:
        raise BadValue(f"mode is {mode!r}; it has to be lines, markers, or lines+markers")
    return found


def _said(trace: dict[str, Any], labels: Any, what: str, count: int) -> dict[str, Any]:
    if (said := texts(labels, what, count)) is not None:
        trace["text"] = said
    return trace


def scatter2d(
    scatter: Any, frame: Frame, series: str, *, labels: Any = None, mode: str = "line"
) -> dict[str, Any]:
    """Points `(x, y)`, one label for each if there are any. Raises BadValue."""
    rows = points(scatter, "scatter", 2)
    return frame.finish([_said(_scatter(rows, series, mode), labels, "labels", len(rows))], **frame.axes())


def scatter3d(
    scatter: Any, frame: Frame, series: str, *, labels: Any = None, mode: str = "markers", fill: bool = False
) -> dict[str, Any]:
    """Points `(x, y, z)`, one label for each, if any; `fill` draws what they span. Raises BadValue."""
    rows = points(scatter, "scatter", 3)
    trace = {**_scatter(rows, series, mode), "type": "scatter3d", "z": [row[2] for row in rows]}
    if fill:
        trace["surfaceaxis"] = 1
    return frame.finish([_said(trace, labels, "labels", len(rows))], scene=frame.scene())


def matrix(
    values: Any,
    frame: Frame,
    series: str,
    *,
    xlabels: Any = None,
    ylabels: Any = None,
    yaxis_reversed: bool = False,
) -> dict[str, Any]:
    """A matrix as a map of colours, its first row at the bottom unless reversed. Raises BadValue."""
    return _heat(values, frame, series, (xlabels, ylabels), yaxis_reversed=yaxis_reversed)


def confusion_matrix(
    values: Any,
    frame: Frame,
    series: str,
    *,
    xlabels: Any = None,
    ylabels: Any = None,
    yaxis_reversed: bool = False,
) -> dict[str, Any]:
    """A matrix whose cells show their numbers, if they aren't too many. Raises BadValue."""
    return _heat(values, frame, series, (xlabels, ylabels), yaxis_reversed=yaxis_reversed, written="%{z}")


def _heat(
    values: Any,
    frame: Frame,
    series: str,
    labels: tuple[Any, Any],
    *,
    yaxis_reversed: bool,
    written: str = "",
) -> dict[str, Any]:
    rows = grid(values, "matrix")
    trace: dict[str, Any] = {"type": "heatmap", "name": series, "z": rows}
    axes = frame.axes()
    for axis, given, count in zip("xy", labels, (len(rows[0]), len(rows)), strict=True):
        if (names := texts(given, f"{axis}labels", count)) is not None:
            trace[axis] = names
            axes[f"{axis}axis"]["type"] = "category"
    if written and len(rows) * len(rows[0]) <= _WRITTEN_OUT:
        trace["texttemplate"] = written
    if yaxis_reversed:
        axes["yaxis"]["autorange"] = "reversed"
    return frame.finish([trace], **axes)


def surface(
    values: Any, frame: Frame, series: str, *, xlabels: Any = None, ylabels: Any = None, camera: Any = None
) -> dict[str, Any]:
    """A surface of these heights, seen from `camera` `(x, y, z)`. Raises BadValue."""
    rows = grid(values, "matrix")
    scene = frame.scene()
    for axis, given, count in (("xaxis", xlabels, len(rows[0])), ("yaxis", ylabels, len(rows))):
        if (names := texts(given, axis[0] + "labels", count)) is not None:
            scene[axis] |= {"tickvals": list(range(count)), "ticktext": names}
    if camera is not None:
        where = numbers(camera, "camera")
        if len(where) != 3:
            raise BadValue(f"camera has {len(where)} numbers and needs three: x, y and z")
        scene["camera"] = {"eye": dict(zip("xyz", where, strict=True))}
    return frame.finish([{"type": "surface", "name": series, "z": rows}], scene=scene)
