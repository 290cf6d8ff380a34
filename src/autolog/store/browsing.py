"""The table of models: its pages, counts and value sets; what HTML, JSON and CSV all ask."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, func, null, select

from .database import Store
from .facets import COLUMN_FACETS, Facet, ValueSet, names_in, of_columns, values_of
from .filtering import Filters, Order, filtered, matches, sort_keys
from .latest import read_seen, seen_by_now
from .marks import mark_of, read_mark
from .matching import Matching
from .paging import rows_of
from .records import ModelRecord
from .rows import batches, model_record
from .schema import described, measures, models, snapshots
from .selecting import MEASURES

__all__ = ["Browsing", "Facet", "News", "Page", "Row", "ValueSet"]

#: How many answers are remembered, as long as nothing changes in the store.
_REMEMBERED = 64
#: For how long at most, where what has changed can't be told from the newest version and the latest edit.
_SECONDS = 5.0
#: Models that are read at a time where all are asked for.
_AT_A_TIME = 500
#: Versions that are told as news at most.
_NEWS = 10_000

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Row:
    """A model with its newest version, the user whose task made it, and numbers of its metrics by key."""

    record: ModelRecord
    user: str | None
    numbers: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the marks at which the pages after and before them begin; None where nothing is."""

    rows: tuple[Row, ...]
    after: str | None
    before: str | None


@dataclass(frozen=True, slots=True)
class News:
    """Versions that have come meanwhile and the models they are of; `mark` is where to ask from next time."""

    versions: int
    models: int
    mark: str


