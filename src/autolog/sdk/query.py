"""Looking for models: `autolog.get` and `autolog.models`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, overload

from autolog.errors import BadValue, NotFound

from ._records import Records, records
from .model import Model, find

if TYPE_CHECKING:
    from autolog.store import ModelRecord, Selection

    from .task import Task

__all__ = ["Query", "get", "models"]

#: Models that are read from the store at a time.
_PAGE = 500


def get(name: str, *, store: str | None = None, home: str | os.PathLike[str] | None = None) -> Model:
    """The model of this name: a unique beginning of its id, its name or the stem of its file.

    Also with a version (`resnet:v3`) or an alias (`resnet@best`), which then is the one that `load`,
    `download` and `snapshot` mean. Of several that are called so it is the newest, and a warning says so.
    `store` and `home` are as in `init`. Raises NotFound, Ambiguous and StoreError.
    """
    found = records(store, home)
    model_id, version = find(found, name)
    return Model._of(found, model_id, version)


def models(
    *,
    project: str | None = None,
    name: str | None = None,
    framework: str | None = None,
    task: str | Task | None = None,
    tags: Sequence[str] = (),
    tags_any: Sequence[str] = (),
    tags_all: Sequence[str] = (),
    tags_not: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    where: str | None = None,
    published: bool | None = None,
    archived: bool | None = False,
    order: str = "-updated",
    store: str | None = None,
    home: str | os.PathLike[str] | None = None,
) -> Query:
    """The models that meet all of it, as something that asks the store when it is looked at.

    `project`, `name` and `framework` are globs; `task` is a task, its id or its name. `tags_any`, `tags_all`,
    `tags_not` say what tags they have, `tags` the same as a list with operators as in ClearML:
    `["__$all", "a", "-b"]`. `metadata` are keys with just these values, `where` a condition such as
    `val_loss < 0.2 and "best" in tags`. `archived` is None for those in the archive, too, True for only
    those. `order` names fields as `where` does, descending with a minus. Raises WhereError where the
    condition, the order or a tag can't be read, and NotFound for an unknown task.
    """
    from autolog.store import Selection

    found = records(store, home)
    task_id = None
    if task is not None:
        found.settle()
        task_id = found.store.find_task(task) if isinstance(task, str) else task.id
    selection = Selection(
        project=project,
        name=name,
        framework=framework,
        task_id=task_id,
        tags=_list(tags),
        tags_any=_list(tags_any),
        tags_all=_list(tags_all),
        tags_not=_list(tags_not),
        metadata=dict(metadata or {}),
        where=where,
        published=published,
        archived=archived,
    )
    query = Query(found, selection, order)
    query._check()
    return query


def _list(tags: Sequence[str]) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags)


class Query:
    """Models that are looked for. It asks the store each time it is counted, gone through or cut.

    `len(query)`, `for model in query`, `query[0]`, `query[10:20]`, `query.first()`, `query.df()`. A loop goes
    through those that there were when it began, whatever is done with them.
    """

    def __init__(
        self, found: Records, selection: Selection, order: str, window: tuple[int, int | None] = (0, None)
    ) -> None:
        self._records = found
        self._selection = selection
        self._order = order
        #: The first of them, and behind the last (None: no end).
        self._window = window

    def where(self, condition: str) -> Query:
        """Only those for which this holds, too. Raises WhereError."""
        earlier = self._selection.where
        both = condition if earlier is None else f"({earlier}) and ({condition})"
        query = Query(self._records, replace(self._selection, where=both), self._order, self._window)
        query._check()
        return query

    def order_by(self, order: str) -> Query:
        """In another order. Raises WhereError."""
        query = Query(self._records, self._selection, order, self._window)
        query._check()
        return query

    def first(self) -> Model | None:
        """The first, None if there is none."""
        return next(iter(self[:1]), None)

    def one(self) -> Model:
        """The only one. Raises NotFound if there is none, and Ambiguous if there are several."""
        from autolog.errors import Ambiguous

        found = list(self[:2])
        if not found:
            raise NotFound("no model meets that")
        if len(found) > 1:
            raise Ambiguous(f"{len(self)} models meet that; say more", tuple(each.id for each in self[:10]))
        return found[0]

    def __len__(self) -> int:
        self._records.settle()
        start, stop = self._window
        count = self._records.store.count_models(self._selection)
        return max(0, min(count, count if stop is None else stop) - start)

    def __bool__(self) -> bool:
        return self.first() is not None

    def __iter__(self) -> Iterator[Model]:
        for record in self._each():
            yield Model._of(self._records, record.id)

    @overload
    def __getitem__(self, which: int) -> Model: ...
    @overload
    def __getitem__(self, which: slice) -> Query: ...

    def __getitem__(self, which: int | slice) -> Model | Query:
        if isinstance(which, slice):
            return self._cut(which)
        index = which + len(self) if which < 0 else which
        if index >= 0:
            for model in self._cut(slice(index, index + 1)):
                return model
        raise IndexError(f"there are {len(self)} models")

    def _cut(self, which: slice) -> Query:
        if which.step not in (None, 1):
            raise BadValue("a query can't be cut with steps; make a list of it first")
        needs_count = (which.start or 0) < 0 or (which.stop is not None and which.stop < 0)
        begin, end, _ = which.indices(len(self)) if needs_count else (which.start or 0, which.stop, 1)
        start, stop = self._window
        ends = [each for each in (stop, None if end is None else start + max(begin, end)) if each is not None]
        window = (start + begin, min(ends) if ends else None)
        return Query(self._records, self._selection, self._order, window)

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each model, with the columns of `df`."""
        from autolog.store import latest_metrics

        from .addresses import address_of

        found = list(self._each())
        metrics = latest_metrics(self._records.store, [each.id for each in found])
        rows = []
        for record in found:
            newest = record.snapshots[-1] if record.snapshots else None
            rows.append(
                {
                    "id": record.id,
                    "name": record.name,
                    "project": record.project,
                    "framework": record.framework,
                    "status": record.status,
                    "tags": list(record.tags),
                    "task": record.task_id,
                    "version": None if newest is None else newest.version,
                    "iteration": None if newest is None else newest.iteration,
                    "size": None if newest is None else newest.size,
                    "digest": None if newest is None else newest.digest,
                    "uri": address_of(self._records, record, newest),
                    "created": datetime.fromtimestamp(record.created, timezone.utc),
                    "updated": datetime.fromtimestamp(record.updated, timezone.utc),
                    **{f"metric.{name}": value for name, value in metrics.get(record.id, {}).items()},
                    **{f"meta.{key}": value for key, value in record.metadata.items()},
                }
            )
        return rows

    def df(self) -> Any:
        """A pandas DataFrame, one row for each model, times in UTC.

        Raises FrameworkMissing without pandas.
        """
        from .tables import frame

        return frame(self.rows(), "pandas")

    def pl(self) -> Any:
        """A polars DataFrame, one row for each model, times in UTC.

        Raises FrameworkMissing without polars.
        """
        from .tables import frame

        return frame(self.rows(), "polars")

    def _check(self) -> None:
        """See that it can be asked. Raises WhereError."""
        from autolog.store import check_query

        check_query(self._selection, self._order)

    def _each(self) -> Iterator[ModelRecord]:
        from autolog.store import models_by_id, selected

        self._records.settle()
        start, stop = self._window
        limit = None if stop is None else max(0, stop - start)
        store = self._records.store
        # Which ones is asked once: what somebody does with the first ones may change which are selected.
        ids = selected(store, self._selection, self._order, limit=limit, offset=start)
        for at in range(0, len(ids), _PAGE):
            page = ids[at : at + _PAGE]
            there = models_by_id(store, page)
            yield from (there[each] for each in page if each in there)

    def __repr__(self) -> str:
        count = len(self)
        shown = ", ".join(repr(model) for model in self[:3])
        return f"<Query {count} models{': ' if shown else ''}{shown}{', ...' if count > 3 else ''}>"

    def _repr_html_(self) -> str:
        from .cards import table

        return table(self)
