"""A model of the store, by the members that ClearML's users know and by shorter ones."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from autolog.errors import AutologError, BadName

from .checks import labels_of, tags_of
from .live import Labels, Tags
from .metadata import MetadataEntries
from .reporting import Reports
from .scalars import Scalars
from .versions import Versions

if TYPE_CHECKING:
    from autolog.store import ModelRecord

    from ._records import Records
    from .lineage import Lineage
    from .query import Query
    from .task import Task

__all__ = ["BaseModel", "Model"]

_PACKAGE = "package"
_ARCHIVED = "archived"


class BaseModel(Versions, Scalars, MetadataEntries, Reports):
    """What input models, output models and any model of the store have in common.

    What is read is what the store says then, once what this process has saved is in it. Raises NotFound for a
    model that has been removed, and StoreError where the store can't be had.
    """

    _id: str
    _records: Records

    def __init__(self, task: Task | None = None) -> None:
        self._task = task

    # -- what it is -----------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The model's id: 32 hex digits."""
        return self._id

    @property
    def name(self) -> str:
        """Its name."""
        return self._head.name

    @name.setter
    def name(self, value: str) -> None:
        self._edit(lambda record: {"name": value})

    @property
    def project(self) -> str:
        """The name of its project."""
        return self._head.project

    @project.setter
    def project(self, value: str) -> None:
        self._edit(lambda record: {"project": value})

    @property
    def project_id(self) -> str:
        """The same as `project`: projects are known by their names."""
        return self.project

    @property
    def comment(self) -> str:
        """A text about it."""
        return self._head.comment

    @comment.setter
    def comment(self, value: str) -> None:
        self._edit(lambda record: {"comment": str(value)})

    @property
    def tags(self) -> Tags:
        """Its tags, a list that may be changed in place: `m.tags.add("best")`."""
        return Tags(self._head.tags, self._edit)

    @tags.setter
    def tags(self, value: Sequence[str]) -> None:
        tags = tags_of(value)
        self._edit(lambda record: {"tags": tags})

    @property
    def system_tags(self) -> list[str]:
        """`package` for weights of several files, `archived` for one in the archive, and what was set."""
        record = self._head
        return [*record.system_tags, *([_ARCHIVED] if record.archived else [])]

    @system_tags.setter
    def system_tags(self, value: Sequence[str]) -> None:
        tags = tags_of(value)
        kept = tuple(each for each in tags if each != _ARCHIVED)
        self._edit(lambda record: {"system_tags": kept, "archived": _ARCHIVED in tags})

    @property
    def archived_tag(self) -> str:
        """The system tag of what is in the archive."""
        return _ARCHIVED

    @property
    def config_text(self) -> str:
        """The network design, as text. Setting it raises Published for a published model, and BadValue."""
        return self._head.design or ""

    @config_text.setter
    def config_text(self, value: str) -> None:
        self.update_design(config_text=value)

    @property
    def config_dict(self) -> dict[str, Any]:
        """The network design, read as JSON or YAML. Raises BadValue where it is neither."""
        from .designs import as_dict

        return as_dict(self._head.design)

    @config_dict.setter
    def config_dict(self, value: Mapping[str, Any]) -> None:
        self.update_design(config_dict=value)

    @property
    def labels(self) -> dict[str, int]:
        """Its label enumeration, which may be changed in place, or set as a whole: `m.labels["cat"] = 0`."""
        return Labels(self._head.labels, self._edit)

    @labels.setter
    def labels(self, value: Mapping[str, int]) -> None:
        self.update_labels(value)

    def update_design(
        self, config_text: str | None = None, config_dict: Mapping[str, Any] | None = None
    ) -> bool:
        """Set the network design, at once. True. Raises Published and BadValue."""
        from .designs import design_of

        design = design_of(config_text, config_dict)
        self._edit(lambda record: {"design": design})
        return True

    def update_labels(self, labels: Mapping[str, int]) -> bool:
        """Set the label enumeration, at once. True. Raises Published and BadValue."""
        chosen = labels_of(labels)
        self._edit(lambda record: {"labels": chosen})
        return True

    @property
    def task(self) -> str | None:
        """The id of the task that it is connected to, else of the one that made it."""
        return self._task.id if self._task is not None else self.original_task

    @property
    def original_task(self) -> str | None:
        """The id of the task that made it; None if it came from elsewhere."""
        return self._head.task_id

    @property
    def url(self) -> str | None:
        """Where the weights of the newest version are: kept as a plain file, else where they were saved."""
        from .addresses import address_of

        record = self._whole
        return address_of(self._records, record, self._newest_of(record))

    @property
    def published(self) -> bool:
        """Whether it is published: weights, design and labels don't change any more."""
        return self._head.status == "published"

    @property
    def archived(self) -> bool:
        """Whether it is in the archive."""
        return self._head.archived

    @property
    def status(self) -> str:
        """`draft` or `published`."""
        return self._head.status

    @property
    def framework(self) -> str:
        """The framework that wrote it, as it is shown: `PyTorch`, `Keras`..."""
        return self._head.framework

    @framework.setter
    def framework(self, value: str) -> None:
        from .frameworks import framework_of

        self._edit(lambda record: {"framework": framework_of(value)})

    @property
    def origin(self) -> str | None:
        """The path or URL that a model came from which no task here has made."""
        return self._head.origin

    @property
    def created(self) -> datetime:
        """When its first version was saved (UTC)."""
        return datetime.fromtimestamp(self._head.created, timezone.utc)

    @property
    def updated(self) -> datetime:
        """When it was changed last (UTC)."""
        return datetime.fromtimestamp(self._head.updated, timezone.utc)

    # -- its life -----------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Publish it, and the task that made it unless that still runs."""
        from autolog.store import publish

        self._records.settle()
        publish(self._records.store, self._id)

    def archive(self) -> None:
        """Put it into the archive; nothing is removed."""
        self._edit(lambda record: {"archived": True})

    def unarchive(self) -> None:
        """Take it out of the archive."""
        self._edit(lambda record: {"archived": False})

    @property
    def lineage(self) -> Lineage:
        """Where it comes from, and what has become of it."""
        from .lineage import Lineage

        return Lineage(self._records, self._id)

    def get_offline_mode_folder(self) -> str:
        """The folder of everything local: there is no other mode than offline."""
        return self._records.home

    # -- inside -------------------------------------------------------------------------------------------

    def _edit(self, change: Any) -> ModelRecord:
        from autolog.store import edit

        self._records.settle()
        return edit(self._records.store, self._id, change)

    def _mark_package(self) -> None:
        self._edit(lambda record: {"system_tags": tuple(dict.fromkeys((*record.system_tags, _PACKAGE)))})

    @property
    def _is_package(self) -> bool:
        return _PACKAGE in self._head.system_tags

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseModel) and bool(self._id) and self._id == other._id

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        kind = type(self).__name__
        try:
            record = self._whole
        except AutologError:
            return f"<{kind} {self._id[:8]} removed>"
        newest = self._newest_of(record)
        version = "no version yet" if newest is None else f"v{newest.version} {newest.standing}"
        return f"<{kind} {self._id[:8]} {record.project}/{record.name} {record.framework} {version}>"

    def _repr_html_(self) -> str:
        from .cards import card

        return card(self)


