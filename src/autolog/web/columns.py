"""The columns of the table of models: what each is called, and what it says of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autolog.shown.words import iso
from autolog.store import FACETS, RANGES, Row

from .view import View, join_list, split_list

__all__ = ["COLUMNS", "Column", "column_of", "columns_of", "keys_of", "with_columns"]

_MOST = 60


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `value` is plain data, as CSV has it; `kind` says how a page shows it.

    `spare` columns make room on a narrow screen unless somebody has chosen them: those of 1 first, then 2, 3.
    """

    key: str
    title: str
    kind: str
    value: Callable[[Row], Any]
    is_shown: bool = True
    spare: int = 0
    starts_down: bool = False

    @property
    def facet(self) -> str:
        """The part of the filter panel that is about it, if there is one."""
        if self.key in (*FACETS, *RANGES, "updated"):
            return self.key
        if self.key == "tags":
            return "tag"
        return self.key if "." in self.key else ""


def _newest(name: str) -> Callable[[Row], Any]:
    def value(row: Row) -> Any:
        return getattr(row.record.snapshots[-1], name) if row.record.snapshots else None

    return value


def _of_record(name: str) -> Callable[[Row], Any]:
    return lambda row: getattr(row.record, name)


def _parameters(row: Row) -> int | None:
    inside = row.record.snapshots[-1].contents if row.record.snapshots else None
    return None if inside is None else inside.parameters


#: In the order that they have until somebody changes it.
COLUMNS = (
    Column("id", "ID", "id", _of_record("id"), spare=2),
    Column("framework", "Framework", "text", _of_record("framework")),
    Column("name", "Name", "name", _of_record("name")),
    Column("tags", "Tags", "tags", lambda row: ", ".join(row.record.tags)),
    Column("status", "Status", "status", _of_record("status")),
    Column("project", "Project", "text", _of_record("project"), spare=3),
    Column("user", "User", "text", lambda row: row.user, spare=2),
    Column("task", "Task", "text", _of_record("task_name"), spare=3),
    Column("updated", "Updated", "time", lambda row: iso(row.record.updated), starts_down=True),
    Column("description", "Description", "text", _of_record("comment"), is_shown=False),
    Column("versions", "Versions", "number", _of_record("versions"), spare=3, starts_down=True),
    Column("size", "Size", "size", _newest("size"), starts_down=True),
    Column("digest", "Digest", "digest", _newest("digest"), spare=1),
    Column("iteration", "Iteration", "number", _newest("iteration"), spare=2, starts_down=True),
    Column("parameters", "Parameters", "count", _parameters, spare=2, starts_down=True),
    Column(
        "created", "Created", "time", lambda row: iso(row.record.created), is_shown=False, starts_down=True
    ),
)
_BY_KEY = {each.key: each for each in COLUMNS}


def columns_of(view: View) -> list[Column]:
    """The columns that a view shows, in its order; unknown ones are left out. Some are always there."""
    wanted = split_list(view.first("columns"))
    if not wanted:
        return [each for each in COLUMNS if each.is_shown]
    found = [each for key in dict.fromkeys(wanted[:_MOST]) if (each := column_of(key)) is not None]
    return found if any(each.key == "name" for each in found) else [_BY_KEY["name"], *found]


def with_columns(view: View, keys: Sequence[str]) -> View:
    """A view with these columns."""
    usual = [each.key for each in COLUMNS if each.is_shown]
    changed = view.but(columns=None if list(keys) == usual else join_list(keys))
    return changed.but(page=view.first("page"))


def keys_of(columns: Sequence[Column]) -> list[str]:
    """Those of metrics, which have to be asked for."""
    return [each.key for each in columns if each.key.partition(".")[0] in ("metric", "min", "max")]


def column_of(key: str) -> Column | None:
    """The column of this key; None if there can't be one."""
    if key in _BY_KEY:
        return _BY_KEY[key]
    kind, _, name = key.partition(".")
    if not name:
        return None
    if kind == "meta":
        return Column(key, name, "plain", lambda row: row.record.metadata.get(name))
    if kind in ("metric", "min", "max"):
        title = name if kind == "metric" else f"{name} ({kind})"
        return Column(key, title, "metric", lambda row: row.numbers.get(key))
    return None
