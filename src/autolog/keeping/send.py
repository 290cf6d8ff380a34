"""From where the bytes of a snapshot were put aside to where they are kept."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from autolog.content import PackWriter, Place, Staged, StagedFile, new_name, open_place, to_recipe
from autolog.errors import IntegrityError
from autolog.store import ChunksMissing, NewFile, NewPack

from .destination import Destination
from .layout import layout_of
from .restore import digest_at

if TYPE_CHECKING:
    from autolog.store import Kept, KeptRecord

__all__ = ["send"]

#: A recipe's chunks may vanish between being looked up and being recorded: by somebody who gives them up.
_TRIES = 3
#: What lies beside a snapshot's files that are put aside: where a try has begun to bring them.
_NOTE = "where.json"


def send(staged: Staged, destination: Destination, kept: Kept) -> bool:
    """Take a snapshot's bytes where they are kept, and record that; False if the snapshot is gone.

    Can be done again after it was interrupted anywhere. Raises DestinationError, StoreError, OSError (the
    room for temporary files), and IntegrityError if what was put aside is incomplete.
    """
    event_id = str(staged.facts["event"])
    if not kept.became([event_id]):
        return False  # whoever removed it needn't wait for a place that may never be reached
    place = open_place(destination.url, destination.reach)
    # Not before: `gc` and the like would ask for ever after for a place that can't even be opened.
    place_record = kept.place(*destination.recorded)
    keeping, earlier = kept.recorded(event_id, place_record.id)
    if keeping != "dropped" and _is_there(staged, place, earlier):
        # Whoever brought it there was interrupted before the end.
        if keeping != "kept":
            kept.note(event_id, "kept")
        return True
    if not destination.is_packed:
        done = _send_files(staged, place, kept, place_record.id, destination.reach.workers)
        _take_away(place, earlier, kept.recorded(event_id, place_record.id)[1])
        return done
    for attempt in range(_TRIES):
        try:
            return _send_chunks(staged, place, kept, place_record.id)
        except ChunksMissing as missing:
            if attempt == _TRIES - 1 or not missing.digests <= staged.offsets.keys():
                raise IntegrityError(
                    f"chunks that an earlier snapshot shared with {event_id} were given up meanwhile"
                ) from missing
    return False


def _is_there(staged: Staged, place: Place, recorded: Sequence[KeptRecord]) -> bool:
    """Whether what was put aside is recorded already, and its plain files are where the records say."""
    files = {file.name: file.digest for file in staged.files}
    return files == {each.name: each.digest for each in recorded} and all(
        each.path is None or place.size(each.path) == each.size for each in recorded
    )


def _take_away(place: Place, before: Sequence[KeptRecord], now: Sequence[KeptRecord]) -> None:
    """Take away plain files of a snapshot that were recorded before and are not now: they are nobody's."""
    for path in {each.path for each in before} - {each.path for each in now} - {None}:
        assert path is not None
        place.remove(path)
        place.tidy(path)


def _send_chunks(staged: Staged, place: Place, kept: Kept, place_id: int) -> bool:
    there = kept.chunks(place_id, (d for file in staged.files for d, _, _ in file.chunks))
    new = {d: itemsize for file in staged.files for d, _, itemsize in file.chunks if d not in there}
    if missing := new.keys() - staged.offsets.keys():
        raise ChunksMissing(missing)
    files = [
        NewFile(
            file.name,
            file.digest,
            file.size,
            to_recipe((digest, size) for digest, size, _ in file.chunks),
            [digest for digest, _, _ in file.chunks],
        )
        for file in staged.files
    ]
    pack = _publish(staged, new, place, kept) if new else None
    return kept.record(str(staged.facts["event"]), place_id, files, pack, 0 if pack is None else pack.size)


def _publish(staged: Staged, new: dict[bytes, int], place: Place, kept: Kept) -> NewPack:
    """Write the new chunks into a pack, next to where they were put aside, and publish it."""
    sizes = {d: size for file in staged.files for d, size, _ in file.chunks}
    # Never a name that was used before: the file of an attempt that was interrupted may be published by now.
    path = os.path.join(staged.folder, f"{os.urandom(8).hex()}.pack")
    try:
        # One piece of memory for all chunks: new memory for each would cost more than reading does.
        room = memoryview(bytearray(max(sizes[digest] for digest in new)))
        with staged.open() as source, open(path, "xb", buffering=0) as output:
            writer = PackWriter(output)
            for digest in sorted(new, key=staged.offsets.__getitem__):
                data = room[: sizes[digest]]
                source.seek(staged.offsets[digest])
                if source.readinto(data) != len(data):
                    raise IntegrityError(f"what was put aside in {staged.folder} is cut off")
                writer.add(digest, data, new[digest])
            pack = writer.finish(new_name(kept.owner))
        place.publish(pack.name, path, is_ours=True)
    finally:
        with suppress(OSError):
            os.unlink(path)
    return NewPack(pack.name, pack.size, pack.digest, pack.chunks)


