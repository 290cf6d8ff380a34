"""Models that a task starts from: found in the store, imported from a file or URL, or still to be chosen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autolog.errors import BadValue, NotFound

from .checks import labels_of, name_of, path_of, tags_of
from .designs import design_of
from .model import Model

if TYPE_CHECKING:
    from autolog.store import ModelRecord

    from .task import Task

__all__ = ["InputModel"]


class InputModel(Model):
    """A model that a task loads.

    Found by its id (or the beginning of one, or a name, also with `:v3` or `@alias`), or as the newest with
    these names and tags. Raises NotFound and Ambiguous.
    """

    def __init__(
        self,
        model_id: str | None = None,
        name: str | None = None,
        project: str | None = None,
        tags: Sequence[str] | None = None,
        only_published: bool = False,
    ) -> None:
        from ._records import records

        if model_id:
            super().__init__(model_id)
            return
        if name is None and project is None and not tags:
            raise BadValue("say which model: InputModel(model_id), or by name=, project= or tags=")
        found = self.query_models(project, name, tags, only_published, max_results=1)
        if not found:
            asked = {"name": name, "project": project, "tags": tags, "only_published": only_published or None}
            said = ", ".join(f"{key}={value!r}" for key, value in asked.items() if value)
            raise NotFound(f"no model has {said}; list them with autolog.models()")
        super().__init__(found[0].id)
        self._records = records()

    # -- where they come from ---------------------------------------------------------------------------

    @classmethod
    def import_model(
        cls,
        weights_url: str | os.PathLike[str],
        config_text: str | None = None,
        config_dict: Mapping[str, Any] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
        name: str | None = None,
        project: str | None = None,
        tags: Sequence[str] | None = None,
        comment: str | None = None,
        is_package: bool = False,
        create_as_published: bool = False,
        framework: str | None = None,
    ) -> InputModel:
        """Register a file, a folder or a URL as a model; the one that is registered with it already, if any.

        As with `load_model`, it is the very version with these weights. What is far away is fetched for its
        digest, and kept if `output_uri` is set. Raises NotFound where there is nothing, UnreadableWeights,
        BadValue, BadName and DestinationError.
        """
        from autolog.keeping import at_hand, import_file
        from autolog.store import edit

        from ._records import records
        from .frameworks import framework_of

        address = path_of(weights_url, "weights_url")
        # All of it is looked at before anything is written.
        design, labels = design_of(config_text, config_dict), labels_of(label_enumeration or {})
        chosen_tags = tags_of(tags)
        for value, what in ((name, "a model's name"), (project, "a project's name")):
            if value is not None:
                name_of(value, what)
        known = cls.load_model(address)
        if known is not None:
            return known
        found = records()
        from .run import current_task

        task = current_task()
        chosen = {
            "name": name or "",
            "project": project or (task.project if task is not None else ""),
            "framework": framework_of(framework) if framework else "",
        }
        with at_hand(address, found.settings) as at:
            registered = import_file(at, found.store, found.kept, found.settings, chosen=chosen)
        note = f"Imported by task id: {task.id}" if task is not None else ""
        said = {
            "comment": "\n".join(each for each in (note, comment or "") if each),
            **({"design": design} if design is not None else {}),
            **({"labels": labels} if labels else {}),
            **({"tags": chosen_tags} if chosen_tags else {}),
            **({"system_tags": ("package",)} if is_package else {}),
        }
        edit(found.store, registered.model_id, lambda record: said)
        model = cls._of(found, registered.model_id, registered.version)
        assert isinstance(model, InputModel)
        if create_as_published:
            model.publish()
        return model

    @classmethod
    def load_model(
        cls, weights_url: str | os.PathLike[str], load_archived: bool = False
    ) -> InputModel | None:
        """The model with a version at this path or URL, or that was imported from it; None if there is none.

        A file is known by its bytes, wherever it lies. What is connected and got is that very version.
        """
        from autolog.store import models_at

        from ._records import records
        from .addresses import paths_of

        found = records()
        found.settle()
        paths = paths_of(path_of(weights_url, "weights_url"))
        here = next((each for each in paths if os.path.isfile(each)), None)
        if here is not None:
            from autolog.keeping import digest_at
            from autolog.store import models_like

            # What lies there is what it is, whatever lay there when something was recorded.
            matches = models_like(found.store, digest_at(here), archived=load_archived)
        else:
            matches = models_at(found.store, paths, archived=load_archived)
        if not matches:
            return None
        # That version, and not whichever is the newest: its weights are others, and somebody else's.
        model = cls._of(found, *matches[0])
        assert isinstance(model, InputModel)
        return model

    @classmethod
    def empty(
        cls,
        config_text: str | None = None,
        config_dict: Mapping[str, Any] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
    ) -> InputModel:
        """A design and labels without a model, to be connected to a task. Raises BadValue."""
        from autolog.store import ModelRecord

        from ._records import records

        design, labels = design_of(config_text, config_dict), labels_of(label_enumeration or {})
        model = cls.__new__(cls)
        model._task = None
        model._records, model._id, model._version = records(), "", None
        model._floating = ModelRecord(
            id="", project="", name="", key="", task_id=None, task_name=None, framework="", model_type="",
            status="draft", archived=False, tags=(), labels=labels, metadata={}, design=design, comment="",
            origin=None, created=0.0, updated=0.0, versions=0,
        )  # fmt: skip
        return model

    #: A model that isn't in the store.
    _floating: ModelRecord | None = None

    @property
    def _head(self) -> ModelRecord:
        return super()._head if self._floating is None else self._floating

    def _edit(self, change: Any) -> ModelRecord:
        if self._floating is not None:
            self._floating = replace(self._floating, **change(self._floating))
            return self._floating
        return super()._edit(change)

    # -- connecting -------------------------------------------------------------------------------------

    def connect(self, task: Task, name: str | None = None, ignore_remote_overrides: bool = False) -> None:
        """Make it an input model of a task, under a name (else that of its file).

        A task without a design or labels takes over the model's. Raises NotFound.
        """
        self._join(task, name, design=True, labels=True)

    def _join(
        self, task: Task, name: str | None, *, design: bool, labels: bool, is_forced: bool = False
    ) -> None:
        from autolog.store import connect_input

        from .task import Task

        if not isinstance(task, Task):
            raise BadValue(f"a model is connected to a Task, not to a {type(task).__name__}")
        own_design, own_labels = self.config_text, dict(self.labels)
        self._task = task
        if self._id:
            records = task._records
            connect_input(records.store, task._entered(), self._id, self._version, name or "")

        def take_over(record: Any) -> dict[str, Any]:
            found: dict[str, Any] = {}
            if design and own_design and (is_forced or not record.design):
                found["design"] = own_design
            if labels and own_labels and (is_forced or not record.labels):
                found["labels"] = own_labels
            return found

        task._edit(take_over)
