"""Models that a task makes: their weights, design and labels as people set them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolog.config import mask
from autolog.errors import BadValue, DestinationError, NotFound, Published
from autolog.events import NOWHERE

from .checks import destination_of, labels_of, path_of, tags_of, whole_number
from .designs import design_of
from .frameworks import framework_of
from .model import BaseModel, find

if TYPE_CHECKING:
    from .task import Task

__all__ = ["OutputModel"]

#: Where the weights of models go that say nothing else themselves (`set_default_upload_uri`).
_default_destination: list[str] = [""]


class OutputModel(BaseModel):
    """A model that a task makes.

    It is in the store at once; `update_weights` makes its versions, on the same road as what is captured by
    itself. Without a name it has the task's. `base_model_id` is a model that goes on instead. Design and
    labels that aren't given are the task's. Raises BadValue without a task, BadName, NotFound, and Published
    where what goes on is published.
    """

    def __init__(
        self,
        task: Task | None = None,
        config_text: str | None = None,
        config_dict: Mapping[str, Any] | None = None,
        label_enumeration: Mapping[str, int] | None = None,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        comment: str | None = None,
        framework: str | None = None,
        base_model_id: str | None = None,
    ) -> None:
        from .run import off_task
        from .task import Task

        chosen = task if task is not None else Task.current_task() or off_task()
        if chosen is None:
            from ._records import records

            if records().settings.enabled:
                raise BadValue(
                    "there is no task: call autolog.init() first, or give one, OutputModel(task=...)"
                )
            chosen = Task()
        if not isinstance(chosen, Task):
            raise BadValue(f"a model is made by a Task, not by a {type(chosen).__name__}")
        super().__init__(chosen)
        self._records = chosen._records
        # All of it is looked at before anything is written.
        design, labels = design_of(config_text, config_dict), labels_of(label_enumeration or {})
        known_framework = framework_of(framework) if framework else ""
        chosen_tags = tags_of(tags)
        self._of = chosen
        self._saved_at = ""
        if base_model_id:
            self._id = find(self._records, base_model_id)[0]
            self._go_on(design, labels, known_framework, name, chosen_tags, comment)
            return
        from autolog.store import NewModel, create_model

        record = chosen._record
        self._id = create_model(
            self._records.store,
            NewModel(
                name=record.name if name is None else name,
                project=record.project,
                task_id=record.id,
                framework=known_framework,
                role=name or "",
                tags=chosen_tags,
                labels=labels or record.labels,
                design=design if design is not None else record.design,
                comment=comment or "",
            ),
        )

    def _go_on(
        self,
        design: str | None,
        labels: Mapping[str, int],
        framework: str,
        name: str | None,
        tags: tuple[str, ...],
        comment: str | None,
    ) -> None:
        if self.published:
            raise Published(f"{self.name} is published, and can't go on; make another model")
        said: dict[str, Any] = {
            "design": design,
            "labels": labels or None,
            "framework": framework or None,
            "name": name,
            "tags": tags or None,
        }
        changes = {key: value for key, value in said.items() if value is not None}
        note = f"Overwritten by task id: {self._of.id}"

        def change(record: Any) -> dict[str, Any]:
            lines = dict.fromkeys(each for each in (record.comment, note, comment or "") if each)
            return {**changes, "comment": "\n".join(lines)}

        self._edit(change)

    # -- what it is -------------------------------------------------------------------------------------

    @property
    def upload_storage_uri(self) -> str:
        """Where its weights go: what was set for it, else for all models, else the task's destination."""
        return self._head.upload_uri or _default_destination[0] or self._of.output_uri

    def update_design(
        self, config_text: str | None = None, config_dict: Mapping[str, Any] | None = None
    ) -> bool:
        """Set the network design, at once; the task takes it over if it has none. True.

        Raises Published and BadValue.
        """
        super().update_design(config_text, config_dict)
        design = self._head.design
        self._of._edit(lambda record: {} if record.design else {"design": design})
        return True

    def update_labels(self, labels: Mapping[str, int]) -> bool:
        """Set the label enumeration, at once; the task takes it over if it has none. True.

        Raises Published and BadValue.
        """
        super().update_labels(labels)
        chosen = labels_of(labels)
        self._of._edit(lambda record: {} if record.labels else {"labels": chosen})
        return True

    def connect(self, task: Task, name: str | None = None, **ignored: Any) -> None:
        """Give it the name that its task calls it by. Raises BadValue for another task than its own."""
        if task != self._of:
            raise BadValue(
                f"this model is made by task {self._of.id[:8]}; connect it to another one as"
                f" InputModel({self._id!r}).connect(task)"
            )
        if name:
            self._edit(lambda record: {"role": str(name)})
        record = self._head
        self._of._edit(
            lambda task: {
                **({"design": record.design} if record.design and not task.design else {}),
                **({"labels": dict(record.labels)} if record.labels and not task.labels else {}),
            }
        )

    # -- weights ----------------------------------------------------------------------------------------

    def set_upload_destination(self, uri: str | os.PathLike[str]) -> None:
        """Where the weights go that `update_weights` is given from now on: a folder or a URL.

        Raises BadValue, and DestinationError where it can't be reached, or has a password in it.
        """
        chosen = destination_of(uri)
        from autolog.content import is_remote, open_place
        from autolog.keeping import reach_of

        if is_remote(chosen):  # a folder is made when something is put there
            open_place(chosen, reach_of(self._records.settings)).probe()
        self._edit(lambda record: {"upload_uri": chosen})

    def update_weights(
        self,
        weights_filename: str | os.PathLike[str] | None = None,
        upload_uri: str | os.PathLike[str] | None = None,
        target_filename: str | None = None,
        auto_delete_file: bool = False,
        register_uri: str | os.PathLike[str] | None = None,
        iteration: int | None = None,
        update_comment: bool = True,
        is_package: bool = False,
        async_enable: bool = True,
    ) -> str:
        """Record a file, a folder, or with `register_uri` what is at an address already, as its next version.

        Its bytes go to `upload_uri`, else to `upload_storage_uri`, under `target_filename` if that is given;
        without either they stay where they are. Returns where the weights are: the file's own place, or with
        `async_enable=False`, which waits for that, where they are kept. The file is deleted only if so asked,
        and once its bytes are kept.

        Raises NotFound where nothing is, BadValue, Published, and DestinationError if waited for in vain.
        """
        if (weights_filename is None) == (register_uri is None):
            raise BadValue("give weights_filename or register_uri, and not both")
        address = path_of(register_uri if weights_filename is None else weights_filename, "the weights")
        if weights_filename is not None and os.path.isdir(address):
            return self.update_weights_package(
                None, address, upload_uri, target_filename, auto_delete_file, iteration, async_enable
            )
        if weights_filename is None and address.startswith(("file://", "local://")):
            address = address.partition("://")[2]
        is_local = "://" not in address
        if is_local and not os.path.exists(address):
            raise NotFound(f"there are no weights at {os.path.abspath(address)}")
        if weights_filename is None:
            upload_uri = False  # type: ignore[assignment]
        more = self._fields(upload_uri, target_filename, iteration)
        if update_comment:
            self._note(address)
        if is_package:
            self._mark_package()
        event_id = self._record(address, "", (), more)
        return self._after(
            event_id, [address] if auto_delete_file and weights_filename else [], wait=not async_enable
        )

    def update_weights_package(
        self,
        weights_filenames: Sequence[str | os.PathLike[str]] | None = None,
        weights_path: str | os.PathLike[str] | None = None,
        upload_uri: str | os.PathLike[str] | None = None,
        target_filename: str | None = None,
        auto_delete_file: bool = False,
        iteration: int | None = None,
        async_enable: bool = True,
    ) -> str:
        """Record several files, or a folder with all that is in it, as its next version.

        As with `update_weights`; they stay files: nothing is packed into an archive. Raises NotFound where
        one isn't there, BadValue, Published, and DestinationError if waited for in vain.
        """
        if (weights_filenames is None) == (weights_path is None):
            raise BadValue("give weights_filenames or weights_path, and not both")
        if weights_path is not None:
            root = os.path.abspath(path_of(weights_path, "weights_path"))
            if not os.path.isdir(root):
                raise NotFound(f"there is no folder at {root}")
            names: tuple[str, ...] = ("**",)
            if not any(files for _, _, files in os.walk(root)):
                raise BadValue(f"there are no files in {root}")
            files = [str(each) for each in Path(root).rglob("*") if each.is_file()]
        else:
            files = [os.path.abspath(path_of(each, "a weights file")) for each in weights_filenames or ()]
            missing = [each for each in files if not os.path.isfile(each)]
            if missing or not files:
                raise NotFound(f"there is no file at {missing[0]}" if missing else "there are no files given")
            root = os.path.dirname(files[0]) if len(files) == 1 else os.path.commonpath(files)
            names = tuple(_literal(os.path.relpath(each, root)) for each in files)
        more = self._fields(upload_uri, target_filename, iteration)
        self._note(root)
        self._mark_package()
        event_id = self._record(root, root, names, more)
        return self._after(event_id, files if auto_delete_file else [], wait=not async_enable)

    @classmethod
    def wait_for_uploads(cls, timeout: float | None = None, max_num_uploads: int | None = None) -> None:
        """Wait for `timeout` seconds at most until all that this process has saved is recorded and kept."""
        from .run import current

        run = current()
        if run is not None:
            run.settle(3600.0 * 24 if timeout is None else float(timeout))

    @classmethod
    def set_default_upload_uri(cls, output_uri: str | os.PathLike[str] | None) -> None:
        """Where the weights of this process's models go that say nothing else themselves; None: the task's.

        Raises BadValue, and DestinationError for a URL with a password in it.
        """
        _default_destination[0] = destination_of(output_uri) if output_uri else ""

    # -- inside -----------------------------------------------------------------------------------------

    def _fields(self, upload_uri: Any, target_filename: str | None, iteration: int | None) -> dict[str, Any]:
        """What an event says beside the weights. Raises Published and BadValue."""
        record = self._head
        if record.status == "published":
            raise Published(f"{record.name} is published: its weights can't change; make another model")
        if target_filename is not None and (
            not isinstance(target_filename, str) or not target_filename or "/" in target_filename
        ):
            raise BadValue(f"target_filename has to be the name of a file, not {target_filename!r}")
        number = None
        if iteration is not None:
            number = whole_number(iteration, "an iteration") + self._of.get_initial_iteration()
        chosen = NOWHERE if upload_uri is False else ""
        if upload_uri is not False:
            chosen = (
                destination_of(upload_uri) if upload_uri else record.upload_uri or _default_destination[0]
            )
        return {
            "framework": record.framework,
            "function": "OutputModel.update_weights",
            "model": self._id,
            "iteration": number,
            "output_uri": chosen,
            "target": target_filename or "",
        }

    def _record(self, path: str, root: str, names: tuple[str, ...], fields: dict[str, Any]) -> str:
        self._saved_at = path if "://" in path else os.path.abspath(path)
        run = self._of._run
        if run is not None and not run.is_over:
            if not fields["output_uri"] and run.session.output_uri:
                fields = {**fields, "output_uri": run.session.output_uri}
            return run.save(path, root, names, **fields)
        from autolog.keeping import record_by_hand

        if not fields["output_uri"]:
            fields = {**fields, "output_uri": self._of._destination}
        return record_by_hand(
            self._records.store,
            self._records.kept,
            self._records.settings,
            self._of.id,
            (path, root, names),
            fields,
        )

    def _after(self, event_id: str, files: Sequence[str], *, wait: bool) -> str:
        """The address of a version that has just been recorded, once files are deleted that are to go."""
        from autolog.store import made_by_event

        from .addresses import address_of

        if not wait and not files:
            return self._saved_at if "://" in self._saved_at else f"file://{self._saved_at}"
        self._records.settle(3600.0 * 24)
        made = made_by_event(self._records.store, event_id)
        if made is None:
            raise DestinationError(
                "the weights are not recorded yet: the store is away; they wait in the spool"
            )
        record = self._records.model(made.model_id)
        snapshot = next(each for each in record.snapshots if each.version == made.version)
        if wait and snapshot.keeping in ("waiting", "failed"):
            raise DestinationError(f"the weights are not kept: {snapshot.keeping_reason or 'they wait'}")
        if files and snapshot.keeping == "kept":
            for path in files:
                os.unlink(path)
        elif files:
            from autolog import _guard

            _guard.complain(f"{files[0]} is not deleted: its bytes are kept nowhere else")
        return address_of(self._records, record, snapshot) or ""

    def _note(self, address: str) -> None:
        """Say in its comment where a version came from, as ClearML does."""
        line = f"snapshot {mask(address)} stored"

        def change(record: Any) -> dict[str, Any]:
            lines = [each for each in record.comment.split("\n") if each and each != line]
            return {"comment": "\n".join([line, *lines][:50])}

        self._edit(change)


def _literal(name: str) -> str:
    """A name as a glob that only it matches."""
    import glob

    return glob.escape(name)
