"""Bringing a snapshot's bytes back, verified."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from autolog.content import Data, Place, Told, reserve
from autolog.errors import AutologError, DestinationError, IntegrityError, TargetError, WeightsUnavailable

from .destination import open_recorded, place_name
from .here import Here, seen_at
from .layout import Layout, is_safe_name, layout_of
from .reading import Reading

if TYPE_CHECKING:
    from autolog.store import Kept, KeptRecord, SnapshotRecord

__all__ = [
    "Restored",
    "copy_verified",
    "digest_at",
    "files_of",
    "has_source",
    "kept_for",
    "restore",
    "why_not",
]

_BLOCK = 1 << 20


class Restored(NamedTuple):
    """What was written: the path of the file, the folder or the prefix, how many files and bytes.

    `source` says where the bytes came from: `kept`, `kept elsewhere` (for another snapshot that has the same
    ones) or `own path`; `place` names it. `left` are files in the folder that are none of the snapshot's.
    """

    path: str
    files: int
    size: int
    source: str
    place: str
    left: tuple[str, ...] = ()


class _ChangedError(Exception):
    """The file at a snapshot's own path is another one by now."""


class _Source(NamedTuple):
    kind: str
    place: str
    files: Sequence[tuple[str, Callable[[str], None]]]


def restore(
    snapshot: SnapshotRecord,
    kept: Kept,
    here: Here,
    target: str,
    *,
    replace: bool = False,
    told: Told = lambda size: None,
) -> Restored:
    """Write a snapshot's file, or its folder of files, to the path `target`; every byte is verified.

    Of files that have a prefix in common `target` is the prefix. Where the bytes were not kept, they are
    taken from another snapshot that has the same ones, or from the file at its own path if it still is what
    was saved, there or where `path_substitution` of the settings has it: `snapshot.parts` must be there.
    Nothing is written unless all of it is right: it is written beside and then renamed. What is at `target`
    already is left alone without `replace`; with it, files of the same names are replaced. `told` is called
    with the number of bytes after each step.

    Raises IntegrityError naming the snapshot, WeightsUnavailable, DestinationError, and TargetError if
    `target` can't be written.
    """
    target = os.path.abspath(target)
    name = f"{snapshot.model_id}:v{snapshot.version}"
    problem: AutologError | None = None
    for source in _sources(snapshot, kept, here, told):
        names = [each for each, _ in source.files]
        if not all(map(is_safe_name, names)):
            raise IntegrityError(f"{name} can't be restored: a file in it has a name that leads elsewhere")
        layout = layout_of(snapshot.uri, names)
        targets = {each: layout.at(target, each) for each in names}
        _refuse(layout, target, targets, replace=replace)
        try:
            left = _write(source, layout, target, targets, replace=replace)
            size = sum(os.path.getsize(each) for each in targets.values())
            return Restored(target, len(names), size, source.kind, source.place, left)
        except _ChangedError:
            continue  # it may still be the same where its folder is mounted
        except (IntegrityError, DestinationError, WeightsUnavailable) as error:
            problem = problem or error  # it may be kept at another place, too
        except OSError as error:
            raise TargetError(
                f"{target} can't be written ({error.strerror or error}); name another place"
            ) from error
    if problem is None:
        raise WeightsUnavailable(why_not(snapshot))
    raise type(problem)(f"{name} can't be restored: {problem}") from problem


def has_source(snapshot: SnapshotRecord, kept: Kept, here: Here) -> bool:
    """Whether there is anywhere that its bytes may be had from; whether they are right is seen on reading."""
    return next(_sources(snapshot, kept, here, lambda size: None), None) is not None


def files_of(snapshot: SnapshotRecord) -> list[tuple[str, int | None, str]]:
    """`(name, size in bytes, digest)` of each file of a snapshot; empty if its digest isn't known."""
    if snapshot.parts:
        return [(each.name, each.size, each.digest) for each in snapshot.parts]
    return [("", snapshot.size, snapshot.digest)] if snapshot.digest else []


def kept_for(snapshot: SnapshotRecord, kept: Kept) -> list[tuple[str, KeptRecord]]:
    """The kept files with a snapshot's bytes, by their names in it: its own, else the same ones of others.

    Of its own those in one place. Empty if not all are kept.
    """
    if own := kept.files(snapshot.id):
        return [(each.name, each) for each in own if each.place.id == own[0].place.id]
    wanted = files_of(snapshot)
    alike = {each.digest: each for each in reversed(kept.files_like(digest for _, _, digest in wanted))}
    return [(name, alike[d]) for name, _, d in wanted] if all(d in alike for _, _, d in wanted) else []


def _sources(snapshot: SnapshotRecord, kept: Kept, here: Here, told: Told) -> Iterator[_Source]:
    """Where its bytes may be, best first."""
    own = kept.files(snapshot.id)
    for place_id in dict.fromkeys(each.place.id for each in own):
        there = [(each.name, each) for each in own if each.place.id == place_id]
        yield _from_place("kept", there, kept, here, told)
    wanted = files_of(snapshot)
    if own or not wanted:
        return
    if alike := kept_for(snapshot, kept):
        yield _from_place("kept elsewhere", alike, kept, here, told)
    for uri in seen_at(snapshot.uri, here):
        layout = layout_of(uri, [name for name, _, _ in wanted])
        paths = [(name, layout.at_own_path(name), size, digest) for name, size, digest in wanted]
        if all(path and os.path.isfile(path) and os.path.getsize(path) == size for _, path, size, _ in paths):
            files = [(name, _copier(path, digest, told)) for name, path, _, digest in paths]
            yield _Source("own path", uri, files)


