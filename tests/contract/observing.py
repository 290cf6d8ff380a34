"""What a store says of a run, in the words of the `.expect.json` files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autolog import agent, config
from autolog.store import Store
from autolog.store.records import InputRecord, ModelRecord, TaskRecord

__all__ = ["Observed"]


class Observed:
    """The store of one home, asked about the tasks of scripts that ran in `folder`."""

    def __init__(self, home: Path, folder: Path) -> None:
        settings = config.load(home=home)
        self.left = agent.settle(settings)
        self._folder = folder
        self._store = Store.open(settings.store, create=False)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def task(self, name: str) -> TaskRecord:
        """The one task of this name."""
        (found,) = (each for each in self._store.tasks() if each.name == name)
        return self._store.task(found.id)

    def models(self, task: TaskRecord) -> list[ModelRecord]:
        """The task's output models with all snapshots."""
        return [self._store.model(each.model_id) for each in task.outputs]

    def expected(self, task: TaskRecord) -> dict[str, Any]:
        """`models`, `inputs` and `skipped` as an `.expect.json` writes them."""
        models = sorted((self._of_model(each) for each in self.models(task)), key=lambda each: each["file"])
        inputs = sorted((self._of_input(each) for each in task.inputs), key=lambda each: each["file"])
        skipped = sorted([self._relative(each.path), each.rule, each.count] for each in task.skipped)
        return {"models": models, "inputs": inputs, "skipped": skipped}

    def _of_model(self, model: ModelRecord) -> dict[str, Any]:
        last = model.snapshots[-1]
        found: dict[str, Any] = {
            "file": self._relative(last.uri or "<memory>"),
            "name": model.name,
            "framework": model.framework,
            "type": model.model_type,
            "versions": len(model.snapshots),
        }
        iterations = [each.iteration for each in model.snapshots]
        if any(each is not None for each in iterations):
            found["iterations"] = iterations
        names = [sorted(each.metrics) for each in model.snapshots]
        if any(names):
            found["metrics"] = names[0] if all(each == names[0] for each in names) else names
        return found

    def _of_input(self, used: InputRecord) -> dict[str, Any]:
        model = self._store.model(used.model_id)
        found: dict[str, Any] = {
            "file": self._relative(used.path or "<memory>"),
            "from": f"{model.task_name}/{model.name}:v{used.version}",
        }
        if model.origin is not None and "://" in model.origin:
            found["origin"] = model.origin
        if used.own:
            found["own"] = True
        if used.count > 1:
            found["count"] = used.count
        return found

    def _relative(self, path: str) -> str:
        inside = os.path.relpath(path, self._folder)
        return path if inside.startswith("..") or not os.path.isabs(path) else inside
