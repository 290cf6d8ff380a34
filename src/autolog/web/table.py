"""What a page of the table of models shows, put together for its template."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import Request

from autolog.errors import BadValue, NotFound, WhereError
from autolog.store import Filters, Page

from .columns import Column, columns_of, keys_of
from .site import Site
from .view import View

__all__ = ["Chip", "Heading", "Table", "filters_of", "table_of", "task_name", "view_of"]

#: Columns that there is room for beside a model, unless others are chosen.
_BESIDE = ("framework", "name", "status", "updated")


class Chip(NamedTuple):
    """A filter that is in force, and the address without it."""

    label: str
    value: str
    url: str


class Heading(NamedTuple):
    """The head of a column: where a click leads, one with shift, and how it is sorted and filtered by it."""

    column: Column
    url: str
    add_url: str
    direction: str
    level: int
    filter_url: str
    is_lit: bool


@dataclass(frozen=True)
class Table:
    """A page of the table; `problem` says why there is none; `is_cut`: its search was stopped."""

    view: View
    headings: list[Heading]
    page: Page
    total: int
    mark: str
    chips: list[Chip]
    problem: str
    is_cut: bool

    @property
    def cells(self) -> list[tuple[Column, str]]:
        """The columns, and the classes of their cells."""
        columns = [heading.column for heading in self.headings]
        return [(each, f"c-{each.kind}" + f" spare-{each.spare}" * (each.spare > 0)) for each in columns]

    @property
    def urls(self) -> dict[str, str]:
        """The other forms of this page, and those of all that match."""
        view = self.view
        whole = view.changed({"model": None, "view": None})
        here = whole.but(page=view.first("page"))
        panel = view.changed({"model": None})
        everything = f"{whole.query}&all=1" if whole.query else "all=1"
        return {
            "json": here.at(".json").url,
            "csv": here.at(".csv").url,
            "all_csv": f"{view.base}.csv?{everything}",
            "news": whole.at("/news.json").url,
            "touched": whole.at("/touched.json").url,
            "filters": panel.at("/filters").url,
            "columns": panel.at("/columns").url,
        }


def view_of(request: Request) -> View:
    """What an address says of the table of models, or of that of the archive."""
    base = "/archive" if request.url.path.startswith("/archive") else "/models"
    return View.of(base, request.query_params.multi_items())


def filters_of(site: Site, view: View) -> Filters:
    """What a view filters by, its regular expression among it. Raises BadValue, WhereError and StoreError."""
    filters = view.filters(time.time())
    return site.browsing.matching(filters, view.first("q")) if view.is_regex else filters


def table_of(site: Site, view: View) -> Table:
    """A page of the table. Raises StoreError."""
    columns = columns_of(view)
    if view.first("view") == "split" and not view.first("columns"):
        columns = [each for each in columns if each.key in _BESIDE]
    problem, page, total, is_cut = "", Page((), None, None), 0, False
    # Before the rows are read: what comes in between is told rather than missed.
    mark = site.browsing.news(Filters(), None).mark
    try:
        filters = filters_of(site, view)
        page = site.browsing.page(
            filters, view.order, numbers=keys_of(columns), at=view.first("page"), limit=view.limit
        )
        is_all = page.before is None and page.after is None
        total = len(page.rows) if is_all else site.browsing.count(filters)
        is_cut = filters.is_cut
    except (BadValue, WhereError) as error:
        problem = str(error)
    return Table(view, _headings(view, columns), page, total, mark, _chips(site, view), problem, is_cut)


def _headings(view: View, columns: Sequence[Column]) -> list[Heading]:
    order = [key for key, _ in view.order]
    down = dict(view.order)
    found = []
    for column in columns:
        key = column.key
        level = order.index(key) + 1 if key in order else 0
        facet = column.facet
        found.append(
            Heading(
                column,
                view.sorted_by(key, down=column.starts_down).url,
                view.sorted_by(key, adds=True, down=column.starts_down).url,
                ("descending" if down[key] else "ascending") if level else "none",
                level if len(order) > 1 else 0,
                f"{view.at('/filters').url}#f-{facet}" if facet else "",
                facet in view.values,
            )
        )
    return found


def _chips(site: Site, view: View) -> list[Chip]:
    found = []
    if view.first("q"):
        label = "matches" if view.is_regex else "contains"
        found.append(Chip(label, view.first("q"), view.but(q=None, re=None).url))
    for key in view.filter_keys:
        for value in view.all(key):
            shown, label = value, key.removeprefix("metric.").removeprefix("meta.")
            if key == "tag" and value.startswith("-") and len(value) > 1:
                shown, label = value[1:], "not tagged"
            elif key == "task":
                shown = task_name(site, value)
            found.append(Chip(label, shown, view.without(key, value).url))
    return found


def task_name(site: Site, task_id: str) -> str:
    """What a task is called; the beginning of its id where it is gone."""
    try:
        return site.store.task_head(task_id).name
    except NotFound:
        return task_id[:8]
