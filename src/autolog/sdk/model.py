"""A model of the store, by the members that ClearML's users know and by shorter ones."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolog.errors import AutologError, BadName, InUse, NotFound, WeightsUnavailable

from .checks import tags_of, whole_number
from .live import Labels, Metadata, Tags, metadata_of
from .reporting import Reports

if TYPE_CHECKING:
    from autolog.store import ModelRecord

    from ._records import Records
    from .lineage import Lineage
    from .query import Query
    from .snapshot import Snapshot
    from .task import Task

__all__ = ["BaseModel", "Model"]

_PACKAGE = "package"
_ARCHIVED = "archived"
#: What ClearML calls the types of values in metadata.
_TYPES: Mapping[str, Any] = {
    "float": float,
    "int": int,
    "bool": lambda text: str(text).strip().lower() in ("true", "1", "yes"),
    "str": str,
    "basestring": str,
    "list": list,
    "tuple": list,
    "dict": dict,
}


class BaseModel(Reports):
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
        """The network design, as text."""
        return self._head.design or ""

    @property
    def config_dict(self) -> dict[str, Any]:
        """The network design, read as JSON or YAML. Raises BadValue where it is neither."""
        from .designs import as_dict

        return as_dict(self._head.design)

    design = config_text

    @property
    def labels(self) -> dict[str, int]:
        """Its label enumeration, which may be changed in place: `m.labels["cat"] = 0`."""
        return Labels(self._head.labels, self._edit)

    @property
    def metadata(self) -> Metadata:
        """Its metadata, which may be changed in place: `m.metadata["dataset"] = "v3"`."""
        return Metadata(self._head.metadata, self._edit)

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

    # -- versions -------------------------------------------------------------------------------------

    @property
    def snapshots(self) -> list[Snapshot]:
        """Its versions, oldest first."""
        from .snapshot import Snapshot

        record = self._whole
        return [Snapshot(self._records, record, each) for each in record.snapshots]

    @property
    def aliases(self) -> dict[str, int]:
        """The names that stand for a version of it: name -> version."""
        return dict(self._head.aliases)

    def alias(self, name: str, version: int | str | None = None) -> None:
        """Have a name stand for a version, by its number, `v3` or another alias; the newest if none is given.

        Raises BadName for one that reads as a version or is none, and NotFound.
        """
        from autolog.store import alias

        alias(self._records.store, self._id, name, self.snapshot(version).version)

    def unalias(self, name: str) -> None:
        """Take an alias away. Raises NotFound."""
        from autolog.store import unalias

        unalias(self._records.store, self._id, name)

    def snapshot(self, version: int | str | None = None) -> Snapshot:
        """A version by its number, `v3` or an alias; the newest if none is given. Raises NotFound."""
        if version is None:
            return self._newest()
        number: Any = version
        if isinstance(version, str):
            is_number = version.startswith("v") and version[1:].isdigit()
            number = int(version[1:]) if is_number else self.aliases.get(version)
        for each in self.snapshots:
            if each.version == number:
                return each
        there = [*(f"v{each.version}" for each in self.snapshots[-3:]), *self.aliases]
        raise NotFound(f"{self.name} has no version {version!r}; it has {', '.join(there) or 'none yet'}")

    def download(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
        """Write its weights to a path, verified by digest; see `Snapshot.download`."""
        return self._newest().download(path, overwrite=overwrite)

    def load(self, *, trusted: bool = False, **options: Any) -> Any:
        """What the framework's own loader makes of its weights; see `Snapshot.load`."""
        return self._newest().load(trusted=trusted, **options)

    def get_weights(
        self, raise_on_error: bool = False, force_download: bool = False, extract_archive: bool = False
    ) -> str | None:
        """The path of the weights on this machine; see `Snapshot.get_local_copy`.

        An archive is unpacked if so asked. None, and a warning, where they can't be had, or the error if
        `raise_on_error`.
        """
        from .addresses import unpacked

        try:
            path = self._newest().get_local_copy(force_download=force_download)
            return unpacked(path, self._records.settings) if extract_archive else path
        except AutologError as error:
            if raise_on_error:
                raise
            warnings.warn(f"the weights of {self._id[:12]} can't be had: {error}", stacklevel=2)
            return None

    def get_weights_package(
        self,
        return_path: bool = False,
        raise_on_error: bool = False,
        force_download: bool = False,
        extract_archive: bool = True,
    ) -> str | list[Path] | None:
        """The files of weights that are several: their paths, or that of their folder if `return_path`.

        None, and a warning, where they can't be had, or the error if `raise_on_error`.
        """
        path = self.get_weights(raise_on_error, force_download, extract_archive)
        if path is None or return_path:
            return path
        whole = Path(path)
        return sorted(each for each in whole.rglob("*") if each.is_file()) if whole.is_dir() else [whole]

    # -- scalars ----------------------------------------------------------------------------------------

    def report_scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        """Record a scalar at an iteration, as the metric `title/series`.

        Just `title` where both are the same.

        `where`, retention and the tables know it by that name. Raises BadName and BadValue.
        """
        number = whole_number(iteration, "an iteration")
        if self._task is not None:
            number += self._task.get_initial_iteration()
        self._score(title if title == series or not series else f"{title}/{series}", value, number)

    def report_single_value(self, name: str, value: float) -> None:
        """Record a scalar of the whole model. Raises BadName and BadValue."""
        self._score(name, value, None)

    @property
    def metrics(self) -> dict[str, float | None]:
        """The value with the highest iteration of each metric; None where it was not a number."""
        from autolog.store import latest_metrics

        self._records.settle()
        return latest_metrics(self._records.store, [self._id]).get(self._id, {})

    def get_metric(self, name: str) -> list[tuple[int | None, float | None]]:
        """`(iteration, value)` of a metric, by iteration; the iteration is None for a single value."""
        from autolog.store import metrics_of

        self._records.settle()
        found = metrics_of(self._records.store, self._id)
        return [(iteration, value) for each, iteration, value in found if each == name]

    def _score(self, name: str, value: float, iteration: int | None) -> None:
        from autolog.store import report

        report(self._records.store, self._id, name, value, iteration)

    # -- metadata by ClearML's names --------------------------------------------------------------------

    def set_metadata(self, key: str, value: Any, v_type: str | None = None) -> bool:
        """Set a value of metadata; its type is the value's, or `v_type`. True. Raises BadValue."""
        self.metadata.update({str(key): value if v_type is None else _cast(value, v_type)})
        return True

    def get_metadata(self, key: str) -> str | None:
        """A value as text; None if there is none."""
        found = self._head.metadata
        return _text(found[str(key)]) if str(key) in found else None

    def get_metadata_casted(self, key: str) -> Any:
        """A value in its own type; None if there is none."""
        return self._head.metadata.get(str(key))

    def get_all_metadata(self) -> dict[str, dict[str, str]]:
        """`{key: {"value": ..., "type": ...}}`, all as text."""
        return {
            key: {"value": _text(value), "type": type(value).__name__}
            for key, value in self._head.metadata.items()
        }

    def get_all_metadata_casted(self) -> dict[str, Any]:
        """`{key: value}`, each in its own type."""
        return dict(self._head.metadata)

    def set_all_metadata(self, metadata: Mapping[str, Any], replace: bool = True) -> bool:
        """Set all values, as `{key: {"value": ..., "type": ...}}` or `{key: value}`; True. Raises BadValue.

        Without `replace`, those that are there and not named stay.
        """
        new = metadata_of({str(key): _entry(value) for key, value in metadata.items()})
        self._edit(lambda record: {"metadata": new if replace else {**record.metadata, **new}})
        return True

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

    @property
    def _head(self) -> ModelRecord:
        return self._records.head(self._id)

    @property
    def _whole(self) -> ModelRecord:
        return self._records.model(self._id)

    def _edit(self, change: Any) -> ModelRecord:
        from autolog.store import edit

        self._records.settle()
        return edit(self._records.store, self._id, change)

    def _newest_of(self, record: ModelRecord) -> Any:
        return record.snapshots[-1] if record.snapshots else None

    def _newest(self) -> Snapshot:
        from .snapshot import Snapshot

        record = self._whole
        found = self._newest_of(record)
        if found is None:
            raise WeightsUnavailable(f"{record.name} has no version yet")
        return Snapshot(self._records, record, found)

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


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _entry(value: Any) -> Any:
    if isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "type", "key"}:
        kind = value.get("type")
        return value["value"] if kind in (None, "None") else _cast(value["value"], str(kind))
    return value


