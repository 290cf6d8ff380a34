"""Keeping files that are at hand: put aside and sent at once, as the agent does with what a script saves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from autolog import formats
from autolog.config import Settings
from autolog.content import Staging, alone, item_facts
from autolog.errors import AutologError, DestinationError, IntegrityError, StoreError

from .destination import destination_of
from .here import reach_of
from .send import send

if TYPE_CHECKING:
    from autolog.content import Staged
    from autolog.formats import Contents
    from autolog.store import Kept

__all__ = ["keep_files", "look_inside"]


def keep_files(
    kept: Kept,
    settings: Settings,
    event: tuple[str, str, str | None],
    files: Sequence[tuple[str, str, str]],
    when: float,
) -> str:
    """Keep a recorded snapshot's files: at `output_uri`, or in the content store if that isn't set.

    `event` is the snapshot's event, its path, and the task that made it; `files` are `(name, where it is now,
    digest)`. Empty if they are kept; else why they wait: what was put aside goes out with the next command
    then. Raises IntegrityError if a file has another digest, and DestinationError if there is no room.
    """
    event_id, path, task_id = event
    uri = settings.output_uri or "true"
    folder = os.path.join(settings.home, "waiting", event_id)
    run = item_facts(task_id or "", settings.store, uri, settings.content_store)
    facts = {**run, "event": event_id, "path": path, "time": when}
    destination = destination_of(
        uri, settings.content_store, settings.home, settings.store, reach_of(settings)
    )
    assert destination is not None  # uri says where
    # Commands take what waits where it is kept: not this, which we are at.
    with _held(folder):
        staged = _put_aside(folder, facts, files, is_packed=destination.is_packed)
        kept.note(event_id, "waiting")
        try:
            send(staged, destination, kept)
        except (DestinationError, StoreError, OSError) as error:
            kept.note(event_id, "waiting", str(error))
            return str(error)
        shutil.rmtree(folder, ignore_errors=True)
    return ""


@contextmanager
def _held(folder: str) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(folder, wait=True))
        except OSError as error:
            raise DestinationError(
                f"nothing can be put aside in {folder} ({error.strerror or error}); make room there, or set"
                " AUTOLOG_HOME to a folder with room"
            ) from error
        yield


def _put_aside(
    folder: str, facts: dict[str, Any], files: Sequence[tuple[str, str, str]], *, is_packed: bool
) -> Staged:
    staging = Staging(folder, {})
    try:
        for name, source, digest in files:
            if _put(staging, name, source, is_packed=is_packed) != digest:
                raise IntegrityError(f"{source} is not what was recorded: its digest is another one")
        return staging.finish(facts)
    except (AutologError, OSError):
        staging.abandon()
        raise


def _put(staging: Staging, name: str, source: str, *, is_packed: bool) -> str:
    """Put one file aside; its digest."""
    with open(source, "rb", buffering=1 << 16) as file:
        if not is_packed:
            return staging.add_whole(name, file.fileno()).digest
        spans = formats.regions(file, os.path.basename(name or source))
        return staging.add(name, file.fileno(), os.fstat(file.fileno()).st_size, spans).digest


def look_inside(files: Sequence[tuple[str, str]]) -> Contents | None:
    """What is inside the files `(name, where it is)` of one snapshot; None for a format that isn't known."""
    try:
        if len(files) == 1:
            name, source = files[0]
            with open(source, "rb", buffering=1 << 16) as file:
                return formats.inspect(file, os.path.basename(name or source))
        return formats.inspect_bundle([(name, partial(_open, source)) for name, source in files])
    except AutologError as error:
        return formats.Contents("unreadable", details={"error": str(error)})


def _open(path: str) -> BinaryIO:
    return open(path, "rb", buffering=1 << 16)
