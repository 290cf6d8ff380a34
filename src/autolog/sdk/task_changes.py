"""What a task is configured with, and what people do with its models and artifacts.

Every training script pays for importing this: nothing heavy stands at its top.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from autolog.config import mask
from autolog.events import NOWHERE

if TYPE_CHECKING:
    from autolog.store import TaskRecord

    from ._records import Records
    from .input_model import InputModel
    from .model import BaseModel
    from .output_model import OutputModel
    from .run import Run
    from .task import Task

__all__ = ["TaskConfiguration", "TaskModelChanges"]


class TaskConfiguration:
    """Parameters, configurations, labels and design of a task."""

    if TYPE_CHECKING:

        @property
        def _record(self) -> TaskRecord: ...

        def _edit(self, change: Any) -> TaskRecord: ...

    def connect(self, mutable: Any, name: str | None = None, **ignored: Any) -> Any:
        """Connect a model, or a dictionary of parameters; returns what was given.

        Parameters are recorded as they are then. Raises BadValue for anything else.
        """
        from .configuring import connect

        return connect(cast("Task", self), mutable, name)

    def get_parameters(self) -> dict[str, Any]:
        """The parameters that were connected, as `section/name`; without a section's name it is `General`."""
        from .configuring import parameters_of

        return parameters_of(self._record)

    def connect_configuration(
        self,
        configuration: Any,
        name: str | None = None,
        description: str | None = None,
        **ignored: Any,
    ) -> Any:
        """Record a configuration: a mapping, a list, or the text of a file whose path is given.

        Returns what was given, a path as a `Path`. Raises BadValue and NotFound.
        """
        from .configuring import connect_configuration

        return connect_configuration(cast("Task", self), configuration, name, description)

    def get_configuration_object(self, name: str = "General") -> str | None:
        """The text of a recorded configuration, None if there is none of that name."""
        found = self._record.configurations.get(name)
        return None if found is None else str(found["text"])

    def connect_label_enumeration(
        self, enumeration: Mapping[str, int], ignore_remote_overrides: bool = False
    ) -> Mapping[str, int]:
        """Labels for its models that have none of their own; returns what was given. Raises BadValue."""
        self.set_model_label_enumeration(enumeration)
        return enumeration

    def set_model_label_enumeration(self, enumeration: Mapping[str, int] | None = None) -> None:
        """Labels for its models that have none of their own. Raises BadValue."""
        from .checks import labels_of

        labels = labels_of(enumeration or {})
        self._edit(lambda record: {"labels": labels})

    def get_labels_enumeration(self) -> dict[str, int]:
        """The labels for its models."""
        return dict(self._record.labels)

    def set_model_config(
        self, config_text: str | None = None, config_dict: Mapping[str, Any] | None = None
    ) -> None:
        """The network design for its models that have none of their own. Raises BadValue."""
        from .designs import design_of

        design = design_of(config_text, config_dict)
        self._edit(lambda record: {"design": design})

    def get_model_config_text(self) -> str:
        """The network design for its models, as text."""
        return self._record.design or ""

    def get_model_config_dict(self) -> dict[str, Any]:
        """The network design for its models, read as JSON or YAML. Raises BadValue where it is neither."""
        from .designs import as_dict

        return as_dict(self._record.design)

    def get_model_design(self) -> str:
        """The same as `get_model_config_text`."""
        return self.get_model_config_text()


