"""The models of a task, by their roles and names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from autolog.errors import NotFound

from .model import Model

if TYPE_CHECKING:
    from ._records import Records

__all__ = ["ModelList", "TaskModels"]


class ModelList(Sequence[Model]):
    """Models in the order in which they came; also by the name that the task calls each by."""

    def __init__(self, named: Sequence[tuple[str, Model]], role: str) -> None:
        self._named = list(named)
        self._role = role

    @overload
    def __getitem__(self, which: int) -> Model: ...
    @overload
    def __getitem__(self, which: str) -> Model: ...
    @overload
    def __getitem__(self, which: slice) -> list[Model]: ...

    def __getitem__(self, which: int | str | slice) -> Model | list[Model]:
        if isinstance(which, str):
            found = self.get(which)
            if found is None:
                there = ", ".join(map(repr, self.keys())) or "none"
                raise NotFound(f"the task has no {self._role} model called {which!r}; it has {there}")
            return found
        if isinstance(which, slice):
            return [model for _, model in self._named[which]]
        return self._named[which][1]

    def __len__(self) -> int:
        return len(self._named)

    def __iter__(self) -> Iterator[Model]:
        return iter([model for _, model in self._named])

    def get(self, name: str, default: Model | None = None) -> Model | None:
        """The newest of that name on the task, or with that whole name of its own."""
        for of_task in (True, False):
            for role, model in reversed(self._named):
                if name == (role if of_task else model.name):
                    return model
        return default

    def keys(self) -> list[str]:
        """The names, each once."""
        return list(dict.fromkeys(name for name, _ in self._named))

    def items(self) -> list[tuple[str, Model]]:
        """`(name, model)` of each."""
        return list(self._named)

    def values(self) -> list[Model]:
        """The models."""
        return [model for _, model in self._named]

    def __repr__(self) -> str:
        return repr([model for _, model in self._named])


class TaskModels(Mapping[str, ModelList]):
    """`input` and `output`: the models that a task has loaded, and those that it made."""

    def __init__(self, records: Records, task_id: str) -> None:
        self._records = records
        self._task_id = task_id

    @property
    def input(self) -> ModelList:
        """The models that it has loaded, but for its own."""
        found = self._records.store.task(self._task_id).inputs
        named = [
            (each.name, Model._of(self._records, each.model_id, each.version))
            for each in found
            if not each.own
        ]
        return ModelList(named, "input")

    @property
    def output(self) -> ModelList:
        """The models that it made."""
        found = self._records.store.task(self._task_id).outputs
        named = [(each.role or each.name, Model._of(self._records, each.model_id)) for each in found]
        return ModelList(named, "output")

    def __getitem__(self, role: str) -> ModelList:
        if role not in ("input", "output"):
            raise KeyError(role)
        return self.input if role == "input" else self.output

    def __iter__(self) -> Iterator[str]:
        return iter(("input", "output"))

    def __len__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return f"<models of task {self._task_id[:8]}: {len(self.input)} input, {len(self.output)} output>"

    def _ipython_key_completions_(self) -> list[Any]:
        return ["input", "output"]
