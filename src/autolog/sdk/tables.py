"""Rows of models as data frames of pandas and polars, which are imported when somebody asks for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autolog.errors import FrameworkMissing

__all__ = ["frame"]

_COLUMNS = ("id", "name", "project", "framework", "status", "tags", "task", "version", "iteration", "size",
            "digest", "uri", "created", "updated")  # fmt: skip


def frame(rows: Sequence[dict[str, Any]], library: str) -> Any:
    """A data frame of `library`, `pandas` or `polars`. Raises FrameworkMissing."""
    try:
        made = _pandas if library == "pandas" else _polars
        return made(rows, _columns(rows))
    except ImportError as error:
        raise FrameworkMissing(f"{library} is not installed; pip install {library}") from error


def _columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The same order whatever the rows: what all have, then metrics, then metadata."""
    more = {key for row in rows for key in row if key not in _COLUMNS}
    return [*_COLUMNS, *sorted(more, key=lambda key: (not key.startswith("metric."), key))]


def _pandas(rows: Sequence[dict[str, Any]], columns: list[str]) -> Any:
    import pandas as pd

    found = pd.DataFrame([{name: row.get(name) for name in columns} for row in rows], columns=columns)
    for name in ("created", "updated"):
        found[name] = pd.to_datetime(found[name], utc=True)
    for name in ("version", "iteration", "size"):
        found[name] = found[name].astype("Int64")
    return found


def _polars(rows: Sequence[dict[str, Any]], columns: list[str]) -> Any:
    import polars as pl

    kinds: dict[str, Any] = {
        "tags": pl.List(pl.String),
        **dict.fromkeys(("created", "updated"), pl.Datetime("us", "UTC")),
        **dict.fromkeys(("version", "iteration", "size"), pl.Int64),
    }
    series = []
    for name in columns:
        values = [row.get(name) for row in rows]
        kind = kinds.get(name, pl.String if name in _COLUMNS else None)
        try:
            series.append(pl.Series(name, values, dtype=kind, strict=kind is not None))
        except (TypeError, ValueError, pl.exceptions.PolarsError):
            # Metadata of several kinds under one name.
            series.append(pl.Series(name, [None if each is None else str(each) for each in values]))
    return pl.DataFrame(series)
