"""One version of a model's weights."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from autolog.errors import WeightsUnavailable

if TYPE_CHECKING:
    from autolog.store import FigureRecord, ModelRecord, SnapshotRecord

    from ._records import Records

__all__ = ["Snapshot", "metrics_of_versions"]


class Snapshot:
    """One immutable version of a model's weights, as it was recorded when it was asked for."""

    def __init__(self, records: Records, model: ModelRecord, record: SnapshotRecord) -> None:
        self._records = records
        self._model = model
        self._record = record

    @property
    def version(self) -> int:
        """Its number, counted from 1."""
        return self._record.version

    @property
    def name(self) -> str:
        """The model's name with the version: `resnet:v3`."""
        return f"{self._model.name}:v{self._record.version}"

    @property
    def path(self) -> str | None:
        """Where the script saved it, the path of a file or a folder.

        None where it has none (a URL, a buffer).
        """
        uri = self._record.uri
        return None if not uri or "://" in uri else uri

    @property
    def uri(self) -> str | None:
        """The path or URL that it was recorded with."""
        return self._record.uri

    @property
    def digest(self) -> str | None:
        """`blake3:<hex>` of its bytes; None while it isn't known, and if it was lost."""
        return self._record.digest

    @property
    def weights_digest(self) -> str | None:
        """The digest of its tensors, whatever file they are in; None if it wasn't worked out."""
        return self._record.weights_digest

    @property
    def size(self) -> int | None:
        """Bytes."""
        return self._record.size

    @property
    def iteration(self) -> int | None:
        """The step or epoch that it was saved at, as the script counts."""
        return self._record.iteration

    @property
    def state(self) -> str:
        """`at_path`, `kept`, `overwritten`, `gone`, `in_memory`, `lost` or `pending`."""
        return self._record.standing

    @property
    def reason(self) -> str:
        """Why it is lost, or its bytes aren't kept, if so."""
        return self._record.reason or self._record.keeping_reason

    @property
    def is_kept(self) -> bool:
        """Whether its bytes are kept where the task's destination is."""
        return self._record.keeping == "kept"

    @property
    def created(self) -> datetime:
        """When it was saved (UTC)."""
        return datetime.fromtimestamp(self._record.created, timezone.utc)

    @property
    def metrics(self) -> Mapping[str, Any]:
        """What the framework knew of it when it was saved, and what was reported at its iteration."""
        return metrics_of_versions(self._records, self._record.model_id, [self._record])[0]

    @property
    def figures(self) -> tuple[FigureRecord, ...]:
        """The figures that were reported at its iteration."""
        from autolog.store import figures_of

        if self.iteration is None:
            return ()
        found = figures_of(self._records.store, self._record.model_id, iteration=self.iteration)
        return tuple(found)

    @property
    def files(self) -> tuple[str, ...]:
        """The names of its files, if it has several."""
        return tuple(each.name for each in self._record.parts)

    @property
    def tensors(self) -> tuple[tuple[str, tuple[int, ...], str], ...]:
        """`(name, shape, type)` of its tensors, where they could be seen without running anything."""
        found = None if self._record.digest is None else self._records.store.contents(self._record.digest)
        return () if found is None else found.tensors

    @property
    def format(self) -> str | None:
        """What kind of file it is; None if nobody could tell."""
        return None if self._record.contents is None else self._record.contents.format

    def download(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
        """Write its bytes to a path, every one of them verified; the absolute path.

        A folder that is there gets a file of the own name. Raises TargetError where something is in the way,
        if not to `overwrite` it, IntegrityError, WeightsUnavailable and DestinationError.
        """
        from autolog.keeping import restore

        self._settle()
        target = os.fspath(path)
        own = os.path.basename((self._record.uri or "").partition("?")[0].rstrip("/"))
        if os.path.isdir(target) and not self._record.parts and own:
            target = os.path.join(target, own)
        return restore(
            self._record, self._records.kept, self._records.settings, target, replace=overwrite
        ).path

    def get_local_copy(self, *, force_download: bool = False) -> str:
        """The path of its file or folder on this machine: its own if it still is what was saved, else a copy.

        Copies are kept in the cache (see the setting `cache`); don't write to them. Raises IntegrityError,
        WeightsUnavailable and DestinationError.
        """
        from autolog.keeping import local_copy

        self._settle()
        found = self._records
        return local_copy(self._record, found.kept, found.settings, found.cache, force=force_download)

    def load(self, *, trusted: bool = False, **options: Any) -> Any:
        """What the framework's own loader makes of it; no code in the file is run unless it is `trusted`.

        `options` go to that loader. Raises Untrusted, FrameworkMissing, and what `get_local_copy` does.
        """
        from .loading import load

        if self._record.state == "lost":
            raise WeightsUnavailable(f"{self.name} is lost: {self._record.reason}")
        return load(
            self.get_local_copy(),
            format=self.format or "",
            framework=self._model.framework,
            model_type=self._model.model_type,
            trusted=trusted,
            **options,
        )

    def _settle(self) -> None:
        """Wait until its bytes are where they are kept, and see them there."""
        if self._record.keeping == "waiting":
            self._records.settle()
            found = self._records.store.model(self._record.model_id).snapshots
            self._record = next((each for each in found if each.id == self._record.id), self._record)

    def __repr__(self) -> str:
        size = "" if self.size is None else f" {self.size:,} bytes"
        step = "" if self.iteration is None else f" at {self.iteration}"
        return f"<Snapshot {self.name}{step}{size} {self.state}>"


def metrics_of_versions(
    records: Records, model_id: str, versions: Sequence[SnapshotRecord]
) -> list[dict[str, float | None]]:
    """`Snapshot.metrics` of each of these versions of a model, read at once."""
    from autolog.store import metrics_at

    iterations = {each.iteration for each in versions if each.iteration is not None}
    reported = metrics_at(records.store, model_id, iterations)
    return [
        {**({} if each.iteration is None else reported.get(each.iteration, {})), **each.metrics}
        for each in versions
    ]
