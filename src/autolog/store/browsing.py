"""The table of models: its pages, counts and value sets; what HTML, JSON and CSV all ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, and_, func, null, select

from .database import Store
from .filtering import Filters, Order, filtered, sort_keys
from .marks import beyond, mark_of, read_mark
from .matching import matching
from .records import ModelRecord
from .rows import batches, model_record
from .schema import described, metrics, models, snapshots, tagged, tasks

__all__ = ["Browsing", "Facet", "News", "Page", "Row"]

#: Values of a facet that are listed, those with the most models first.
_VALUES = 100
#: Metadata keys with more values than that are not offered as a value set.
_FEW = 30
#: How many answers are remembered, as long as nothing changes in the store.
_REMEMBERED = 64
#: Models that are read at a time where all are asked for.
_AT_A_TIME = 500

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
class Facet:
    """One value that models have, and how many of them."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class News:
    """Versions that have come meanwhile and the models they are of; `mark` is where to ask from next time."""

    versions: int
    models: int
    mark: int


class Browsing:
    """Questions about the models of a store, for a table. Threads may share it.

    All raise StoreError, BadValue for an order or a mark that can't be read, and WhereError.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[Any, Any] = OrderedDict()
        self._lock = Lock()

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
        keys = sort_keys(order)
        backwards, values = read_mark(at, keys)
        with self._store._reading() as connection:
            labels = [key.value.label(f"k{n}") for n, key in enumerate(keys)]
            query = select(models.c.id, *labels).where(filtered(connection, filters))
            if values is not None:
                query = query.where(beyond(keys, values, backwards))
            clauses = [
                key.clause(label, backwards=backwards) for key, label in zip(keys, labels, strict=True)
            ]
            found = list(connection.execute(query.order_by(*clauses).limit(limit + 1)).all())
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

        Raises BadValue for one that can't be read, or takes too long.
        """
        key = ("matching", repr(filters), pattern)
        return replace(filters, ids=self._remembered(key, lambda c: matching(c, filters, pattern)))

    def count(self, filters: Filters) -> int:
        """How many models there are."""

        def ask(connection: Connection) -> int:
            query = select(func.count()).select_from(models).where(filtered(connection, filters))
            return int(connection.execute(query).scalar_one())

        if filters == Filters(archived=filters.archived):
            # An index has it: to see whether anything has changed would take longer.
            with self._store._reading() as connection:
                return ask(connection)
        return self._remembered(("count", repr(filters)), ask)

    def ids(self, filters: Filters) -> list[str]:
        """The ids of all of them."""
        with self._store._reading() as connection:
            query = select(models.c.id).where(filtered(connection, filters))
            return list(connection.execute(query).scalars())

    def drafts(self, filters: Filters) -> int:
        """How many of them aren't published."""

        def ask(connection: Connection) -> int:
            query = select(func.count()).select_from(models).where(filtered(connection, filters))
            return int(connection.execute(query.where(models.c.status != "published")).scalar_one())

        return self._remembered(("drafts", repr(filters)), ask)

    def facets(self, filters: Filters) -> dict[str, list[Facet]]:
        """The values of each facet, of `tag` and of `meta.<key>`, of models that meet the other filters."""
        return self._remembered(("facets", repr(filters)), lambda connection: _facets(connection, filters))

    def metric_names(self) -> list[str]:
        """The names of all metrics."""
        query = select(metrics.c.name).distinct().order_by(metrics.c.name)
        return self._remembered("metrics", lambda connection: list(connection.execute(query).scalars()))

    def metadata_keys(self) -> list[str]:
        """The keys of all metadata."""
        query = select(described.c.key).distinct().order_by(described.c.key)
        return self._remembered("keys", lambda connection: list(connection.execute(query).scalars()))

    def news(self, filters: Filters, since: int | None) -> News:
        """The versions that were recorded since a mark, of models that meet the filters; None is now."""
        with self._store._reading() as connection:
            mark = connection.execute(select(func.max(snapshots.c.id))).scalar() or 0
            if since is None or since >= mark:
                return News(0, 0, mark)
            query = select(func.count(), func.count(snapshots.c.model_id.distinct())).select_from(snapshots)
            query = query.join(models, models.c.id == snapshots.c.model_id)
            query = query.where(snapshots.c.id > since, filtered(connection, filters))
            return News(*connection.execute(query).one(), mark)

    def change_mark(self) -> str:
        """Something else whenever models or versions have come, gone or been edited."""
        with self._store._reading() as connection:
            return _change_mark(connection)

    def _remembered(self, key: Any, ask: Callable[[Connection], _T]) -> _T:
        """An answer, the earlier one as long as nothing has changed in the store."""
        with self._store._reading() as connection:
            marked = (_change_mark(connection), key)
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
        columns = [each for each in models.c if designs or each.name != "design"]
        counted = select(func.count()).where(snapshots.c.model_id == models.c.id).scalar_subquery()
        query = select(*columns, tasks.c.name.label("task_name"), tasks.c.user, counted.label("n"))
        if not designs:
            query = query.add_columns(null().label("design"))
        query = query.outerjoin_from(models, tasks, tasks.c.id == models.c.task_id)
        rows = {}
        for batch in batches(ids):
            found = connection.execute(query.where(models.c.id.in_(batch))).mappings()
            rows.update({row["id"]: row for row in found})
        latest = self._store._latest(connection, list(ids))
        named = self._store._aliases(connection, list(ids))
        measured = _numbers(connection, ids, numbers)
        for each in ids:
            row = rows[each]
            record = model_record(row, latest.get(each, ()), row["n"], named.get(each))
            yield Row(record, row["user"], measured.get(each, {}))


