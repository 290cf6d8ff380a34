"""From what somebody looks for to SQL that finds it, the same in every database."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Subquery,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from autolog.errors import WhereError

from . import where
from .describing import kind_of
from .records import FILE_IS_NO_MORE
from .schema import contents, described, measures, models, snapshots, tagged
from .tags import tags_condition
from .types import clean

__all__ = [
    "MEASURES",
    "Selection",
    "check_query",
    "condition_of",
    "contains",
    "measure_of",
    "newest_versions",
    "order_of",
    "value_of",
]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which models are looked for: those that meet everything that is said here.

    `project`, `name` and `framework` are globs, upper and lower case (of ASCII letters) alike. `tags` is a
    list with operators in it, see `autolog.store.tags`. `tags_any`: at least one of these, if there are any;
    `tags_all`: each of these; `tags_not`: none of these. `metadata`: these keys with just these values.
    `where` is a condition, see `autolog.store.where`. `published` and `archived` leave the question open if
    they are None; archived models are left out unless asked for.
    """

    project: str | None = None
    name: str | None = None
    framework: str | None = None
    task_id: str | None = None
    tags: Sequence[str] = ()
    tags_any: Sequence[str] = ()
    tags_all: Sequence[str] = ()
    tags_not: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    where: str | None = None
    published: bool | None = None
    archived: bool | None = False


def condition_of(selection: Selection) -> ColumnElement[bool]:
    """The condition on `models`. Raises WhereError."""
    parts: list[ColumnElement[bool]] = []
    for pattern, column in (
        (selection.project, models.c.project),
        (selection.name, models.c.name),
        (selection.framework, models.c.framework),
    ):
        if pattern is not None:
            parts.append(_like(column, pattern))
    if selection.task_id is not None:
        parts.append(models.c.task_id == selection.task_id)
    if selection.published is not None:
        is_published = models.c.status == "published"
        parts.append(is_published if selection.published else not_(is_published))
    if selection.archived is not None:
        parts.append(models.c.archived.is_(selection.archived))
    if (asked := tags_condition(selection.tags)) is not None:
        parts.append(_compiled(asked))
    if selection.tags_any:
        parts.append(or_(*(_has_tag(tag) for tag in selection.tags_any)))
    parts += [_has_tag(tag) for tag in selection.tags_all]
    parts += [not_(_has_tag(tag)) for tag in selection.tags_not]
    for key, value in selection.metadata.items():
        parts.append(_meta(key, lambda columns, value=value: _equals(columns, value)))  # type: ignore[misc]
    if selection.where is not None:
        parts.append(_compiled(where.parse(selection.where, time.time())))
    return and_(true(), *parts)


def check_query(selection: Selection, order: str) -> None:
    """See that models can be asked for so. Raises WhereError."""
    condition_of(selection)
    order_of(order)


def order_of(order: str) -> list[Any]:
    """What to order by: fields of `where`, `meta.<key>` or metrics, with commas between; a minus turns round.

    What isn't there comes last, either way. Raises WhereError.
    """
    found: list[Any] = []
    for word in order.split(","):
        name = word.strip()
        is_down = name.startswith("-")
        # The language knows what a field is.
        asked = where.parse(f"{name.lstrip('-')} is not none", 0.0)
        if not isinstance(asked, where.Comparison):
            raise WhereError(f"{name!r} is nothing to order by", order, 0)
        for value in _values(asked.field):
            found += [value.is_(None), value.desc() if is_down else value]
    return [*found, models.c.id]


# -- fields -------------------------------------------------------------------------------------------


def newest_versions(*conditions: ColumnElement[bool]) -> Subquery:
    """`model_id` and `newest`: the highest version of each model, among the snapshots that meet these."""
    query = select(snapshots.c.model_id, func.max(snapshots.c.version).label("newest"))
    return query.where(*conditions).group_by(snapshots.c.model_id).subquery()


def _of_newest(column: Any) -> Any:
    """A column of a model's newest snapshot that isn't one of `models`, too."""
    query = select(column).where(snapshots.c.model_id == models.c.id)
    return query.where(snapshots.c.version == models.c.newest).correlate(models).scalar_subquery()


#: `SnapshotRecord.standing`: what tables show as the state.
_STANDING = case(
    (and_(snapshots.c.state.in_(FILE_IS_NO_MORE), snapshots.c.keeping == "kept"), "kept"),
    else_=snapshots.c.state,
)
#: Fields of `where` that go by another name in `models`, or stand elsewhere.
_COLUMNS: Mapping[str, Callable[[], Any]] = {
    "type": lambda: models.c.model_type,
    "task": lambda: models.c.task_name,
    "published": lambda: models.c.status == "published",
    "uri": lambda: _of_newest(snapshots.c.uri),
    "state": lambda: _of_newest(_STANDING),
    "format": lambda: select(contents.c.format).where(contents.c.digest == models.c.digest).scalar_subquery(),
}
#: What is told of a metric: the value with the highest iteration, the lowest and the highest one.
MEASURES = {"metric": measures.c.last, "min": measures.c.lowest, "max": measures.c.highest}


