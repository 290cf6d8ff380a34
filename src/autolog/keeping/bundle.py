"""Bundles: snapshots with their records, their lineage and their bytes in one file, for another store.

A plain tar (docs/bundle.md): `autolog-bundle.json` with the records, then `files/<blake3>` with the bytes of
each file once.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from blake3 import blake3

from autolog._version import __version__
from autolog.config import Settings
from autolog.content import Told
from autolog.errors import AutologError, BundleError, IntegrityError, TargetError
from autolog.store import ContentsRecord, Taken, add_contents, give, take, versions

from .at_hand import keep_files, look_inside
from .bundle_form import FORMAT, check
from .here import Here
from .layout import layout_of
from .restore import files_of, restore
from .scratch import room

if TYPE_CHECKING:
    from autolog.store import Kept, SnapshotRecord, Store, VersionRecord

__all__ = ["Exported", "Imported", "export", "import_bundle", "is_bundle"]

_HEAD = "autolog-bundle.json"
#: Records of a bundle above this many bytes are not read.
_LARGEST_HEAD = 1 << 30
_BLOCK = 1 << 20


class Exported(NamedTuple):
    """What was written: counts, the bundle's size in bytes, and whose bytes are not in it, and why."""

    tasks: int
    models: int
    snapshots: int
    files: int
    size: int
    missing: tuple[tuple[VersionRecord, str], ...] = ()


class Imported(NamedTuple):
    """What was new, how many versions' bytes are kept now, how many wait to be, and why."""

    taken: Taken
    kept: int = 0
    waiting: int = 0
    reason: str = ""


# -- writing --------------------------------------------------------------------------------------


def export(
    store: Store,
    kept: Kept,
    here: Here,
    named: Collection[int],
    target: str,
    *,
    with_inputs: bool = False,
    told: Told = lambda size: None,
) -> Exported:
    """Write a bundle of the snapshots with these ids to the path `target`, where nothing may be yet.

    It has the records of all that they come from, and the bytes of what was named, or (`with_inputs`) of all
    versions in it; what can't be had is left out and said. Raises TargetError and StoreError.
    """
    tables = give(store, named)
    by_event = {row["event_id"]: row for row in tables["snapshots"]}
    records = {each.snapshot_id: each for each in versions(store)}
    wanted: list[SnapshotRecord] = []
    for model_id in dict.fromkeys(row["model_id"] for row in tables["snapshots"]):
        numbers = {row["version"] for row in by_event.values() if row["model_id"] == model_id}
        found = (each for each in store.model(model_id).snapshots if each.version in numbers)
        wanted += [each for each in found if with_inputs or each.id in named]
    missing: list[tuple[VersionRecord, str]] = []
    folder = os.path.dirname(os.path.abspath(target))
    if os.path.lexists(target):
        raise TargetError(f"{target} exists already; name another file")
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".autolog-export-", dir=folder) as beside:
            bodies: dict[str, str] = {}
            for each in wanted:
                try:
                    bodies.update(_fetch(each, kept, here, os.path.join(beside, str(each.id)), told))
                except AutologError as error:
                    missing.append((records[each.id], str(error)))
            path = os.path.join(beside, "bundle")
            _write(path, tables, bodies)
            size = os.path.getsize(path)
            if os.path.lexists(target):
                raise TargetError(f"{target} exists already; name another file")
            os.rename(path, target)
    except OSError as error:
        raise TargetError(f"{target} can't be written ({error.strerror or error})") from error
    return Exported(
        len(tables["tasks"]),
        len(tables["models"]),
        len(tables["snapshots"]),
        len(bodies),
        size,
        tuple(missing),
    )


def _fetch(snapshot: SnapshotRecord, kept: Kept, here: Here, target: str, told: Told) -> dict[str, str]:
    """The files of a snapshot, by digest."""
    restore(snapshot, kept, here, target, told=told)
    files = files_of(snapshot)
    layout = layout_of(snapshot.uri, [name for name, _, _ in files])
    return {digest: layout.at(target, name) for name, _, digest in files}


def _write(path: str, tables: dict[str, list[dict[str, Any]]], bodies: dict[str, str]) -> None:
    files = [{"digest": digest, "size": os.path.getsize(where)} for digest, where in sorted(bodies.items())]
    head = {"format": FORMAT, "autolog": __version__, **tables, "files": files}
    data = json.dumps(head, indent=1).encode("ascii")
    with tarfile.open(path, "x:", format=tarfile.PAX_FORMAT) as tar:
        import io

        tar.addfile(_member(_HEAD, len(data)), io.BytesIO(data))
        for each in files:
            with open(bodies[str(each["digest"])], "rb") as source:
                tar.addfile(_member(_name_of(str(each["digest"])), int(str(each["size"]))), source)
    with open(path, "rb") as written:
        os.fsync(written.fileno())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o644, int(time.time())
    return member


def _name_of(digest: str) -> str:
    return f"files/{digest.partition(':')[2]}"


# -- reading --------------------------------------------------------------------------------------


def is_bundle(path: str) -> bool:
    """Whether a file begins as bundles do."""
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError:
        return False
    return head[:100].rstrip(b"\0") == _HEAD.encode() and head[257:262] == b"ustar"