def _send_files(staged: Staged, place: Place, kept: Kept, place_id: int, workers: int) -> bool:
    event_id = str(staged.facts["event"])
    where = kept.layout(event_id)
    if where is None:
        return False
    project, task, model, version, snapshot_id = where
    folder = "/".join((_safe(project), _safe(task), "models", _safe(model), f"v{version}"))
    names = _file_names(staged)
    noted = _noted(staged, place)
    for chosen in _folders(folder, f"{snapshot_id}-{kept.owner[:8]}", noted):
        paths = {file.name: f"{chosen}/{names[file.name]}" for file in staged.files}
        if all(
            _is_free(kept, (place, place_id), paths[file.name], file, is_noted=chosen == noted)
            for file in staged.files
        ):
            break
    _take_note(staged, place, chosen)
    _publish_files(staged, place, paths, workers)
    files = [NewFile(file.name, file.digest, file.size, path=paths[file.name]) for file in staged.files]
    return kept.record(event_id, place_id, files, None, sum(file.size for file in staged.files))


def _publish_files(staged: Staged, place: Place, paths: dict[str, str], workers: int) -> None:
    """Put all files of a snapshot where they are kept, a few side by side: the snapshot is recorded later."""
    from concurrent.futures import ThreadPoolExecutor

    def publish(file: StagedFile) -> None:
        place.publish(paths[file.name], staged.path(file), is_ours=True)

    threads = ThreadPoolExecutor(min(workers, len(staged.files)), "autolog-send")
    try:
        deque(threads.map(publish, staged.files), maxlen=0)  # taking the results raises what went wrong
    finally:
        threads.shutdown(cancel_futures=True)


def _folders(first: str, own: str, noted: str) -> Iterator[str]:
    """Where a snapshot's files may be put, the best first; `own` tells it from those of all stores."""
    if noted:
        yield noted
    yield first
    yield f"{first}.{own}"
    for number in count(2):
        yield f"{first}.{own}-{number}"


def _noted(staged: Staged, place: Place) -> str:
    """The folder that an interrupted try took for these files at a place; empty if there was none."""
    try:
        with open(os.path.join(staged.folder, _NOTE), encoding="utf-8") as file:
            note = json.load(file)
        return str(note["folder"]) if note["place"] == place.name else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _take_note(staged: Staged, place: Place, folder: str) -> None:
    """Note that a folder is taken for these files, before any of them is there."""
    # Where there is no room for it, an interrupted try leaves files behind, and those that wait still go out.
    with suppress(OSError), open(os.path.join(staged.folder, _NOTE), "w", encoding="utf-8") as file:
        json.dump({"place": place.name, "folder": folder}, file)


def _is_free(kept: Kept, where: tuple[Place, int], path: str, file: StagedFile, *, is_noted: bool) -> bool:
    """Whether a file can be put there: nothing is, or the very same from a try that was interrupted.

    The same that no try has noted may be that of another store.
    """
    place, place_id = where
    if kept.has_path(place_id, path, file.digest):
        return False  # also if it isn't there any more: somebody may be at taking it away
    size = place.size(path)
    if size is None:
        return True
    if not is_noted or size != file.size:
        return False
    with tempfile.TemporaryDirectory(prefix="autolog-") as folder:
        copy = os.path.join(folder, "file")
        place.fetch(path, copy)
        return digest_at(copy) == file.digest


def _file_names(staged: Staged) -> dict[str, str]:
    """What the files of a snapshot are called where they are kept: no two of them alike."""
    names = [file.name for file in staged.files]
    layout = layout_of(str(staged.facts.get("path") or ""), names)
    target = str(staged.facts.get("target") or "")
    if target and layout.is_single:
        return {name: _safe(target) for name in names}
    found: dict[str, str] = {}
    for name in names:
        whole = layout.own_name + name if layout.is_single or layout.is_prefix else name
        parts = [_safe(part) for part in whole.split("/") if part not in ("", ".", "..")] or ["weights"]
        chosen, number = "/".join(parts), 1
        while chosen in found.values():
            number += 1
            chosen = "/".join((*parts[:-1], f"{parts[-1]}~{number}"))
        found[name] = chosen
    return found


def _safe(name: str) -> str:
    """A name as one part of a path that any file system and any object store takes."""
    cleaned = re.sub(r"[^\w.,=+@ ()\[\]-]", "_", name).strip(" ").rstrip(".")
    if len(cleaned) > 120:
        stem, suffix = os.path.splitext(cleaned)
        cleaned = stem[: 120 - len(suffix[:20])] + suffix[:20]
    return cleaned or "_"