def value_of(name: str) -> Any:
    """A field of `where` of a model, as SQL."""
    return _COLUMNS[name]() if name in _COLUMNS else models.c[name]


def measure_of(kind: str, name: str) -> Any:
    """A number of a model's metric, see MEASURES."""
    own = (measures.c.model_id == models.c.id, measures.c.name == name)
    return select(MEASURES[kind]).where(*own).correlate(models).scalar_subquery()


def _values(asked: where.Field) -> list[Any]:
    """What stands for a field in an order; numbers of metadata come before texts."""
    if asked.kind == "column":
        return [value_of(asked.name)]
    if asked.kind == "metric":
        return [measure_of("metric", asked.name)]
    own = (described.c.model_id == models.c.id, described.c.key == asked.name)
    return [select(column).where(*own).scalar_subquery() for column in (described.c.number, described.c.text)]


# -- conditions ---------------------------------------------------------------------------------------


def _compiled(found: where.Condition) -> ColumnElement[bool]:
    if isinstance(found, where.And):
        return and_(*(_compiled(part) for part in found.parts))
    if isinstance(found, where.Or):
        return or_(*(_compiled(part) for part in found.parts))
    if isinstance(found, where.Not):
        return not_(_compiled(found.inner))
    if isinstance(found, where.Tagged):
        return _has_tag(found.tag)
    if found.field.kind == "meta":
        return _meta_compared(found)
    (value,) = _values(found.field)
    if found.operator in ("is none", "is not none"):
        is_none: ColumnElement[bool] = value.is_(None)
        return is_none if found.operator == "is none" else not_(is_none)
    # What isn't there compares with nothing: without this, `not` would not turn that round.
    return func.coalesce(_compared(value, found.operator, found.values), false())


def _compared(value: Any, operator: str, others: Sequence[Any]) -> Any:
    if operator == "in":
        return or_(*(_compared(value, "=", (other,)) for other in others))
    if operator == "~":
        return _like(value, others[0])
    other = others[0]
    if isinstance(other, bool):
        is_it = value.is_(True) if other else value.is_(False)
        return is_it if operator == "=" else not_(is_it)
    if isinstance(other, float):
        other = literal(other, Float())  # and not what its column would make of it
    compared: dict[str, Callable[[], Any]] = {
        "=": lambda: value == other,
        "!=": lambda: value != other,
        "<": lambda: value < other,
        "<=": lambda: value <= other,
        ">": lambda: value > other,
        ">=": lambda: value >= other,
    }
    return compared[operator]()


def _meta_compared(found: where.Comparison) -> ColumnElement[bool]:
    name = found.field.name
    if found.operator == "is none":
        return not_(_meta(name, lambda columns: columns.kind != "none"))
    if found.operator == "is not none":
        return _meta(name, lambda columns: columns.kind != "none")
    if found.operator == "in":
        return _meta(name, lambda columns: or_(*(_equals(columns, value) for value in found.values)))
    (value,) = found.values
    if found.operator == "=":
        return _meta(name, lambda columns: _equals(columns, value))
    if found.operator == "!=":
        return _meta(name, lambda columns: and_(columns.kind != "none", not_(_equals(columns, value))))
    kind, *_ = kind_of(value)
    return _meta(
        name,
        lambda columns: and_(
            columns.kind == kind,
            _compared(columns.text if kind == "text" else columns.number, found.operator, (value,)),
        ),
    )


def _meta(key: str, condition: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """There is a value of that key for which it holds."""
    query = select(described.c.key).where(described.c.model_id == models.c.id, described.c.key == key)
    return query.where(condition(described.c)).exists()


def _equals(columns: Any, value: Any) -> ColumnElement[bool]:
    kind, text, number = kind_of(value)
    if kind == "none":
        return columns.kind == kind  # type: ignore[no-any-return]
    if kind == "other":
        return false()
    return and_(columns.kind == kind, columns.text == text if kind == "text" else columns.number == number)


def _has_tag(tag: str) -> ColumnElement[bool]:
    query = select(tagged.c.tag).where(tagged.c.model_id == models.c.id, tagged.c.tag == tag)
    return query.exists()


def _like(column: Any, glob: str) -> ColumnElement[bool]:
    pattern = _escaped(glob).replace("*", "%").replace("?", "_")
    return func.lower(column).like(pattern, escape="\\")


def contains(column: Any, text: str, *, is_folded: bool = False) -> ColumnElement[bool]:
    """This text is somewhere in it, upper and lower case (of ASCII letters) alike.

    `is_folded` says that the database's LIKE sees to that.
    """
    searched = column if is_folded else func.lower(column)
    return searched.like(f"%{_escaped(text)}%", escape="\\")


def _escaped(text: str) -> str:
    # As far as every database's lower() goes, and no further: other letters match as they are.
    lowered = "".join(each.lower() if each.isascii() else each for each in clean(text))
    return re.sub(r"([\\%_])", r"\\\1", lowered)