def _numbers(
    connection: Connection, ids: Sequence[str], keys: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    wanted = {tuple(key.split(".", 1)) for key in keys}
    names = sorted({name for _, name in wanted})
    found: dict[str, dict[str, float | None]] = {}
    if not names:
        return found
    for batch in batches(ids):
        per = (
            select(
                metrics.c.model_id,
                metrics.c.name,
                func.max(metrics.c.iteration).label("last"),
                func.min(metrics.c.value).label("min"),
                func.max(metrics.c.value).label("max"),
            )
            .where(metrics.c.model_id.in_(batch), metrics.c.name.in_(names))
            .group_by(metrics.c.model_id, metrics.c.name)
            .subquery()
        )
        same = and_(
            metrics.c.model_id == per.c.model_id,
            metrics.c.name == per.c.name,
            metrics.c.iteration == per.c.last,
        )
        query = select(per.c.model_id, per.c.name, metrics.c.value.label("metric"), per.c.min, per.c.max)
        for row in connection.execute(query.join(metrics, same)).mappings():
            for kind in ("metric", "min", "max"):
                if (kind, row["name"]) in wanted:
                    found.setdefault(row["model_id"], {})[f"{kind}.{row['name']}"] = row[kind]
    return found


def _change_mark(connection: Connection) -> str:
    newest = select(func.max(snapshots.c.id)).scalar_subquery()
    edited = select(func.max(models.c.updated)).scalar_subquery()
    counted = select(func.count(models.c.id)).scalar_subquery()
    return "/".join(map(str, connection.execute(select(newest, edited, counted)).one()))


# -- value sets -----------------------------------------------------------------------------------------


def _facets(connection: Connection, filters: Filters) -> dict[str, list[Facet]]:
    found: dict[str, list[Facet]] = {}
    count = func.count().label("n")
    for name in ("framework", "status", "project"):
        query: Any = select(models.c[name], count).where(filtered(connection, filters, without=name))
        query = query.group_by(models.c[name]).order_by(count.desc(), models.c[name]).limit(_VALUES)
        found[name] = [Facet(value, value, n) for value, n in connection.execute(query)]
    # By the tasks first: there are fewer of them than models.
    for name in ("user", "task"):
        counted = select(models.c.task_id, count).where(filtered(connection, filters, without=name))
        per = counted.group_by(models.c.task_id).subquery()
        label = tasks.c.user if name == "user" else tasks.c.name
        value = label if name == "user" else tasks.c.id
        summed = func.sum(per.c.n).label("n")
        query = select(value, label, summed).select_from(per).outerjoin(tasks, tasks.c.id == per.c.task_id)
        query = query.group_by(value, label).order_by(summed.desc(), label).limit(_VALUES)
        found[name] = [Facet(v or "", shown or "", int(n)) for v, shown, n in connection.execute(query)]
    query = select(tagged.c.tag, count).where(_of(tagged, connection, filters, "tag")).group_by(tagged.c.tag)
    query = query.order_by(count.desc(), tagged.c.tag).limit(_VALUES)
    found["tag"] = [Facet(value, value, n) for value, n in connection.execute(query)]
    return found | _metadata_facets(connection, filters)


def _of(table: Any, connection: Connection, filters: Filters, without: str) -> Any:
    """The rows of a table that are of models which meet the filters."""
    if filters == Filters():
        # Few are in the archive: leaving those out takes a third of the time.
        return table.c.model_id.not_in(select(models.c.id).where(models.c.archived.is_(True)))
    return table.c.model_id.in_(select(models.c.id).where(filtered(connection, filters, without=without)))


def _metadata_facets(connection: Connection, filters: Filters) -> dict[str, list[Facet]]:
    count = func.count().label("n")
    columns = (described.c.key, described.c.kind, described.c.text, described.c.number)
    query = select(*columns, count).where(described.c.kind.in_(("text", "number", "truth")))
    query = query.where(_of(described, connection, filters, ""))
    query = query.group_by(*columns).order_by(count.desc(), *columns).limit(_VALUES * 10)
    found: dict[str, list[Facet]] = {}
    for row in connection.execute(query):
        value = row.text if row.kind == "text" else f"{row.number:.17g}"
        if row.kind == "truth":
            value = "true" if row.number else "false"
        found.setdefault(f"meta.{row.key}", []).append(Facet(value, value, row.n))
    return {key: values for key, values in found.items() if len(values) <= _FEW}
