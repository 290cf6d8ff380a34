"""What is reported of a model and drawn: the `report_*` methods that its classes have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autolog.errors import BadValue, UnreadableWeights

from . import figures
from .checks import path_of, whole_number

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from autolog.store import FigureRecord

    from ._records import Records
    from .figures import Frame, SeriesInfo

__all__ = ["Reports"]

Numbers = Sequence[int | float]


class Reports:
    """Figures of a model. Each is kept under its title, series and iteration; reported again, it is replaced.

    All raise BadValue, saying what is wrong with a value or that a figure is too large (10 MB of JSON),
    BadName for an empty title, NotFound and StoreError. `extra_layout` is more of Plotly's layout.
    """

    if TYPE_CHECKING:
        _records: Records

        @property
        def id(self) -> str:
            """The id of the model."""

    @property
    def figures(self) -> list[FigureRecord]:
        """All its figures with what they show, by title, series and iteration."""
        from autolog.store import figures_of

        return figures_of(self._records.store, self.id)

    def report_figure(self, title: str, series: str, figure: Any, iteration: int | None = None) -> None:
        """Keep a figure of Plotly, or one of Matplotlib as an image; it stays as it is."""
        self._report("figure", title, series, figures.figure_of(figure, title), iteration)

    def report_histogram(
        self,
        title: str,
        series: str,
        values: Numbers,
        iteration: int | None = None,
        labels: list[str] | None = None,
        xlabels: list[str] | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        mode: str | None = None,
        data_args: dict[str, Any] | None = None,
        extra_layout: dict[str, Any] | None = None,
    ) -> None:
        """Keep bars of these heights; of two dimensions each row is a group of bars, named by `labels`.

        `mode` is `group`, `stack`, `relative` or `overlay`; `data_args` are Plotly's for bars.
        """
        frame = figures.Frame(title, xaxis, yaxis, extra=extra_layout)
        figure = figures.histogram(
            values, frame, series, labels=labels, xlabels=xlabels, mode=mode, data_args=data_args
        )
        self._report("histogram", title, series, figure, iteration)

    def report_vector(
        self,
        title: str,
        series: str,
        values: Numbers,
        iteration: int | None = None,
        labels: list[str] | None = None,
        xlabels: list[str] | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        mode: str | None = None,
        extra_layout: dict[str, Any] | None = None,
    ) -> None:
        """Keep the values of a vector as bars."""
        frame = figures.Frame(title, xaxis, yaxis, extra=extra_layout)
        figure = figures.vector(values, frame, series, labels=labels, xlabels=xlabels, mode=mode)
        self._report("vector", title, series, figure, iteration)

    def report_table(
        self,
        title: str,
        series: str,
        iteration: int | None = None,
        table_plot: pd.DataFrame | Sequence[Sequence[Any]] | None = None,
        csv: str | None = None,
        url: str | None = None,
        extra_layout: dict[str, Any] | None = None,
    ) -> None:
        """Keep a table: a data frame, rows whose first is the head, or a CSV file at a path or a URL."""
        given = [name for name, each in (("csv", csv), ("url", url)) if each is not None]
        given += ["table_plot"] if table_plot is not None else []
        if len(given) != 1:
            has = " and ".join(given) or "none of them"
            raise BadValue(f"a table is given by one of table_plot, csv and url, and here by {has}")
        frame = figures.Frame(title, extra=extra_layout)
        if csv is not None:
            figure = figures.table_of_csv(path_of(csv, "csv"), frame)
        elif url is not None:
            figure = self._table_at(url, frame)
        else:
            figure = figures.table(table_plot, frame)
        self._report("table", title, series, figure, iteration)

    def report_line_plot(
        self,
        title: str,
        series: Sequence[SeriesInfo],
        xaxis: str,
        yaxis: str,
        mode: str = "lines",
        iteration: int | None = None,
        reverse_xaxis: bool = False,
        comment: str | None = None,
        extra_layout: dict[str, Any] | None = None,
    ) -> None:
        """Keep lines through points, one for each SeriesInfo(name, data, labels); data are rows of `x, y`."""
        frame = figures.Frame(title, xaxis, yaxis, comment=comment, extra=extra_layout)
        figure = figures.line_plot(series, frame, mode=mode, reverse_xaxis=reverse_xaxis)
        self._report("line", title, "", figure, iteration)

    def report_scatter2d(
        self,
        title: str,
        series: str,
        scatter: Sequence[tuple[float, float]] | np.ndarray[Any, Any],
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        labels: list[str] | None = None,
        mode: str = "line",
        comment: str | None = None,
        extra_layout: dict[str, Any] | None = None,
    ) -> None:
        """Keep points `x, y`: `mode` is `lines`, `markers` or `lines+markers`; one label for each, if any."""
        frame = figures.Frame(title, xaxis, yaxis, comment=comment, extra=extra_layout)
        figure = figures.scatter2d(scatter, frame, series, labels=labels, mode=mode)
        self._report("scatter2d", title, series, figure, iteration)

    def report_scatter3d(
        self,
        title: str,
        series: str,
        scatter: Sequence[tuple[float, float, float]] | np.ndarray[Any, Any],
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        zaxis: str | None = None,
        labels: list[str] | None = None,
        mode: str = "markers",
        fill: bool = False,
        comment: str | None = None,
        extra_layout: dict[str, Any] | None = None,
    ) -> None:
        """Keep points `x, y, z`, one label for each if there are any; `fill` draws what they span."""
        frame = figures.Frame(title, xaxis, yaxis, zaxis, comment, extra_layout)
        figure = figures.scatter3d(scatter, frame, series, labels=labels, mode=mode, fill=fill)
        self._report("scatter3d", title, series, figure, iteration)

    def report_confusion_matrix(
        self,
        title: str,
        series: str,
        matrix: np.ndarray[Any, Any],
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        xlabels: list[str] | None = None,
        ylabels: list[str] | None = None,
        yaxis_reversed: bool = False,
        comment: str | None = None,
        extra_layout: dict[str, Any] | None = None,
    ) -> None:
        """Keep a confusion matrix: rows of numbers, which stand in their cells if they aren't many."""
        frame = figures.Frame(title, xaxis, yaxis, comment=comment, extra=extra_layout)
        figure = figures.confusion_matrix(
            matrix, frame, series, xlabels=xlabels, ylabels=ylabels, yaxis_reversed=yaxis_reversed
        )
        self._report("confusion_matrix", title, series, figure, iteration)

    def report_matrix(
        self,
        title: str,
        series: str,
        matrix: np.ndarray[Any, Any],
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        xlabels: list[str] | None = None,
        ylabels: list[str] | None = None,
        yaxis_reversed: bool = False,
        extra_layout: dict[str, Any] | None = None,
    ) -> None:
        """Keep a matrix as a map of colours."""
        frame = figures.Frame(title, xaxis, yaxis, extra=extra_layout)
        figure = figures.matrix(
            matrix, frame, series, xlabels=xlabels, ylabels=ylabels, yaxis_reversed=yaxis_reversed
        )
        self._report("matrix", title, series, figure, iteration)

    def report_surface(
        self,
        title: str,
        series: str,
        matrix: np.ndarray[Any, Any],
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        zaxis: str | None = None,
        xlabels: list[str] | None = None,
        ylabels: list[str] | None = None,
        camera: Sequence[float] | None = None,
        comment: str | None = None,
        extra_layout: dict[str, Any] | None = None,
    ) -> None:
        """Keep a matrix as a surface of these heights, seen from `camera` `(x, y, z)`."""
        frame = figures.Frame(title, xaxis, yaxis, zaxis, comment, extra_layout)
        figure = figures.surface(matrix, frame, series, xlabels=xlabels, ylabels=ylabels, camera=camera)
        self._report("surface", title, series, figure, iteration)

    def _report(
        self, kind: str, title: str, series: str, figure: Mapping[str, Any], iteration: int | None
    ) -> None:
        from autolog.store import NewFigure, report_figure

        new = NewFigure(title, series, kind, figure, _whole(iteration))
        report_figure(self._records.store, self.id, new)

    def _table_at(self, url: str, frame: Frame) -> dict[str, Any]:
        from autolog.keeping import at_hand

        left = figures.LIMIT

        def count(size: int) -> None:
            nonlocal left
            left -= size
            if left < 0:
                raise BadValue(f"what is at the url is larger than the {figures.LIMIT:,} bytes of a figure")

        try:
            with at_hand(path_of(url, "url"), self._records.settings, count) as (_, path):
                return figures.table_of_csv(path, frame)
        except UnreadableWeights as error:
            raise BadValue(f"the table can't be read: {error}") from error


def _whole(iteration: int | None) -> int | None:
    if iteration is None:
        return None
    found = whole_number(iteration, "iteration")
    if found < 0:
        raise BadValue(f"iteration has to be 0 or more, not {found}")
    return found
