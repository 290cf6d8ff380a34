"""Puts events into the store: looks inside the file, decides the model's key, writes one transaction."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from autolog import _guard
from autolog.events import (
    Bound,
    Digested,
    Failed,
    FileFacts,
    Finished,
    Loaded,
    Part,
    Saved,
    Skipped,
    Started,
)

from .naming import name_parts, origin_of

if TYPE_CHECKING:
    from autolog.formats import Contents, Seen
    from autolog.store import ContentsRecord, Store, Writer

__all__ = ["Scribe"]


class File(NamedTuple):
    """What is at hand of an event's file: an open descriptor, and its bytes if they are few.

    Of several files, the descriptors that are at hand, by their place in the event. `seen` is what was found
    in them already.
    """

    descriptor: int | None = None
    data: bytes | None = None
    parts: Mapping[int, int] = {}
    seen: Seen | None = None

    @property
    def is_there(self) -> bool:
        """Whether the file can be looked into."""
        return self.descriptor is not None or self.data is not None

    def open(self) -> BinaryIO:
        """The file as it was read, at its beginning."""
        if self.data is not None:
            return io.BytesIO(self.data)
        return _open(self.descriptor)

    def openers(self, event: Saved | Loaded) -> list[tuple[str, Callable[[], BinaryIO]]]:
        """The names of several files, and what opens each of them as it was read."""
        return [
            (
                part.name,
                partial(_open, self.parts[index])
                if index in self.parts
                else partial(_open_unchanged, event.base + part.name, part.facts),
            )
            for index, part in enumerate(event.parts)
        ]


def _open(descriptor: int | None) -> BinaryIO:
    # A description of its own: the trainer's shares its position with ours.
    return open(f"/proc/self/fd/{descriptor}", "rb", buffering=1 << 16)


def _open_unchanged(path: str, facts: FileFacts) -> BinaryIO:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    now = os.fstat(number)
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (facts.inode, facts.size, facts.mtime_ns):
        os.close(number)
        raise OSError("it is another file by now")
    return open(number, "rb", buffering=1 << 16)


class Scribe:
    """Writes one task's events into one store; opens the store with the first of them.

    The store (and SQLAlchemy with it) is imported here and not before: by then the first file has
    been read.
    """

    def __init__(self, store_url: str, started: Started, *, git_diff: bool = False) -> None:
        self._url = store_url
        self._git_diff = git_diff
        self.started = started
        self._store: Store | None = None
        self._writer: Writer | None = None

    @property
    def task_id(self) -> str:
        """The task that is written for."""
        return self.started.task_id

    @property
    def writer(self) -> Writer:
        """The open store. Raises StoreError."""
        if self._writer is None:
            from autolog.store import Store, Writer

            with ExitStack() as stack:
                store = Store.open(self._url)
                stack.callback(store.close)  # a task that is refused is tried again with each event
                writer = Writer(store)
                writer.started(self.started, time.time())
                stack.pop_all()
            self._store, self._writer = store, writer
        return self._writer

    @property
    def store(self) -> Store:
        """The open store. Raises StoreError."""
        _ = self.writer
        assert self._store is not None  # the writer's
        return self._store

    def close(self) -> None:
        """Close the store, if it was opened."""
        if self._store is not None:
            self._store.close()

    def record(
        self,
        event: object,
        found: Digested | None = None,
        file: File | None = None,
        keeping: tuple[str, str] = ("", ""),
    ) -> None:
        """Put one event into the store.

        `found` is what reading its file gave, `keeping` what becomes of a save's bytes, and why. Raises
        StoreError.
        """
        writer = self.writer
        file = file or File()
        if isinstance(event, Saved):
            from autolog.store import Look

            path = (found.path if found is not None else None) or event.path or ""
            key, stem, iteration = self._name(event, path)
            digest = event.digest if found is None else found.digest
            # Also where these bytes are known: they may be a version of another model this time, which is to
            # have its iteration, design and labels, too.
            contents = None if digest is None else self._look_inside(event, file, path)
            if event.model and not event.framework and contents is not None:
                from autolog.keeping import framework_of

                event = event._replace(framework=framework_of(contents.format))
            if iteration is None and contents is not None:
                iteration = _iteration_inside(contents)
            look = Look(
                digest=digest,
                path=path or None,
                lost=None if found is None else found.lost,
                is_gone=found is not None and found.links == 0,
                key=key,
                stem=stem,
                iteration=iteration,
                contents=_kept(contents),
                parts=_parts(event, found),
                design=None if contents is None else contents.design,
                labels={} if contents is None else contents.labels,
                keeping=keeping[0],
                keeping_reason=keeping[1],
            )
            writer.saved(self.task_id, event, look)
        elif isinstance(event, Loaded):
            self._record_load(writer, event, found, file)
        elif isinstance(event, Skipped):
            writer.skipped(self.task_id, event)
        elif isinstance(event, Failed):
            writer.failed(self.task_id, event)
        elif isinstance(event, Bound):
            writer.bound(self.task_id, event)
        elif isinstance(event, Finished):
            writer.finished(self.task_id, event)

    def weigh(self, event: Saved, file: File, path: str) -> None:
        """Find out which weights are in a save's file, which takes reading it, and record that."""
        digests = self._weights(event, file, path)
        if digests:
            self.writer.weighed(event.id, digests)

    @staticmethod
    def _weights(event: Saved | Loaded, file: File, path: str) -> tuple[str, ...]:
        from autolog import formats

        if not event.parts and not file.is_there:
            return ()
        found: tuple[str, ...] = ()
        with _guard.guard(f"tell the weights in {os.path.basename(path)}", quiet=True):
            if event.parts:
                aside = frozenset(part.name for part in event.parts if not part.weights)
                return formats.weights_digests_of(file.openers(event), aside, file.seen)
            with file.open() as opened:
                found = formats.weights_digests(opened, os.path.basename(path), file.seen)
        if event.facts is not None and _has_changed(file, event.facts):
            return ()
        return found

    def moved(self, moves: Sequence[tuple[Saved, str | None, bool]]) -> None:
        """The files of these saves are elsewhere now; one that is gone (True) was at that path last."""
        from autolog.store import Look

        looks = []
        for event, path, is_gone in moves:
            look = Look()
            if path is not None:
                key, stem, iteration = self._name(event, path)
                look = Look(path=path, key=key, stem=stem, iteration=iteration)
            looks.append((event.id, look, is_gone))
        self.writer.moved(looks)

    def ask_git(self) -> None:
        """Ask git what the run's tree has beyond its commit; commit and branch are known already."""
        from .changes import read_changes

        git = self.started.git
        if not git.get("root"):
            return
        dirty, found = read_changes(git)
        if dirty is not None:
            self.writer.git(self.task_id, {**git, "dirty": dirty})
        if found is not None and self._git_diff:
            self.writer.changes(self.task_id, found)

    def pass_over(self, events: Sequence[Loaded]) -> None:
        """Record loads of what is no model, in files that nobody has read. Raises StoreError."""
        from autolog.store import Look

        looks = [(event, Look(None, event.path, stem=name_parts(event.path or "")[1])) for event in events]
        self.writer.passed_over(self.task_id, looks)

    def _record_load(self, writer: Writer, event: Loaded, found: Digested | None, file: File) -> None:
        from autolog.store import Look

        digest = event.digest if found is None else found.digest
        path = (found.path if found is not None else None) or event.path
        contents = None
        if digest and event.skip is None and not writer.has_contents(digest):
            contents = self._look_inside(event, file, path or "")
        weights: tuple[str, ...] = ()
        if digest and event.skip is None and not writer.is_known(digest):
            weights = self._weights(event, file, path or "")
        stem = name_parts(path or "")[1]
        source = event.origin
        if source is None:
            source, stem = origin_of(event.path or "", stem)
        lost = None if found is None else found.lost
        look = Look(
            digest,
            path,
            lost,
            stem=stem,
            contents=_kept(contents),
            parts=_parts(event, found),
            origin=source,
            design=None if contents is None else contents.design,
            labels={} if contents is None else contents.labels,
            weights=weights,
        )
        writer.loaded(self.task_id, event, look)

    @staticmethod
    def _name(event: Saved, path: str) -> tuple[str, str, int | None]:
        if event.place == "memory":
            # A buffer has no path: what was saved into memory by one function is one model.
            return f"<memory>:{event.model_type}", "in-memory", None
        if event.model:
            # Wherever its file is: somebody has said which model it is a version of.
            from autolog.store import key_by_hand

            return key_by_hand(event.model), name_parts(path)[1], None
        if not path:
            return f"<file without a name>:{event.model_type}", "temporary-file", None
        return name_parts(path, event.group)

    @staticmethod
    def _look_inside(event: Saved | Loaded, file: File, path: str) -> Contents | None:
        from autolog import formats
        from autolog.errors import UnreadableWeights

        if not event.parts and not file.is_there:
            return None
        contents: Contents | None = None
        # What was seen while the file was read is of the file that was saved, whatever became of it since.
        was_seen = file.seen is not None and file.seen.has(os.path.basename(path))
        with _guard.guard(f"look into {os.path.basename(path)}", quiet=True):
            try:
                if event.parts:
                    aside = frozenset(part.name for part in event.parts if not part.weights)
                    contents = formats.inspect_bundle(file.openers(event), aside, file.seen)
                else:
                    seen = file.seen or formats.Seen()
                    with file.open() as opened:
                        contents = seen.inspect(opened, os.path.basename(path))
            except UnreadableWeights as error:
                return formats.Contents("unreadable", details={"error": str(error)})
        if event.facts is not None and not event.parts and not was_seen and _has_changed(file, event.facts):
            return None
        return contents


def _kept(contents: Contents | None) -> ContentsRecord | None:
    """What the store keeps of it."""
    from autolog.store import ContentsRecord

    return None if contents is None else ContentsRecord.of(contents)


def _parts(event: Saved | Loaded, found: Digested | None) -> tuple[tuple[Part, str], ...]:
    """The several files of an event with their digests, if they were all read."""
    if found is None or len(found.parts) != len(event.parts):
        return ()
    return tuple(pair for pair in zip(event.parts, found.parts, strict=True) if pair[1])


def _iteration_inside(contents: Contents) -> int | None:
    """The iteration that a checkpoint says it is of (`{"epoch": 3, ...}`), the finest one it names."""
    for name in ("global_step", "step", "iteration", "iter", "epoch"):
        value = contents.details.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _has_changed(file: File, facts: FileFacts) -> bool:
    """Whether the file was rewritten while it was looked into: then what was seen is another file's."""
    if file.data is not None or file.descriptor is None:
        return False
    now = os.fstat(file.descriptor)
    return (now.st_size, now.st_mtime_ns) != (facts.size, facts.mtime_ns)