def import_bundle(
    path: str, store: Store, kept: Kept, settings: Settings, *, told: Told = lambda size: None
) -> Imported:
    """Take what is in a bundle into a store: ids stay, and what is there already is left as it is.

    Bytes are kept at `output_uri`, or in the content store if that isn't set. A damaged bundle is refused
    before anything of it is taken: raises BundleError, IntegrityError, DestinationError and StoreError.
    """
    with _opened(path) as (tar, tables, members):
        for digest, member in members.items():
            _check_bytes(tar, member, digest, told)
        # What is inside of the files that came along is seen, not believed.
        taken = take(store, {**tables, "contents": _only_others(tables, members)}, os.path.exists)
        done = waiting = 0
        reason = ""
        for row in tables["snapshots"]:
            files = _files_of(row)
            if not files or not all(digest in members for _, digest in files):
                continue
            record = _record_of(store, row)
            if record.keeping == "kept":
                continue
            with room(settings.home) as folder:
                there = [
                    (name, _extract(tar, members[digest], os.path.join(folder, str(number))), digest)
                    for number, (name, digest) in enumerate(files)
                ]
                names = [(name or os.path.basename(row["uri"] or ""), where) for name, where, _ in there]
                inside = look_inside(names)
                if inside is not None:
                    add_contents(store, row["digest"], ContentsRecord.of(inside))
                maker = store.model(row["model_id"]).task_id
                event = (row["event_id"], row["uri"] or "", maker)
                problem = keep_files(kept, settings, event, there, record.created)
            done, waiting = (done, waiting + 1) if problem else (done + 1, waiting)
            reason = reason or problem
    return Imported(taken, done, waiting, reason)


def _record_of(store: Store, row: dict[str, Any]) -> SnapshotRecord:
    found = store.model(row["model_id"]).snapshots
    return next(each for each in found if each.version == row["version"])


def _files_of(row: dict[str, Any]) -> list[tuple[str, str]]:
    if row["files"]:
        return [(each["path"], each["digest"]) for each in row["files"]]
    return [("", row["digest"])] if row["digest"] else []


def _only_others(tables: dict[str, list[dict[str, Any]]], members: Collection[str]) -> list[dict[str, Any]]:
    seen = {row["digest"] for row in tables["snapshots"] if all(d in members for _, d in _files_of(row))}
    return [row for row in tables["contents"] if row["digest"] not in seen]


@contextmanager
def _opened(
    path: str,
) -> Iterator[tuple[tarfile.TarFile, dict[str, list[dict[str, Any]]], dict[str, tarfile.TarInfo]]]:
    """An open bundle, its tables, and the members with the bytes of each digest."""
    try:
        tar = tarfile.open(path, "r:")  # noqa: SIM115 - closed below
    except (tarfile.TarError, OSError, ValueError) as error:
        raise BundleError(f"{path} can't be read as a bundle ({error})") from error
    with tar:
        try:
            tables = check(_head(tar, path))
            members = _members(tar, tables["files"])
        except (tarfile.TarError, OSError, EOFError) as error:
            raise IntegrityError(f"the bundle {path} is damaged or cut off ({error})") from error
        yield tar, tables, members


def _head(tar: tarfile.TarFile, path: str) -> Any:
    first = tar.next()
    if first is None or first.name != _HEAD or not first.isreg() or first.size > _LARGEST_HEAD:
        raise BundleError(f"{path} is no bundle of autolog")
    data = _body(tar, first).read()
    if len(data) != first.size:
        raise IntegrityError(f"the bundle {path} is cut off")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"the bundle {path} is damaged: its records can't be read") from error


def _members(tar: tarfile.TarFile, files: Sequence[dict[str, Any]]) -> dict[str, tarfile.TarInfo]:
    wanted = {_name_of(each["digest"]): each for each in files}
    found: dict[str, tarfile.TarInfo] = {}
    while (member := tar.next()) is not None:
        each = wanted.get(member.name)
        if each is None or each["digest"] in found or not member.isreg() or member.issparse():
            raise BundleError(f"the bundle is damaged, or was made to do harm: {member.name!r} is in it")
        if member.size != each["size"]:
            raise IntegrityError(f"the bundle is damaged: {member.name} has {member.size} bytes")
        found[each["digest"]] = member
    if missing := len(wanted) - len(found):
        raise IntegrityError(f"the bundle is cut off: {missing} files of {len(wanted)} are missing")
    return found


def _body(tar: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    body = tar.extractfile(member)
    assert body is not None  # a regular file has one
    return body  # type: ignore[return-value]  # it reads as one


def _check_bytes(tar: tarfile.TarFile, member: tarfile.TarInfo, digest: str, told: Told) -> None:
    hasher = blake3()
    try:
        with _body(tar, member) as body:
            while data := body.read(_BLOCK):
                hasher.update(data)
                told(len(data))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise IntegrityError(f"the bundle is cut off in {member.name}") from error
    if f"blake3:{hasher.hexdigest()}" != digest:
        raise IntegrityError(f"the bundle is damaged: {member.name} has other bytes than its name says")


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: str) -> str:
    with _body(tar, member) as body, open(target, "wb", buffering=0) as output:
        while data := body.read(_BLOCK):
            output.write(data)
    return target