class TaskModelChanges:
    """Models and artifacts of a task, as people set them."""

    if TYPE_CHECKING:
        _id: str
        _run: Run | None

        @property
        def _record(self) -> TaskRecord: ...

        @property
        def _records(self) -> Records: ...

        def _edit(self, change: Any) -> TaskRecord: ...

        def _entered(self) -> str: ...

    def set_input_model(
        self,
        model_id: str | None = None,
        model_name: str | None = None,
        update_task_design: bool = True,
        update_task_labels: bool = True,
        name: str | None = None,
    ) -> None:
        """Make a model its input model, under a name; the task takes over design and labels if asked to.

        Raises NotFound and Ambiguous.
        """
        from .input_model import InputModel

        model: InputModel = InputModel(model_id, name=model_name)
        model._join(
            cast("Task", self), name, design=update_task_design, labels=update_task_labels, is_forced=True
        )

    def remove_input_models(self, models: Sequence[str | BaseModel]) -> None:
        """Take models, or ids of models, out of its inputs."""
        from autolog.store import disconnect_inputs

        ids = [each if isinstance(each, str) else each.id for each in models]
        disconnect_inputs(self._records.store, self._entered(), ids)

    def update_output_model(
        self,
        model_path: str | os.PathLike[str],
        name: str | None = None,
        comment: str | None = None,
        tags: Sequence[str] | None = None,
        model_name: str | None = None,
        iteration: int | None = None,
        auto_delete_file: bool = False,
    ) -> str:
        """Record a file as a version of an output model of that name, which is made if there is none.

        `name` is the model's, `model_name` what the task calls it. The address of the weights. Raises
        NotFound.
        """
        from .output_model import OutputModel

        role = model_name or os.path.splitext(os.path.basename(os.fspath(model_path)))[0]
        task = cast("Task", self)
        known = task.models.output.get(role)
        model: OutputModel = OutputModel(
            task,
            name=name or (None if known is None else known.name),
            tags=None if tags is None else list(tags),
            comment=comment,
            base_model_id=None if known is None else known.id,
        )
        model.connect(task, role)
        return model.update_weights(model_path, iteration=iteration, auto_delete_file=auto_delete_file)

    def upload_artifact(
        self,
        name: str,
        artifact_object: Any,
        metadata: Mapping[str, Any] | None = None,
        delete_after_upload: bool = False,
        auto_pickle: bool = False,
        preview: Any = None,
        wait_on_upload: bool = False,
        extension_name: str | None = None,
        serialization_function: Any = None,
        retries: int = 0,
    ) -> bool:
        """Keep a file, folder, dictionary, text, array, data frame or image beside its models.

        Never pickled unless `auto_pickle` says so. True once it is kept. Raises BadName, BadValue, NotFound
        and DestinationError.
        """
        from .artifacts import upload

        upload(
            self._records,
            self._entered(),
            name,
            artifact_object,
            metadata=metadata,
            delete_after_upload=delete_after_upload,
            auto_pickle=auto_pickle,
            preview=preview,
            wait_on_upload=wait_on_upload,
            extension_name=extension_name,
            serialization_function=serialization_function,
            retries=retries,
            destination=self._destination,
        )
        return True

    def delete_artifacts(self, artifact_names: Sequence[str], **ignored: Any) -> bool:
        """Take artifacts away, with their bytes; whether all of them were there."""
        from .artifacts import delete

        return delete(self._records, self._entered(), artifact_names)

    def get_last_iteration(self) -> int:
        """The highest iteration of any version or scalar of its models; 0 if there is none."""
        from autolog.store import last_iteration

        self._records.settle()
        return last_iteration(self._records.store, self._id)

    def get_initial_iteration(self) -> int:
        """What is added to the iterations that are given by hand."""
        return self._record.initial_iteration

    def set_initial_iteration(self, offset: int = 0) -> int:
        """Count iterations that are given by hand (`update_weights`, `report_scalar`) from here.

        That number.
        """
        from .checks import whole_number

        number = whole_number(offset, "the initial iteration")
        self._edit(lambda record: {"initial_iteration": number})
        return number

    @property
    def _destination(self) -> str:
        """`Task.output_uri` as it is gone to, with any password; NOWHERE where that is what was chosen.

        Empty for a task of another process that has none: there the configuration says.
        """
        if self._run is not None:
            return self._run.session.output_uri or self._run.settings.output_uri or NOWHERE
        recorded, own = self._record.output_uri, self._records.settings.output_uri
        return own if recorded == mask(own) else recorded
