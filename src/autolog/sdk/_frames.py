"""Data frames as CSV that any tool reads, and back as they were, as far as CSV goes.

What CSV can't say (which columns are text, which are the index, their types of name) stands in the comment
that a gzip header has room for, and which other tools pass over. Not told apart: a missing text and an empty
one. Parquet keeps everything, and takes pyarrow.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sys
from importlib.util import find_spec
from typing import Any

from autolog.errors import BadValue

__all__ = ["read_table", "write_table"]

#: In a gzip header: the flag for a comment, where the flags are, and the header's length without one.
_COMMENT, _FLAGS, _HEADER = 0x10, 3, 10
_LEVEL = 6
#: What a column of objects may hold that is read back as what it was without being told.
_NUMBERS = frozenset({"integer", "floating", "mixed-integer-float", "boolean", "decimal"})


def write_table(frame: Any, path: str) -> None:
    """Write a frame of pandas or polars, or a series, as `.csv.gz` or `.parquet`. Raises BadValue."""
    is_polars = type(frame).__module__.partition(".")[0] == "polars"
    if not is_polars and not hasattr(frame, "columns"):
        series, frame = frame, frame.to_frame("" if frame.name is None else frame.name)
        more = {"series": True, "name": _name(series.name)}
    else:
        more = {}
    if not frame.shape[1]:
        raise BadValue("the data frame has no columns, so there is nothing to keep")
    try:
        if path.endswith(".parquet"):
            frame.write_parquet(path) if is_polars else frame.to_parquet(path)
        elif is_polars:
            _write_polars(frame, path)
        else:
            _write_pandas(frame, path, more)
    except ImportError as error:
        raise BadValue(f"a frame can't be kept as Parquet here ({error}); pip install pyarrow") from error
    except BadValue:
        raise
    except (ValueError, TypeError, NotImplementedError, _error_of_polars()) as error:
        raise BadValue(f"the data frame can't be kept as {path.rpartition('.')[2]}: {error}") from error


def _error_of_polars() -> type[Exception]:
    found = getattr(sys.modules.get("polars.exceptions"), "PolarsError", None)
    return found if isinstance(found, type) else ValueError


def _write_pandas(frame: Any, path: str, more: dict[str, Any]) -> None:
    if frame.columns.nlevels > 1:
        raise BadValue("the columns have several levels; flatten them, or pass extension_name='.parquet'")
    index = frame.index
    counts = type(index).__name__ == "RangeIndex" and (index.start, index.step, index.name) == (0, 1, None)
    levels = [] if counts else [index.get_level_values(number) for number in range(index.nlevels)]
    columns = [*levels, *(frame.iloc[:, number] for number in range(frame.shape[1]))]
    note = {
        "index": [_name(name) for name in index.names] if levels else [],
        "columns": [_name(name) for name in frame.columns],
        "text": [place for place, each in enumerate(columns) if _is_text(each)],
        "dates": [place for place, each in enumerate(columns) if each.dtype.kind == "M"],
        **more,
    }
    with _Noted(path, note) as binary, io.TextIOWrapper(binary, encoding="utf-8", newline="") as target:
        # The names stand in the note; in the file there has to be one for every column.
        labels = [str(name) if name is not None else f"index_{at}" for at, name in enumerate(index.names)]
        frame.to_csv(target, index=bool(levels), index_label=labels if levels else None)


def _name(name: Any) -> Any:
    return name if name is None or isinstance(name, (str, int, float)) else str(name)


def _is_text(column: Any) -> bool:
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        kind = kind.categories.dtype
        column = column.astype(kind)
    if kind.kind == "O":
        return pd.api.types.infer_dtype(column, skipna=True) not in _NUMBERS
    return bool(pd.api.types.is_string_dtype(kind))


def _write_polars(frame: Any, path: str) -> None:
    import polars as pl

    text = [place for place, kind in enumerate(frame.dtypes) if kind == pl.String]
    with _Noted(path, {"polars": True, "text": text}) as target:
        frame.write_csv(target)


class _Noted:
    """A gzip file to write into, with a note in its header; the same content gives the same bytes."""

    def __init__(self, path: str, note: Any) -> None:
        self._path = path
        self._note = json.dumps(note, separators=(",", ":")).encode("ascii")

    def __enter__(self) -> gzip.GzipFile:
        self._file = open(f"{self._path}.body", "w+b")
        self._body = gzip.GzipFile("", "wb", _LEVEL, self._file, mtime=0)
        return self._body

    def __exit__(self, kind: Any, *_: Any) -> None:
        self._body.close()
        with self._file:
            if kind is not None:
                return
            self._file.seek(0)
            header = bytearray(self._file.read(_HEADER))
            header[_FLAGS] |= _COMMENT
            with open(self._path, "wb") as target:
                target.write(bytes(header) + self._note + b"\0")
                shutil.copyfileobj(self._file, target)


def _note_in(path: str) -> dict[str, Any]:
    with open(path, "rb") as source:
        if source.read(_HEADER)[_FLAGS] != _COMMENT:
            return {}
        note = bytearray()
        while (each := source.read(1)) not in (b"", b"\0"):
            note += each
    return dict(json.loads(note))


def read_table(path: str) -> Any:
    """The frame or series in a file. Raises ImportError if pandas is missing."""
    if path.endswith(".parquet"):
        import pandas as pd

        return pd.read_parquet(path)
    note = _note_in(path)
    if note.get("polars") and find_spec("polars") is not None:
        return _read_polars(path, note)
    return _read_pandas(path, note)


def _read_polars(path: str, note: dict[str, Any]) -> Any:
    import polars as pl

    with gzip.open(path, "rb") as source:
        data = source.read()
    head = pl.read_csv(data, n_rows=0).columns
    text = {head[place]: pl.String for place in note["text"]}
    return pl.read_csv(data, schema_overrides=text, try_parse_dates=True, infer_schema_length=None)


def _read_pandas(path: str, note: dict[str, Any]) -> Any:
    import pandas as pd

    options: dict[str, Any] = {"keep_default_na": False, "na_values": [""], "compression": "gzip"}
    if int(pd.__version__.partition(".")[0]) < 3:
        options["float_precision"] = "round_trip"  # what later ones do anyway
    levels = note.get("index", [])
    if levels:
        options["index_col"] = list(range(len(levels)))
    options["dtype"] = dict.fromkeys(note.get("text", ()), str)
    options["parse_dates"] = note.get("dates", []) or False
    frame = pd.read_csv(path, **options)
    if levels:
        frame.index.names = levels
    if "columns" in note:
        frame.columns = pd.Index(note["columns"])
    if not note.get("series"):
        return frame
    series = frame.iloc[:, 0]
    series.name = note["name"]
    return series
