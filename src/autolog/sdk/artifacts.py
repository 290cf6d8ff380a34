"""What a task keeps beside its models: files, folders, dictionaries, arrays, data frames, images, texts."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolog.errors import AutologError, BadName, BadValue, DestinationError, IntegrityError
from autolog.events import NOWHERE

if TYPE_CHECKING:
    from autolog.content import Place
    from autolog.keeping import Destination
    from autolog.store import ArtifactRecord

    from ._objects import Made
    from ._records import Records

__all__ = ["Artifact", "Artifacts", "delete", "upload"]

_LONGEST_NAME, _LONGEST_PREVIEW, _LARGEST_METADATA = 250, 100_000, 1_000_000


def upload(
    records: Records,
    task_id: str,
    name: str,
    artifact_object: Any,
    metadata: Mapping[str, Any] | None = None,
    delete_after_upload: bool = False,
    auto_pickle: bool = False,
    preview: Any = None,
    wait_on_upload: bool = False,
    extension_name: str | None = None,
    serialization_function: Callable[[Any], bytes | bytearray] | None = None,
    retries: int = 0,
    destination: str = "",
) -> Artifact:
    """Keep an object as an artifact of a task; one of the same name is replaced.

    A file is kept as it is, a folder or a glob as a zip, a dictionary or list as JSON, a text (of several
    lines, or that can be no path) as text, a numpy array as `.npy`, a data frame as `.csv.gz` (or
    `extension_name=".parquet"`), an image of PIL as `.png`. Of anything else `serialization_function` makes
    bytes; it is pickled only if `auto_pickle` says so. All of it is there when this returns, so
    `wait_on_upload` has nothing to wait for. `retries` is how often more a destination is tried, `preview`
    is shown instead of the beginning, `delete_after_upload` deletes the file that was named. `destination` is
    the task's, as events have it, if that isn't the one of the settings.

    Raises BadName, BadValue, NotFound (also for a path where nothing is), DestinationError and StoreError.
    """
    from autolog.keeping.scratch import room
    from autolog.store import artifacts_of

    from ._objects import Form, write
    from .checks import whole_number

    _see_name(name)
    described = _metadata(metadata)
    tries = whole_number(retries, "retries") + 1
    if tries < 1:
        raise BadValue(f"retries has to be 0 or more, not {retries}")
    artifacts_of(records.store, task_id)  # if there is no such task, nothing is put anywhere
    form = Form(extension_name, auto_pickle, serialization_function)
    with room(records.home) as folder:
        try:
            made = write(artifact_object, folder, _safe(name), form)
        except OSError as error:
            if error.filename is None or str(error.filename).startswith(folder):
                raise  # there is no room for it
            raise BadValue(f"{error.filename} can't be read ({error.strerror or error})") from error
        if delete_after_upload and made.named and made.kind != "file":
            raise BadValue(
                f"delete_after_upload takes away one file, and {made.named} is many; delete them yourself"
            )
        if preview is not None:
            made = made._replace(preview=str(preview)[:_LONGEST_PREVIEW])
        to = _destination(records, destination)
        record = _keep(records, to, (task_id, name), made, described, tries)
    artifact = Artifact(records, record)
    if delete_after_upload and made.named and not _is_same_file(made.named, artifact.url):
        try:
            os.unlink(made.named)
        except OSError as error:
            raise BadValue(
                f"{name!r} is kept, but {made.named} can't be deleted ({error.strerror})"
            ) from error
    return artifact


def _is_same_file(path: str, kept: str) -> bool:
    """Whether what was named is the very file that we keep."""
    try:
        return os.path.samefile(path, kept)
    except OSError:
        return False  # it is kept elsewhere


def _keep(
    records: Records, to: Destination, of: tuple[str, str], made: Made, metadata: dict[str, Any], tries: int
) -> ArtifactRecord:
    """Put it there; `of` is its task's id and its name."""
    from autolog.content import open_place
    from autolog.store import NewArtifact, record_artifact

    task_id, name = of
    facts = _facts(made.path)
    digest = _digest(made.path)
    # Other bytes are never at the same path: what is kept stays whole while it is replaced, and ranks of one
    # job that use the same name don't write over each other's.
    short = digest.partition(":")[2][:12]
    path = f"artifacts/{_safe(task_id)}/{_safe(name)}/{short}/{_safe(os.path.basename(made.path))}"
    place = open_place(to.url, to.reach)
    is_ours = made.path != made.named
    # A file of the caller's may change while it is read: what is there already is never written over by it.
    is_new = is_ours or place.size(path) != facts[0]
    if is_new:
        _publish(place, path, made.path, is_ours=is_ours, tries=tries)
    if _facts(made.path) != facts:
        if is_new:
            place.remove(path)
        raise BadValue(f"{made.path} has changed while it was read; upload it again once it is complete")
    place_id = records.kept.place(*to.recorded).id
    new = NewArtifact(name, made.kind, place_id, path, digest, facts[0], metadata, made.preview)
    after, before = record_artifact(records.store, task_id, new)
    if before is not None and (before.place, before.path) != (after.place, after.path):
        try:
            _take_away(records, before)
        except AutologError:
            pass  # it is out of reach by now; the new one is kept, which is what was asked for
    return after


