"""What people say of a task: its name, project, tags and comment, what it belongs to, and the archive.

Every training script pays for importing this: nothing heavy stands at its top.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autolog.store import TaskRecord

    from ._records import Records
    from .task import Task

__all__ = ["TaskRemarks"]


class TaskRemarks:
    """What people say of a task."""

    if TYPE_CHECKING:

        @property
        def _record(self) -> TaskRecord: ...

        @property
        def _records(self) -> Records: ...

        def _edit(self, change: Any) -> TaskRecord: ...

    @property
    def comment(self) -> str:
        """A text about it."""
        return self._record.comment

    @comment.setter
    def comment(self, value: str) -> None:
        self.set_comment(value)

    @property
    def tags(self) -> list[str]:
        """Its tags; change them with `add_tags`, or set a whole list."""
        return list(self._record.tags)

    @tags.setter
    def tags(self, value: Sequence[str]) -> None:
        from .checks import tags_of

        tags = tags_of(value)
        self._edit(lambda record: {"tags": tags})

    def add_tags(self, tags: Sequence[str] | str) -> None:
        """Add tags, or one. Raises BadName for one that is none."""
        from .checks import tags_of

        more = tags_of([tags] if isinstance(tags, str) else tags)
        self._edit(lambda record: {"tags": tuple(dict.fromkeys((*record.tags, *more)))})

    def rename(self, new_name: str) -> None:
        """Give it another name; its models keep theirs. Raises BadName."""
        self._edit(lambda record: {"name": new_name})

    set_name = rename

    def move_to_project(self, new_project_name: str) -> None:
        """Put it, and the models that it made, into another project. Raises BadName."""
        self._edit(lambda record: {"project": new_project_name})

    set_project = move_to_project

    def set_comment(self, comment: str) -> None:
        """A text about it."""
        self._edit(lambda record: {"comment": str(comment)})

    def set_parent(self, parent: str | Task | None) -> None:
        """The task that this one belongs to. Raises NotFound."""
        chosen = parent if parent is None or isinstance(parent, str) else parent.id
        if chosen:
            chosen = self._records.store.find_task(chosen)
        self._edit(lambda record: {"parent": chosen or None})

    def set_archived(self, archive: bool) -> None:
        """Put it into the archive, or take it out of it."""
        self._edit(lambda record: {"archived": bool(archive)})

    @property
    def archived(self) -> bool:
        """Whether it is in the archive."""
        return self._record.archived