class Model(BaseModel):
    """A model of the store, by its id, the beginning of one, or a name, also with `:v3` or `@alias`.

    Raises NotFound and Ambiguous.
    """

    def __init__(self, model_id: str) -> None:
        from ._records import records

        super().__init__()
        self._records = records()
        self._id, self._version = find(self._records, model_id)

    @classmethod
    def _of(cls, records: Records, model_id: str, version: int | None = None) -> Model:
        found = cls.__new__(cls)
        BaseModel.__init__(found)
        found._records, found._id, found._version = records, model_id, version
        return found

    @property
    def version(self) -> int | None:
        """The version that was asked for; None for whichever is the newest."""
        return self._version

    def get_local_copy(
        self,
        extract_archive: bool | None = None,
        raise_on_error: bool = False,
        force_download: bool = False,
    ) -> str | None:
        """The path of its weights on this machine; a package is unpacked if it is an archive.

        None, and a warning, where they can't be had, or the error if `raise_on_error`.
        """
        unpack = self._is_package if extract_archive is None else extract_archive
        return self.get_weights(raise_on_error, force_download, unpack)

    @classmethod
    def query_models(
        cls,
        project_name: str | None = None,
        model_name: str | None = None,
        tags: Sequence[str] | None = None,
        only_published: bool = False,
        include_archived: bool = False,
        max_results: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[Model]:
        """Models that meet all of it, the last updated first; names are globs; see `autolog.models`."""
        from .query import models

        found: Query = models(
            project=project_name,
            name=model_name,
            tags=tags or (),
            published=True if only_published else None,
            archived=None if include_archived else False,
            metadata=metadata or {},
        )
        return list(found if max_results is None else found[: max(0, max_results)])

    @classmethod
    def remove(
        cls,
        model: str | BaseModel,
        delete_weights_file: bool = True,
        force: bool = False,
        raise_on_errors: bool = False,
    ) -> bool:
        """Remove a model, with the bytes that we keep of it; a file at a path of the script's stays.

        One that other tasks have loaded, or that is published, only by `force`. Whether it is gone; with
        `raise_on_errors` NotFound, InUse and DestinationError say why not. Without `delete_weights_file`
        plain files that were kept stay where they are.
        """
        from .publishing import remove_model

        try:
            chosen = cls(model) if isinstance(model, str) else model
            remove_model(chosen, delete_weights=delete_weights_file, force=force)
            return True
        except AutologError as error:
            if raise_on_errors:
                raise
            warnings.warn(f"the model was not removed: {error}", stacklevel=2)
            return False

    def _newest_of(self, record: ModelRecord) -> Any:
        if self._version is None:
            return super()._newest_of(record)
        return next((each for each in record.snapshots if each.version == self._version), None)


def find(records: Records, name: str) -> tuple[str, int | None]:
    """`(model id, version or None)` of what somebody calls a model; a warning if several are called so.

    Raises NotFound, Ambiguous, and BadName for what isn't text.
    """
    if not isinstance(name, str) or not name.strip():
        raise BadName(f"a model is asked for by its id or name, not by {str(name)[:60]!r}")
    if len(name) > 5000:
        raise BadName(f"no model's name has {len(name):,} characters")
    records.settle()
    model_id, version = records.store.find_model(name)
    alike = records.store.alike(name, model_id, version)
    if len(alike) > 1:
        others = ", ".join(each[:8] for each in alike if each != model_id)
        warnings.warn(
            f"{len(alike)} models are called {name!r}; this is the newest, {model_id[:8]} (others: {others})",
            stacklevel=3,
        )
    return model_id, version