def _publish(place: Place, path: str, source: str, *, is_ours: bool, tries: int) -> None:
    for left in reversed(range(tries)):
        try:
            place.publish(path, source, is_ours=is_ours)
            return
        except DestinationError:
            if not left:
                raise


def _destination(records: Records, output_uri: str) -> Destination:
    from autolog.keeping import destination_of
    from autolog.keeping.here import reach_of

    settings = records.settings
    # An artifact has to be somewhere, also where weights are left at their own paths.
    uri = "true" if output_uri == NOWHERE else output_uri or settings.output_uri or "true"
    reach = reach_of(settings)
    found = destination_of(uri, settings.content_store, settings.home, settings.store, reach)
    assert found is not None  # it was named
    return found


def _facts(path: str) -> tuple[int, int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise BadValue(f"{path} can't be read ({error.strerror or error})") from error
    return status.st_size, status.st_mtime_ns, status.st_ino


def _digest(path: str) -> str:
    from autolog.keeping import digest_at

    try:
        return digest_at(path)
    except OSError as error:
        raise BadValue(f"{path} can't be read ({error.strerror or error})") from error


def _see_name(name: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise BadName(f"an artifact's name has to be text that isn't empty, not {name!r}")
    if len(name) > _LONGEST_NAME:
        raise BadName(f"an artifact's name may have {_LONGEST_NAME} characters; this one has {len(name):,}")
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in name):
        raise BadName(f"an artifact's name may have no control characters: {name!r}")


def _metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise BadValue(f"metadata has to be a dictionary, and not {metadata!r}")
    try:
        text = json.dumps(dict(metadata))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadValue(f"metadata has to be what JSON has words for: {error}") from error
    if len(text) > _LARGEST_METADATA:
        raise BadValue(
            f"metadata is of {len(text):,} bytes, and may have {_LARGEST_METADATA:,}; upload it instead"
        )
    return dict(json.loads(text))


def _safe(name: str) -> str:
    """A name as one part of a path that any file system and any object store takes."""
    cleaned = re.sub(r"[^\w.,=+@ ()\[\]-]", "_", name).strip(" ").rstrip(".") or "_"
    if len(cleaned.encode()) > 120:
        stem, suffix = os.path.splitext(cleaned)
        cleaned = stem.encode()[:80].decode("utf-8", "ignore") + suffix.encode()[-30:].decode(
            "utf-8", "ignore"
        )
    return cleaned


def delete(records: Records, task_id: str, names: str | Iterable[str]) -> bool:
    """Take artifacts of a task away, with the bytes that we keep; whether all of them were there.

    Raises NotFound if there is no such task, and DestinationError or WeightsUnavailable if bytes can't be
    taken away: then those artifacts stay.
    """
    from autolog.store import artifacts_of, delete_artifacts

    wanted = {names} if isinstance(names, str) else set(names)
    found = [each for each in artifacts_of(records.store, task_id) if each.name in wanted]
    for record in found:
        _take_away(records, record)
        delete_artifacts(records.store, task_id, [record.name])
    return len(found) == len(wanted)


def _take_away(records: Records, record: ArtifactRecord) -> None:
    """Take an artifact's file away, unless another artifact is the very same file."""
    from autolog.keeping import open_recorded
    from autolog.store import has_artifact_at

    if not has_artifact_at(records.store, record.place.id, record.path, besides=record.id):
        place = open_recorded(record.place, records.settings)
        place.remove(record.path)
        place.tidy(record.path)


class Artifact:
    """Something that a task keeps beside its models, as it was when it was asked for."""

    def __init__(self, records: Records, record: ArtifactRecord) -> None:
        self._records = records
        self._record = record

    @property
    def name(self) -> str:
        """Its name, one of its task's."""
        return self._record.name

    @property
    def type(self) -> str:
        """What it was made of: `file`, `folder`, `json`, `array`, `table`, `image`, `text` or `pickle`."""
        return self._record.kind

    @property
    def size(self) -> int:
        """The size of its file in bytes."""
        return self._record.size

    @property
    def hash(self) -> str:
        """The digest of its file, `blake3:<hex>`."""
        return self._record.digest

    @property
    def metadata(self) -> dict[str, Any]:
        """What was said of it."""
        return dict(self._record.metadata)

    @property
    def preview(self) -> str:
        """Its beginning as text, or what was given instead."""
        return self._record.preview

    @property
    def url(self) -> str:
        """Where its file is kept: a path or a URL, credentials masked."""
        from autolog.keeping import place_name

        return f"{place_name(self._record.place, self._records.home)}/{self._record.path}"

    @property
    def timestamp(self) -> datetime:
        """When it was uploaded (UTC)."""
        return datetime.fromtimestamp(self._record.created, timezone.utc)

    def get(
        self,
        force_download: bool = False,
        deserialization_function: Callable[[bytes], Any] | None = None,
        *,
        trusted: bool = False,
    ) -> Any:
        """The object again; of a file or folder the `pathlib.Path` of a local copy.

        JSON makes lists of tuples and text of keys; a data frame comes back with its columns and index, and
        the types that CSV can tell. What was pickled is read only if it is `trusted`: that runs code.
        `deserialization_function` makes the object of the file's bytes. Raises Untrusted, IntegrityError,
        DestinationError, WeightsUnavailable.
        """
        from autolog.keeping.scratch import room

        from ._objects import read

        kind = self._record.kind
        if deserialization_function is None:
            if kind in ("file", "folder"):
                return Path(self.get_local_copy(force_download=force_download) or "")
            if kind == "pickle" and not trusted:
                return read(kind, "")  # which says why not, before anything is fetched
        with room(self._records.home) as folder:
            path = os.path.join(folder, os.path.basename(self._record.path))
            self._fetch(path)
            if deserialization_function is None:
                return read(kind, path, trusted=trusted)
            data = Path(path).read_bytes()
        return deserialization_function(data)

    def get_local_copy(
        self, extract_archive: bool = True, raise_on_error: bool = True, force_download: bool = False
    ) -> str | None:
        """The path of its file in the cache on this machine, verified; of a folder, of what was in it.

        It is not to be written to. `extract_archive=False` gives the zip of a folder. Without
        `raise_on_error` what goes wrong gives None. Raises IntegrityError, DestinationError,
        WeightsUnavailable, CacheFull, TargetError.
        """
        from autolog.keeping import archive_copy, file_copy

        record, cache = self._record, self._records.cache
        try:
            name = os.path.basename(record.path)
            path = file_copy(cache, record.digest, name, record.size, self._fetch, force=force_download)
            if record.kind == "folder" and extract_archive:
                return archive_copy(cache, record.digest, path, force=force_download)
            return path
        except AutologError:
            if raise_on_error:
                raise
            return None

    def _fetch(self, target: str) -> None:
        """Write its file to a path. Raises IntegrityError and what keeps it from being reached."""
        from autolog.keeping import open_recorded

        open_recorded(self._record.place, self._records.settings).fetch(self._record.path, target)
        if _digest(target) != self._record.digest:
            raise IntegrityError(f"the artifact {self.name!r} does not match the digest that was recorded")

    def __repr__(self) -> str:
        return f"<Artifact {self.name!r} {self.type} {self.size:,} bytes>"


class Artifacts(Mapping[str, Artifact]):
    """The artifacts of a task by name, in the order in which they were first uploaded."""

    def __init__(self, records: Records, task_id: str) -> None:
        from autolog.store import artifacts_of

        self._found = {each.name: Artifact(records, each) for each in artifacts_of(records.store, task_id)}

    def __getitem__(self, name: str) -> Artifact:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"<Artifacts {', '.join(self._found) or 'none'}>"
