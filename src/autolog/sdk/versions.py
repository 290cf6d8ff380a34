"""The versions of a model: named by aliases, downloaded, loaded."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolog.errors import AutologError, BadValue, NotFound, WeightsUnavailable

if TYPE_CHECKING:
    from autolog.store import ModelRecord

    from ._records import Records
    from .snapshot import Snapshot

__all__ = ["Versions"]


class Versions:
    """What a model can do with its versions."""

    _id: str
    _records: Records

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
        raise NotFound(
            f"{self._head.name} has no version {version!r}; it has {', '.join(there) or 'none yet'}"
        )

    def best(self, by: str) -> Snapshot:
        """The best version by a metric (`val_loss`, which is `min:val_loss`, or `max:accuracy`).

        Of equally good ones it is the latest. Raises BadValue for what is no metric, and NotFound if no
        version has it.
        """
        from autolog.config import measure_of

        try:
            direction, name = measure_of(by)
        except ValueError as error:
            raise BadValue(str(error)) from error
        from .snapshot import Snapshot, metrics_of_versions

        record = self._whole
        sign = 1 if direction == "min" else -1
        found = metrics_of_versions(self._records, self._id, record.snapshots)
        ranked = [
            (sign * value, -each.version, each)
            for metrics, each in zip(found, record.snapshots, strict=True)
            if (value := metrics.get(name)) is not None
        ]
        if not ranked:
            known = sorted({name for metrics in found for name in metrics})
            raise NotFound(f"no version has the metric {name!r}; there are {', '.join(known) or 'none'}")
        return Snapshot(self._records, record, min(ranked, key=lambda each: each[:2])[2])

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
            return unpacked(self._records, path) if extract_archive else path
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

    # -- inside -------------------------------------------------------------------------------------------

    @property
    def _head(self) -> ModelRecord:
        return self._records.head(self._id)

    @property
    def _whole(self) -> ModelRecord:
        return self._records.model(self._id)

    def _newest_of(self, record: ModelRecord) -> Any:
        return record.snapshots[-1] if record.snapshots else None

    def _newest(self) -> Snapshot:
        from .snapshot import Snapshot

        record = self._whole
        found = self._newest_of(record)
        if found is None:
            raise WeightsUnavailable(f"{record.name} has no version yet")
        return Snapshot(self._records, record, found)
