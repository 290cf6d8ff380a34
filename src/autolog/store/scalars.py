"""The scalars of models as series of points, and the versions that were saved along them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, func, or_, select

from .database import Store
from .rows import batches
from .schema import metrics, snapshots

__all__ = ["Mark", "Point", "Series", "Summary", "marks_of", "series_of", "summaries_of"]

#: Points that one query asks for by name and iteration.
_PAIRS = 200


class Point(NamedTuple):
    """A scalar at an iteration, and when it was reported, in seconds; the value is None if it was NaN."""

    iteration: int
    value: float | None
    time: float


class Series(NamedTuple):
    """A metric of a model, by iteration. Of one of the whole model the only point's iteration is -1."""

    model_id: str
    name: str
    points: tuple[Point, ...]

    @property
    def is_single(self) -> bool:
        """Whether it is nothing but a value of the whole model."""
        return len(self.points) == 1 and self.points[0].iteration < 0


class Summary(NamedTuple):
    """A metric of a model in short: how many points it has (`size`), its range, and its last point.

    `low` and `high` are None if no value was a number. The iteration of a value of the whole model is -1.
    """

    model_id: str
    name: str
    size: int
    low: float | None
    high: float | None
    last: Point

    @property
    def title(self) -> str:
        """What it is grouped by: `train/loss` is the series `loss` of `train`."""
        title, _, series = self.name.rpartition("/")
        return title if title and series else self.name


class Mark(NamedTuple):
    """A version that was saved; its iteration is None where it isn't known."""

    model_id: str
    version: int
    iteration: int | None
    time: float


def series_of(store: Store, model_ids: Sequence[str], names: Iterable[str] | None = None) -> list[Series]:
    """All scalars of these models, or those of these names, by model (as given), name and iteration.

    A metric that has both a value of the whole model and a series gives two.
    """
    query = select(metrics.c.model_id, metrics.c.name, metrics.c.iteration, metrics.c.value, metrics.c.time)
    query = query.order_by(metrics.c.model_id, metrics.c.name, metrics.c.iteration)
    if names is not None:
        query = query.where(metrics.c.name.in_(list(names)))
    found: dict[tuple[str, str, bool], list[Point]] = {}
    with store._reading() as connection:
        for batch in batches(list(dict.fromkeys(model_ids))):
            for model_id, name, *point in connection.execute(query.where(metrics.c.model_id.in_(batch))):
                found.setdefault((model_id, name, point[0] < 0), []).append(Point(*point))
    order = {model_id: place for place, model_id in enumerate(model_ids)}
    keys = sorted(found, key=lambda key: (order[key[0]], key[1], not key[2]))
    return [Series(key[0], key[1], tuple(found[key])) for key in keys]


def summaries_of(store: Store, model_id: str) -> list[Summary]:
    """The metrics of a model, by name; one that is of the whole model and a series, too, is there twice."""
    in_series = metrics.c.iteration >= 0
    value = case((in_series, metrics.c.value))
    # Grouped by name alone, which is the order of the index: there may be millions of points.
    ranges = (
        select(metrics.c.name, func.count(), func.count(case((in_series, 1))))
        .add_columns(func.min(value), func.max(value), func.max(metrics.c.iteration))
        .where(metrics.c.model_id == model_id)
        .group_by(metrics.c.name)
        .order_by(metrics.c.name)
    )
    with store._reading() as connection:
        found = connection.execute(ranges).all()
        ends = [(name, -1) for name, count, of_series, *_ in found if count > of_series]
        ends += [(name, last) for name, _, of_series, _, _, last in found if of_series]
        last = dict(_ends(connection, model_id, ends))
    summaries = []
    for name, count, of_series, low, high, iteration in found:
        if count > of_series and (name, -1) in last:
            point = last[name, -1]
            summaries.append(Summary(model_id, name, 1, point.value, point.value, point))
        if of_series and (name, iteration) in last:
            summaries.append(Summary(model_id, name, of_series, low, high, last[name, iteration]))
    return summaries


def _ends(
    connection: Connection, model_id: str, wanted: Sequence[tuple[str, int]]
) -> Iterator[tuple[tuple[str, int], Point]]:
    columns = metrics.c.name, metrics.c.iteration, metrics.c.value, metrics.c.time
    for start in range(0, len(wanted), _PAIRS):
        pairs = [
            and_(metrics.c.model_id == model_id, metrics.c.name == name, metrics.c.iteration == iteration)
            for name, iteration in wanted[start : start + _PAIRS]
        ]
        for name, *point in connection.execute(select(*columns).where(or_(*pairs))):
            yield (name, point[0]), Point(*point)


def marks_of(store: Store, model_ids: Sequence[str]) -> list[Mark]:
    """The versions of these models, oldest first."""
    columns = snapshots.c.model_id, snapshots.c.version, snapshots.c.iteration, snapshots.c.created
    query = select(*columns).order_by(snapshots.c.created, snapshots.c.version)
    with store._reading() as connection:
        return [
            Mark(*row)
            for batch in batches(list(dict.fromkeys(model_ids)))
            for row in connection.execute(query.where(snapshots.c.model_id.in_(batch)))
        ]
