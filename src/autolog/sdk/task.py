"""A task: one run of a script, this one's or any in the store."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autolog import _guard
from autolog.events import NOWHERE

from .task_changes import TaskConfiguration, TaskModelChanges
from .task_remarks import TaskRemarks

if TYPE_CHECKING:
    from types import TracebackType

    from autolog.store import TaskRecord

    from ._records import Records
    from .artifacts import Artifacts
    from .run import Run
    from .task_models import TaskModels

__all__ = ["Task"]

#: Arguments of ClearML's `Task.init` that are about what we do not track, and what they are by default.
_UNTRACKED: Mapping[str, Any] = {
    "task_type": "training",
    "reuse_last_task_id": True,
    "auto_connect_arg_parser": True,
    "auto_resource_monitoring": True,
    "auto_connect_streams": True,
    "deferred_init": False,
}


class Task(TaskRemarks, TaskConfiguration, TaskModelChanges):
    """One run of a script: the one that this process is, or any in the store.

    A task that could not be started, or is switched off, has the id `""`, and what is done with it leaves
    nothing behind. Whatever reads waits for what this process has saved; it raises StoreError where the store
    can't be had, and NotFound for a task that isn't there any more.
    """

    def __init__(self, task_id: str = "", *, run: Run | None = None, records: Records | None = None) -> None:
        self._id = task_id if run is None else run.started.task_id
        self._run = run
        self._own_records = records
        self._is_entered = False

    # -- finding ------------------------------------------------------------------------------------

    @classmethod
    def init(
        cls,
        project_name: str | None = None,
        task_name: str | None = None,
        task_type: Any = "training",
        tags: Sequence[str] | None = None,
        reuse_last_task_id: bool | str = True,
        continue_last_task: bool | str | int = False,
        output_uri: bool | str | os.PathLike[str] | None = None,
        auto_connect_arg_parser: Any = True,
        auto_connect_frameworks: bool | Mapping[str, Any] = True,
        auto_resource_monitoring: Any = True,
        auto_connect_streams: Any = True,
        deferred_init: bool = False,
    ) -> Task:
        """`autolog.init` by the names that ClearML's users know.

        With `continue_last_task` the last task of that name goes on, or the one with that id. What is about
        arguments, resources and streams is taken and left alone, which one line says. Never raises for a
        fault of ours.
        """
        from .run import start

        given = {
            "task_type": str(getattr(task_type, "value", task_type)),
            "reuse_last_task_id": reuse_last_task_id,
            "auto_connect_arg_parser": auto_connect_arg_parser,
            "auto_resource_monitoring": auto_resource_monitoring,
            "auto_connect_streams": auto_connect_streams,
            "deferred_init": deferred_init,
        }
        untracked = [
            name for name, value in given.items() if value != _UNTRACKED[name] and name != "task_type"
        ]
        if untracked:
            _guard.complain(f"{', '.join(untracked)}: not tracked here, so it changes nothing")
        find = None
        if continue_last_task is not False and continue_last_task is not None:
            from .continuing import earlier_task

            find = earlier_task(continue_last_task, project_name, task_name)
        return start(
            tuple(tags or ()),
            find,
            given["task_type"],
            project=project_name,
            task=task_name,
            frameworks=None if auto_connect_frameworks is True else auto_connect_frameworks,
            output_uri=output_uri,
        )

    @classmethod
    def current_task(cls) -> Task | None:
        """The task that this process is capturing for, None if it isn't."""
        from .run import current_task

        return current_task()

    @classmethod
    def get_task(
        cls,
        task_id: str | None = None,
        project_name: str | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | None = None,
        allow_archived: bool = True,
        task_filter: Mapping[str, Any] | None = None,
    ) -> Task | None:
        """The task with this id (or its beginning), else the newest with these names and tags.

        None if there is none with such names; `task_filter` is as in `get_tasks`. Raises NotFound for an
        unknown id, and Ambiguous.
        """
        from ._records import records

        found = records()
        if task_id:
            found.settle()
            return cls(found.store.find_task(task_id), records=found)
        tasks = cls.get_tasks(None, project_name, task_name, tags, allow_archived, task_filter)
        return tasks[0] if tasks else None

    @classmethod
    def get_tasks(
        cls,
        task_ids: Sequence[str] | None = None,
        project_name: str | None = None,
        task_name: str | None = None,
        tags: Sequence[str] | None = None,
        allow_archived: bool = True,
        task_filter: Mapping[str, Any] | None = None,
    ) -> list[Task]:
        """Tasks, newest first; names are globs, `tags` may have operators in them (see `autolog.models`).

        `task_filter` may say which `status` they have: `{"status": ["completed", "failed"]}`. Raises BadValue
        for another one.
        """
        from autolog.store import search_tasks

        from ._records import records
        from .checks import statuses_of

        found = records()
        found.settle()
        rows = search_tasks(
            found.store,
            ids=task_ids,
            project=project_name,
            name=task_name,
            tags=tags or (),
            archived=None if allow_archived else False,
        )
        wanted = statuses_of(task_filter)
        return [cls(each.id, records=found) for each in rows if wanted is None or each.status in wanted]

    # -- what it is -----------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The task's id: 32 hex digits."""
        return self._id

    @property
    def name(self) -> str:
        """The task's name."""
        if self._run is not None and not self._is_entered:
            return self._run.started.name
        return self._record.name if self._id else ""

    @property
    def project(self) -> str:
        """The project's name."""
        if self._run is not None and not self._is_entered:
            return self._run.started.project
        return self._record.project if self._id else ""

    def get_project_name(self) -> str:
        """The project's name."""
        return self.project

    @property
    def status(self) -> str:
        """`running`, `completed`, `failed`, `stopped`, `killed`, `lost contact` or `published`."""
        return self._record.status

    @property
    def parent(self) -> str | None:
        """The id of the task that this one belongs to, if somebody has said so."""
        return self._record.parent

    @property
    def git(self) -> dict[str, Any]:
        """The version of its code: `root`, `commit`, `branch`, `dirty`; empty outside of a repository.

        Where the repository had changes beyond the commit, also `diff` (text for `git apply`), the names of
        `binary` and `untracked` files, and what was `cut`; see docs/json.md. It was read when the first
        event of the run was recorded, unless the setting `git_diff` is off.
        """
        from autolog.shown import plain
        from autolog.store import changes_of

        record = self._record
        return plain.git(record, changes_of(self._records.store, record.id))

    @property
    def output_uri(self) -> str:
        """Where the weights of this task go; empty for nowhere but their own paths. Passwords are masked.

        Set it to change that for what is saved from then on: True for the content store, a folder, a URL.
        """
        from autolog.config import mask

        chosen = self._destination if self._run is not None else self._record.output_uri
        return "" if chosen == NOWHERE else mask(chosen)

    @output_uri.setter
    def output_uri(self, value: bool | str | os.PathLike[str] | None) -> None:
        from .checks import destination_of

        chosen = destination_of(value)
        if self._run is not None:
            self._run.session.output_uri = chosen or NOWHERE
        self._edit(lambda record: {"output_uri": chosen})

    @property
    def storage_uri(self) -> str:
        """The same as `output_uri`."""
        return self.output_uri

    @storage_uri.setter
    def storage_uri(self, value: bool | str | os.PathLike[str] | None) -> None:
        self.output_uri = value

    @property
    def models(self) -> TaskModels:
        """Its models: `task.models.output["resnet"]`, `task.models["input"][0]`."""
        from .task_models import TaskModels

        self._records.settle()
        return TaskModels(self._records, self._entered())

    def get_models(self) -> TaskModels:
        """The same as `models`."""
        return self.models

    @property
    def input_models_id(self) -> dict[str, str]:
        """The ids of its input models, by their names on the task."""
        return {name: each.id for name, each in self.models.input.items()}

    @property
    def output_models_id(self) -> dict[str, str]:
        """The ids of its output models, by their names on the task."""
        return {name: each.id for name, each in self.models.output.items()}

    @property
    def artifacts(self) -> Artifacts:
        """What was kept beside its models, by name; see `upload_artifact`."""
        from .artifacts import Artifacts

        return Artifacts(self._records, self._entered())

    # -- its life -------------------------------------------------------------------------------------

    def flush(self, wait_for_uploads: bool = False, timeout: float = 60.0) -> bool:
        """Wait until every save and load so far is in the store, and kept; False after `timeout` seconds.

        Bytes whose destination is away are not waited for; with `wait_for_uploads` it is False then, too.
        """
        if self._run is None:
            return True
        is_settled = self._run.settle(timeout)
        return is_settled and not (wait_for_uploads and self._run.session.has_waiting)

    def close(self) -> None:
        """End the task as completed, and give every framework its own functions back."""
        if self._run is not None:
            self._run.end("completed", "")

    def mark_completed(
        self, ignore_errors: bool = True, status_message: str | None = None, force: bool = False
    ) -> None:
        """End it as completed."""
        self._end("completed", status_message or "")

    def mark_failed(
        self,
        ignore_errors: bool = True,
        status_reason: str | None = None,
        status_message: str | None = None,
        force: bool = False,
    ) -> None:
        """End it as failed, and say why."""
        self._end("failed", status_message or status_reason or "")

    def mark_stopped(self, force: bool = False, status_message: str | None = None) -> None:
        """End it as stopped."""
        self._end("stopped", status_message or "")

    def publish(self, ignore_errors: bool = True) -> bool:
        """Publish it and all its models: their weights, designs and labels don't change any more.

        Whether it is.

        Raises InUse while it runs.
        """
        from .publishing import publish_task

        return publish_task(self)

    def delete(
        self,
        delete_artifacts_and_models: bool = True,
        skip_models_used_by_other_tasks: bool = True,
        raise_on_error: bool = False,
        callback: Any = None,
    ) -> bool:
        """Remove it with its artifacts and models, but for those that other tasks have loaded, if so asked.

        Bytes that we keep are freed; no file at a path of the script's is touched. One with published models
        stays. Whether it is gone; with `raise_on_error` InUse and DestinationError say why not.
        """
        from .publishing import delete_task

        return delete_task(
            self,
            with_models=delete_artifacts_and_models,
            skip_used=skip_models_used_by_other_tasks,
            raise_on_error=raise_on_error,
        )

    def __enter__(self) -> Task:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._run is not None:
            if error is None:
                self._run.end("completed", "")
            else:
                self._run.end("failed", f"{type(error).__name__}: {error}"[:1000])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self._id == other._id

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        return f"<Task {self.id[:8] or 'off'} {self.project}/{self.name}>"

    # -- inside ---------------------------------------------------------------------------------------

    @property
    def _records(self) -> Records:
        from . import _records

        if self._own_records is None:
            if not self._id:
                self._own_records = _records.nothing()
            elif self._run is not None:
                self._own_records = _records.records_of(self._run.settings)
            else:
                self._own_records = _records.records()
        return self._own_records

    def _entered(self) -> str:
        """Its id; it is in the store by then."""
        if self._run is not None and not self._is_entered:
            goes_on = self._run.started.continues and not self._run.is_over
            self._records.enter(self._run.started._replace(continues=goes_on))
            self._is_entered = True
        return self._id

    @property
    def _record(self) -> TaskRecord:
        self._records.settle()
        return self._records.store.task_head(self._entered())

    def _edit(self, change: Any) -> TaskRecord:
        from autolog.store import edit_task

        return edit_task(self._records.store, self._entered(), change)

    def _end(self, status: str, reason: str) -> None:
        if self._run is not None and not self._run.is_over:
            self._run.end(status, reason)
            return
        ended = {"status": status, "reason": reason}
        self._edit(lambda record: ended if record.finished else {**ended, "finished": time.time()})