def _from_place(
    kind: str, files: Sequence[tuple[str, KeptRecord]], kept: Kept, here: Here, told: Told
) -> _Source:
    def fetcher(file: KeptRecord) -> Callable[[str], None]:
        return lambda path: copy_verified(file, kept, open_recorded(file.place, here), path, told)

    return _Source(kind, place_name(files[0][1].place, here), [(name, fetcher(file)) for name, file in files])


def _copier(path: str, digest: str, told: Told) -> Callable[[str], None]:
    def copy(target: str) -> None:
        shutil.copyfile(path, target)
        if digest_at(target, told) != digest:
            raise _ChangedError

    return copy


def _refuse(layout: Layout, target: str, targets: Mapping[str, str], *, replace: bool) -> None:
    """Raise TargetError if what is there already is in the way."""
    is_folder = not layout.is_single and not layout.is_prefix
    if is_folder and os.path.lexists(target) and not os.path.isdir(target):
        raise TargetError(f"{target} is a file, and the snapshot a folder of several; name another place")
    for path in targets.values():
        if os.path.isdir(path):
            raise TargetError(f"{path} is a folder, and no file can take its place; name another one")
    there = [target] if is_folder and os.path.isdir(target) and os.listdir(target) else []
    there += [path for path in targets.values() if os.path.lexists(path)]
    if there and not replace:
        raise TargetError(f"{there[0]} exists already; name another place, or replace it with --force")


def _write(
    source: _Source, layout: Layout, target: str, targets: Mapping[str, str], *, replace: bool
) -> tuple[str, ...]:
    """Write all files beside the target, then put them there; what else is in the folder."""
    is_folder = not layout.is_single and not layout.is_prefix
    beside = f"{target}.{os.getpid()}-{os.urandom(4).hex()}.part"
    written: list[tuple[str, str]] = []
    try:
        os.makedirs(beside)
        for number, (name, fetch) in enumerate(source.files):
            path = os.path.join(beside, name if is_folder else str(number))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            fetch(path)
            written.append((path, targets[name]))
        _refuse(layout, target, targets, replace=replace)  # it may have come meanwhile
        if is_folder and not (os.path.isdir(target) and os.listdir(target)):
            os.rename(beside, target)
            return ()
        for path, goal in written:
            os.makedirs(os.path.dirname(goal), exist_ok=True)
            os.rename(path, goal)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return _others(target, targets.values()) if is_folder else ()


def _others(folder: str, ours: Collection[str]) -> tuple[str, ...]:
    found = (os.path.join(here, name) for here, _, names in os.walk(folder) for name in names)
    return tuple(sorted(set(found) - set(ours)))


def copy_verified(
    file: KeptRecord, kept: Kept, place: Place, path: str, told: Told = lambda size: None
) -> None:
    """Write one kept file to a path. Raises IntegrityError, DestinationError, OSError."""
    if file.path is not None:
        place.fetch(file.path, path)
        if digest_at(path, told) != file.digest:
            raise IntegrityError(f"{file.path} does not match the digest that was recorded")
        return
    assert file.recipe_id is not None  # a kept file has either
    reading = Reading(kept, file.place.id, place)
    size = 0
    with open(path, "wb", buffering=0) as output:
        reserve(output.fileno(), 0, file.size)
        # The kernel lets one write at a time into a file, and has the others spin.
        one = threading.Lock()

        def write(data: Data, at: int) -> None:
            view = memoryview(data)
            with one:
                while view:  # a disk that is getting full takes less than it is given
                    done = os.pwrite(output.fileno(), view, at)
                    view, at = view[done:], at + done

        # Closed before the file is: no thread may write into what gets its number next.
        with contextlib.closing(reading.copy(kept.recipe(file.recipe_id), write)) as copied:
            for count in copied:
                size += count
                told(count)
    if size != file.size:
        raise IntegrityError(f"its recipe gives {size} bytes instead of {file.size}")


def digest_at(path: str, told: Told = lambda size: None) -> str:
    """The digest of a file, `blake3:<hex>`. Raises OSError."""
    hasher = blake3()
    with open(path, "rb", buffering=0) as source:
        while data := source.read(_BLOCK):
            hasher.update(data)
            told(len(data))
    return f"blake3:{hasher.hexdigest()}"


def why_not(snapshot: SnapshotRecord) -> str:
    """Why a snapshot's bytes are not to be had, and what to do."""
    name = f"{snapshot.model_id[:12]}:v{snapshot.version}"
    where = ""
    if snapshot.uri and "://" in snapshot.uri:
        where = f"; they came from {snapshot.uri}"
    elif snapshot.uri:
        where = f", and the file at {snapshot.uri} is gone or another one by now"
    if snapshot.state == "lost":
        return f"the bytes of {name} are lost: {snapshot.reason}"
    if snapshot.keeping == "waiting":
        why = snapshot.keeping_reason or "they are on their way"
        return f"the bytes of {name} wait to be kept ({why}); bring them there with `autolog sync`"
    if snapshot.keeping in ("failed", "dropped"):
        return f"the bytes of {name} are not kept ({snapshot.keeping_reason}){where}"
    return f"the bytes of {name} were not kept{where}. Run with output_uri=True to keep every version"
