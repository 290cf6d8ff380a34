"""Changing many models, several in each transaction; what can't be done to one is told and stops nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from autolog.errors import AutologError, StoreError

from .database import Store
from .editing import Change, edit_within, publish_within
from .racing import repeated

__all__ = ["Changed", "edit_many", "publish_many"]

#: Others wait for a writer: not many at a time.
_TOGETHER = 100


class Changed(NamedTuple):
    """The ids of models that were changed or already are so, and `(id, why)` of those that can't be."""

    done: list[str]
    failed: list[tuple[str, str]]


def edit_many(store: Store, model_ids: Iterable[str], change: Change) -> Changed:
    """As `edit`, for each of these models. Raises StoreError."""
    when = time.time()
    return _each(
        store, model_ids, lambda connection, each: edit_within(store, connection, each, change, when)
    )


def publish_many(store: Store, model_ids: Iterable[str]) -> Changed:
    """As `publish`, for each of these models. Raises StoreError."""
    return _each(store, model_ids, lambda connection, each: publish_within(store, connection, each))


def _each(store: Store, model_ids: Iterable[str], act: Callable[[Connection, str], object]) -> Changed:
    changed = Changed([], [])
    ids = list(dict.fromkeys(model_ids))
    for start in range(0, len(ids), _TOGETHER):
        done, failed = _some(store, ids[start : start + _TOGETHER], act)
        changed.done.extend(done)
        changed.failed.extend(failed)
    return changed


@repeated
def _some(store: Store, ids: list[str], act: Callable[[Connection, str], object]) -> Changed:
    changed = Changed([], [])
    with store._writing(*(f"model:{each}" for each in ids)) as connection:
        for each in ids:
            try:
                act(connection, each)
            except StoreError:
                raise
            except AutologError as error:
                changed.failed.append((each, str(error)))
            else:
                changed.done.append(each)
    return changed
