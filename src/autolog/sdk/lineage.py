"""Where a model comes from, and what has become of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autolog import store

    from ._records import Records
    from .model import Model
    from .task import Task

__all__ = ["Lineage"]

_Found = list[tuple[str, "int | None"]]


class Lineage:
    """A model's neighbours: what its task had loaded, and what was made by tasks that have loaded it."""

    def __init__(self, records: Records, model_id: str) -> None:
        self._records = records
        self._id = model_id

    @property
    def task(self) -> Task | None:
        """The task that made it; None for a model that came from elsewhere."""
        from .task import Task

        task_id = self._records.head(self._id).task_id
        return None if task_id is None else Task(task_id, records=self._records)

    @property
    def parents(self) -> list[Model]:
        """The models that its task has loaded, each at the version that it was."""
        return self._wrapped(_parents(self._read(depth=1), self._id))

    @property
    def children(self) -> list[Model]:
        """The models made by tasks that have loaded it."""
        return self._wrapped(_children(self._read(depth=1), self._id))

    @property
    def users(self) -> list[Task]:
        """The tasks that have loaded it."""
        from autolog.store import users_of

        from .task import Task

        self._records.settle()
        return [Task(each, records=self._records) for each in users_of(self._records.store, self._id)]

    @property
    def ancestors(self) -> list[Model]:
        """All that it comes from, the nearest first."""
        return self._wrapped(self._walked(_parents))

    @property
    def descendants(self) -> list[Model]:
        """All that has become of it, the nearest first."""
        return self._wrapped(self._walked(_children))

    def _read(self, *, depth: int | None = None) -> store.Lineage:
        from autolog.store import lineage_of

        self._records.settle()
        return lineage_of(self._records.store, model_id=self._id, limit=None, depth=depth)

    def _walked(self, step: Callable[[store.Lineage, str], _Found]) -> _Found:
        around = self._read()
        found: dict[str, int | None] = {}
        layer = [self._id]
        while layer:
            new = [pair for each in layer for pair in step(around, each)]
            layer = []
            for model_id, version in new:
                if model_id not in found and model_id != self._id:
                    found[model_id] = version
                    layer.append(model_id)
        return list(found.items())

    def _wrapped(self, found: _Found) -> list[Model]:
        from .model import Model

        return [Model._of(self._records, model_id, version) for model_id, version in found]

    def __repr__(self) -> str:
        return f"<lineage: {len(self.parents)} parents, {len(self.children)} children>"


def _parents(around: store.Lineage, model_id: str) -> _Found:
    loaded = around.loads_by(around.models[model_id].task_id)
    return list(dict.fromkeys((each.model_id, each.version) for each in loaded if not each.own))


def _children(around: store.Lineage, model_id: str) -> _Found:
    users = dict.fromkeys(each.task_id for each in around.loads_of(model_id) if not each.own)
    made = [each for task_id in users for each in around.made_by(task_id)]
    return [(each.id, None) for each in made if each.id != model_id]
