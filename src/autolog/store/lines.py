"""The scalars of models as lines to draw and as extremes to compare: read bit by bit, and within bounds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from .database import Store
from .rows import batches
from .scalars import Point
from .schema import measures, metrics

__all__ = ["Extremes", "Line", "Lines", "extremes_of", "lines_of"]

#: Points that are read to draw lines, and to tell at which iterations extremes are: a few seconds' worth.
_MOST_READ = 4_000_000
_AT_A_TIME = 5_000


class Line(NamedTuple):
    """A metric of a model to draw: some of its points, of which there are `size`."""

    model_id: str
    name: str
    points: tuple[Point, ...]
    size: int


class Lines(NamedTuple):
    """Lines by model (as given) and name; models whose points are too many to be read are `left_out`."""

    lines: list[Line]
    left_out: list[str]


class Extremes(NamedTuple):
    """A metric of a model in short: its last value, and its lowest and highest with their iterations.

    The iteration of a value of the whole model is -1. `size` is how many points there are; it and the
    iterations of the extremes are None where these are too many to be read.
    """

    model_id: str
    name: str
    size: int | None
    last: Point
    lowest: tuple[float, int | None] | None
    highest: tuple[float, int | None] | None


def lines_of(store: Store, model_ids: Sequence[str], names: Collection[str] | None, most: int) -> Lines:
    """The metrics of models, those of these names or all, each thinned to about `most` points.

    Of each stretch of points its lowest and highest are there, and its gaps; the first and the last always.
    """
    found: list[Line] = []
    left_out: list[str] = []
    room = _MOST_READ
    with store._reading() as connection:
        for model_id in dict.fromkeys(model_ids):
            own = [metrics.c.model_id == model_id, metrics.c.iteration >= 0]
            if names is not None:
                own.append(metrics.c.name.in_(list(names)))
            counts = select(metrics.c.name, func.count()).where(*own).group_by(metrics.c.name)
            sizes = {row[0]: int(row[1]) for row in connection.execute(counts)} if room > 0 else {}
            room -= sum(sizes.values())
            if room < 0:
                left_out.append(model_id)
                continue
            found += _lines(connection, model_id, own, sizes, most)
    return Lines(found, left_out)


def _lines(
    connection: Connection,
    model_id: str,
    own: Sequence[ColumnElement[bool]],
    sizes: dict[str, int],
    most: int,
) -> Iterator[Line]:
    query = select(metrics.c.name, metrics.c.iteration, metrics.c.value, metrics.c.time).where(*own)
    query = query.order_by(metrics.c.name, metrics.c.iteration)
    thinning: _Thinning | None = None
    with connection.execute(query, execution_options={"yield_per": _AT_A_TIME}) as rows:
        for name, *point in rows:
            if thinning is None or thinning.name != name:
                if thinning is not None:
                    yield thinning.line(model_id)
                thinning = _Thinning(name, sizes.get(name, 1), most)
            thinning.add(Point(*point))
    if thinning is not None:
        yield thinning.line(model_id)


class _Thinning:
    """Points on their way: of each stretch only those are held that are kept of it."""

    def __init__(self, name: str, count: int, most: int) -> None:
        self.name = name
        self._count = count
        self._stretches = max(1, most // 3) if count > most else count
        self._stretch = -1
        self._seen = 0
        self._kept: list[Point] = []
        self._low: Point | None = None
        self._high: Point | None = None
        self._gap: Point | None = None
        self._last: Point | None = None

    def add(self, point: Point) -> None:
        """The next point."""
        stretch = self._seen * self._stretches // max(1, self._count)
        if stretch != self._stretch:
            self._close()
            self._stretch = stretch
        if not self._seen:
            self._kept.append(point)
        self._seen += 1
        self._last = point
        if point.value is None:
            self._gap = self._gap or point
            return
        if self._low is None or point.value < (self._low.value or 0.0):
            self._low = point
        if self._high is None or point.value > (self._high.value or 0.0):
            self._high = point

    def _close(self) -> None:
        held = {each for each in (self._low, self._high, self._gap) if each is not None}
        self._kept += sorted(held, key=lambda each: each.iteration)
        self._low = self._high = self._gap = None

    def line(self, model_id: str) -> Line:
        """What is kept of them."""
        self._close()
        if self._last is not None:
            self._kept.append(self._last)
        kept = {each.iteration: each for each in self._kept}
        points = tuple(kept[each] for each in sorted(kept))
        return Line(model_id, self.name, points, self._seen)


def extremes_of(store: Store, model_ids: Sequence[str]) -> list[Extremes]:
    """The extremes of all metrics of these models, by model (as given) and name."""
    ids = list(dict.fromkeys(model_ids))
    found: list[Extremes] = []
    with store._reading() as connection:
        for batch in batches(ids):
            found += _extremes(connection, batch)
    order = {model_id: place for place, model_id in enumerate(ids)}
    return sorted(found, key=lambda each: (order[each.model_id], each.name))


def _extremes(connection: Connection, ids: Sequence[str]) -> Iterator[Extremes]:
    some = select(metrics.c.model_id).where(metrics.c.model_id.in_(ids)).limit(_MOST_READ + 1).subquery()
    if connection.execute(select(func.count()).select_from(some)).scalar_one() > _MOST_READ:
        for row in connection.execute(select(measures).where(measures.c.model_id.in_(ids))):
            last = Point(row.iteration, row.last, 0.0)
            low = None if row.lowest is None else (row.lowest, None)
            high = None if row.highest is None else (row.highest, None)
            yield Extremes(row.model_id, row.name, None, last, low, high)
        return
    value, iteration = metrics.c.value, metrics.c.iteration
    ranges = (
        select(metrics.c.model_id, metrics.c.name, func.count().label("size"))
        .add_columns(func.min(value).label("low"), func.max(value).label("high"))
        .add_columns(func.max(iteration).label("last"))
        .where(metrics.c.model_id.in_(ids))
        .group_by(metrics.c.model_id, metrics.c.name)
        .subquery()
    )
    same = (ranges.c.model_id == metrics.c.model_id) & (ranges.c.name == metrics.c.name)
    query = (
        select(*ranges.c)
        .add_columns(func.min(case((value == ranges.c.low, iteration))).label("low_at"))
        .add_columns(func.min(case((value == ranges.c.high, iteration))).label("high_at"))
        .add_columns(func.max(case((iteration == ranges.c.last, value))).label("last_value"))
        .join(metrics, same)
        .group_by(*ranges.c)
    )
    for row in connection.execute(query):
        low = None if row.low is None else (row.low, row.low_at)
        high = None if row.high is None else (row.high, row.high_at)
        last = Point(row.last, row.last_value, 0.0)
        yield Extremes(row.model_id, row.name, row.size, last, low, high)