class Browsing:
    """Questions about the models of a store, for a table. Threads may share it.

    All raise StoreError, BadValue for an order or a mark that can't be read, and WhereError.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[Any, Any] = OrderedDict()
        self._lock = Lock()
        self._matching = Matching()

    def page(
        self,
        filters: Filters,
        order: Order,
        *,
        numbers: Sequence[str] = (),
        at: str = "",
        limit: int = 50,
        designs: bool = False,
    ) -> Page:
        """The rows from a mark on, at most `limit`; an empty mark is the beginning.

        `numbers` are the keys of metrics to tell (`metric.<name>`, `min.<name>`, `max.<name>`). Designs can
        be large, and are read only if they are asked for.
        """
        keys = sort_keys(filters, order)
        backwards, values = read_mark(at, keys)
        with self._store._reading() as connection:
            condition = filtered(connection, filters, in_order_of=order[0][0] if order else "id")
            found = rows_of(connection, condition, keys, values, backwards=backwards, limit=limit + 1)
            is_more = len(found) > limit
            found = found[:limit]
            if backwards:
                found.reverse()
            rows = tuple(self._rows(connection, [row.id for row in found], numbers, designs=designs))
        if not found:
            return Page((), None, None)
        is_after, is_before = (True, is_more) if backwards else (is_more, values is not None)
        after = mark_of("n", found[-1][1:]) if is_after else None
        before = mark_of("p", found[0][1:]) if is_before else None
        return Page(rows, after, before)

    def each(
        self, filters: Filters, order: Order, *, numbers: Sequence[str] = (), designs: bool = False
    ) -> Iterator[Row]:
        """All of them, read bit by bit."""
        at: str | None = ""
        while at is not None:
            page = self.page(filters, order, numbers=numbers, at=at, limit=_AT_A_TIME, designs=designs)
            yield from page.rows
            at = page.after

    def matching(self, filters: Filters, pattern: str) -> Filters:
        """The filters with a regular expression among them, which is looked for in name, id and description.

        They say `is_cut` where there was no time to look at all. Raises BadValue for one that can't be read,
        or takes too long.
        """
        key = ("matching", _key(filters), pattern)
        matched = self._remembered(key, lambda connection: self._matching(connection, filters, pattern))
        found = replace(filters, ids=matched.ids, is_cut=not matched.is_all)
        self._remembered(("count", _key(found)), lambda _: len(matched.ids))
        return found

    def count(self, filters: Filters) -> int:
        """How many models there are."""

        def ask(connection: Connection) -> int:
            if filters == Filters():
                # How many rows a table has SQLite sees without reading them, and few are in the archive.
                query = select(func.count()).select_from(models)
                archived = query.where(models.c.archived.is_(True)).scalar_subquery()
                query = select(query.scalar_subquery() - archived)
            else:
                query = select(func.count()).select_from(matches(connection, filters).subquery())
            return int(connection.execute(query).scalar_one())

        return self._remembered(("count", _key(filters)), ask)

    def ids(self, filters: Filters) -> list[str]:
        """The ids of all of them."""
        with self._store._reading() as connection:
            return list(connection.execute(matches(connection, filters)).scalars())

    def drafts(self, filters: Filters) -> int:
        """How many of them aren't published."""

        def ask(connection: Connection) -> int:
            query = select(func.count()).select_from(models).where(filtered(connection, filters))
            return int(connection.execute(query.where(models.c.status != "published")).scalar_one())

        return self._remembered(("drafts", _key(filters)), ask)

    def values(self, filters: Filters, name: str, find: str = "") -> ValueSet:
        """The values of a facet, of `tag` or of `meta.<key>`, of models that meet the other filters.

        Those that most models have, of those with the text `find` in them.
        """
        if name in COLUMN_FACETS and not find:
            # They are gone through together: a panel shows all of these.
            key = ("columns", _key(filters))
            return self._remembered(key, lambda connection: of_columns(connection, filters))[name]
        asked = ("values", _key(filters), name, find)
        return self._remembered(asked, lambda connection: values_of(connection, filters, name, find))

    def metric_names(self, find: str = "") -> list[str]:
        """The names of metrics, or of those with a text in them, in order; at most a thousand."""
        ask = partial(names_in, column=measures.c.name, find=find)
        return self._remembered(("metrics", find), ask)

    def metadata_keys(self, find: str = "") -> list[str]:
        """The keys of metadata, in the same way."""
        return self._remembered(("keys", find), partial(names_in, column=described.c.key, find=find))

    def news(self, filters: Filters, since: str | None) -> News:
        """The versions that were recorded since a mark, of models that meet the filters; None is now.

        Raises BadValue for a mark that can't be read.
        """
        seen = None if since is None else read_seen(since)
        with self._store._reading() as connection:
            mark = seen_by_now(connection)
            if seen is None or since == mark:
                return News(0, 0, mark)
            # Those that have come are few: what models they are of is looked at after that.
            later = select(snapshots.c.model_id).where(seen.is_later(snapshots.c.id)).limit(_NEWS)
            counts = Counter(connection.execute(later).scalars())
            if not counts:
                return News(0, 0, mark)
            query, ids = select(models.c.id).where(filtered(connection, filters)), list[str]()
            for batch in batches([*counts]):
                ids += connection.execute(query.where(models.c.id.in_(batch))).scalars()
            return News(sum(counts[each] for each in ids), len(ids), mark)

    def _remembered(self, key: Any, ask: Callable[[Connection], _T]) -> _T:
        """An answer, the earlier one as long as nothing has changed in the store.

        What others take away, and what they report of metrics, is seen a few seconds late.
        """
        newest = select(func.max(snapshots.c.id)).scalar_subquery()
        edited = select(func.max(models.c.updated)).scalar_subquery()
        written, moment = self._store.writes, time.monotonic() // _SECONDS
        with self._store._reading() as connection:
            changed = connection.execute(select(newest, edited)).one()
            marked = (written, moment, *changed, key)
            with self._lock:
                if marked in self._known:
                    self._known.move_to_end(marked)
                    return self._known[marked]  # type: ignore[no-any-return]
            answer = ask(connection)
        with self._lock:
            self._known[marked] = answer
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return answer

    def _rows(
        self, connection: Connection, ids: Sequence[str], numbers: Sequence[str], *, designs: bool
    ) -> Iterator[Row]:
        query = select(*(each for each in models.c if designs or each.name != "design"))
        if not designs:
            query = query.add_columns(null().label("design"))
        rows = {}
        for batch in batches(ids):
            found = connection.execute(query.where(models.c.id.in_(batch))).mappings()
            rows.update({row["id"]: row for row in found})
        latest = self._store._latest(connection, list(ids))
        named = self._store._aliases(connection, list(ids))
        measured = _numbers(connection, ids, numbers)
        for each in ids:
            row = rows[each]
            record = model_record(row, latest.get(each, ()), row["versions"], named.get(each))
            yield Row(record, row["user"], measured.get(each, {}))


def _key(filters: Filters) -> tuple[str, int]:
    """What stands for filters: there may be very many ids in them."""
    return repr(replace(filters, ids=None)), hash(filters.ids)


def _numbers(
    connection: Connection, ids: Sequence[str], keys: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    wanted = {tuple(key.split(".", 1)) for key in keys}
    names = sorted({name for _, name in wanted})
    found: dict[str, dict[str, float | None]] = {}
    if not names:
        return found
    for batch in batches(ids):
        query = select(measures).where(measures.c.model_id.in_(batch), measures.c.name.in_(names))
        for row in connection.execute(query).mappings():
            for kind, column in MEASURES.items():
                if (kind, row["name"]) in wanted:
                    found.setdefault(row["model_id"], {})[f"{kind}.{row['name']}"] = row[column.name]
    return found