def _cast(value: Any, kind: str) -> Any:
    """A value of one of ClearML's types; of any other it stays what it is."""
    make = _TYPES.get(kind)
    if make is None or isinstance(value, (list, dict)):
        return value
    if make in (list, dict):
        import ast

        try:
            found = ast.literal_eval(str(value))
            return list(found) if make is list else dict(found)
        except (ValueError, SyntaxError, TypeError):
            return str(value)
    try:
        return make(value)
    except (TypeError, ValueError):
        return str(value)


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

        One that other tasks have loaded only by `force`. Whether it is gone; with `raise_on_errors` NotFound,
        InUse and DestinationError say why not. Without `delete_weights_file` plain files that were kept stay
        where they are.
        """
        from .publishing import remove_model

        try:
            chosen = cls(model) if isinstance(model, str) else model
            remove_model(chosen, delete_weights=delete_weights_file, force=force)
            return True
        except (NotFound, InUse, AutologError) as error:
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
    if not model_id.startswith(name.partition(":")[0].partition("@")[0]):
        alike = records.store.alike(model_id)
        if len(alike) > 1:
            others = ", ".join(each[:8] for each in alike if each != model_id)
            warnings.warn(
                f"{len(alike)} models are called {name!r}; this is the newest, {model_id[:8]} (others:"
                f" {others})",
                stacklevel=3,
            )
    return model_id, version
