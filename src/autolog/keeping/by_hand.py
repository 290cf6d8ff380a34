"""Recording weights for a task that isn't this process's: what the agent does, at once and in one go."""

from __future__ import annotations

import os
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from autolog.config import Settings, mask
from autolog.errors import NotFound, UnreadableWeights
from autolog.events import NOWHERE, Part, Saved
from autolog.files import digest_of_files, facts_from
from autolog.store import ContentsRecord, Look, Writer, key_by_hand

from .at_hand import keep_files, look_inside
from .external import framework_of
from .restore import digest_at

if TYPE_CHECKING:
    from autolog.formats import Contents
    from autolog.store import Kept, Store

__all__ = ["Weights", "record_by_hand"]

#: `(path or URL, root, names)`: of several files those below `root` that a glob in `names` matches.
Weights = tuple[str, str, tuple[str, ...]]


def record_by_hand(
    store: Store, kept: Kept, settings: Settings, task_id: str, weights: Weights, fields: dict[str, Any]
) -> str:
    """Record a version of `fields["model"]`, a task's; the id of the event.

    `fields` are those of `Saved`. Its bytes are kept if `fields["output_uri"]` or the settings say where.
    Raises
    NotFound, UnreadableWeights, StoreError and DestinationError.
    """
    path, root, names = weights
    event_id = f"hand-{os.urandom(12).hex()}"
    if "://" in path:
        event = Saved(event_id, time.time(), place="remote", path=mask(path), **fields)
        look = Look(path=event.path, key=key_by_hand(event.model), stem=_stem(path))
        Writer(store).saved(task_id, event, look)
        return event_id
    path = os.path.abspath(path)
    files = _files(path, root, names)
    event, look = _seen(event_id, (path, root, names), files, fields)
    Writer(store).saved(task_id, event, look)
    uri = "" if event.output_uri == NOWHERE else event.output_uri or settings.output_uri
    if uri:
        digests = {part.name: digest for part, digest in look.parts} or {"": str(look.digest)}
        staged = [(name, at, digests[name]) for name, at in files]
        chosen = settings._replace(output_uri=uri)
        keep_files(kept, chosen, (event_id, path, task_id), staged, event.time)
    return event_id


def _seen(
    event_id: str, weights: Weights, files: list[tuple[str, str]], fields: dict[str, Any]
) -> tuple[Saved, Look]:
    """The event, and what is found of its files. Raises UnreadableWeights."""
    path, root, names = weights
    found: list[tuple[Part, str]] = []
    try:
        for name, at in files:
            facts = facts_from(os.stat(at))
            if facts is None:
                raise UnreadableWeights(f"{at} is no regular file")
            found.append((Part(name, facts), digest_at(at)))
    except OSError as error:
        raise UnreadableWeights(f"{path} can't be read ({error.strerror or error})") from error
    contents = look_inside([(name or os.path.basename(path), at) for name, at in files])
    if not fields["framework"] and contents is not None:
        fields = {**fields, "framework": framework_of(contents.format)}
    sizes = [(part.name, part.facts.size, digest) for part, digest in found]
    event = Saved(
        event_id,
        time.time(),
        place="file",
        path=path,
        facts=None if names else found[0][0].facts,
        size=sum(size for _, size, _ in sizes),
        parts=tuple(part for part, _ in found) if names else (),
        base=os.path.join(root, "") if names else "",
        **fields,
    )
    return event, _look(
        event, digest_of_files(sizes) if names else found[0][1], found if names else [], contents
    )


def _look(event: Saved, digest: str, parts: list[tuple[Part, str]], contents: Contents | None) -> Look:
    return Look(
        digest=digest,
        path=event.path,
        key=key_by_hand(event.model),
        stem=_stem(event.path or ""),
        contents=None if contents is None else ContentsRecord.of(contents),
        parts=parts,
        design=None if contents is None else contents.design,
        labels={} if contents is None else contents.labels,
    )


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path.partition("?")[0].rstrip("/")))[0]


def _files(path: str, root: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """`(name, where it is)`: one without a name, or those of several. Raises NotFound."""
    if not names:
        return [("", path)]
    found = [
        (os.path.relpath(os.path.join(here, each), root), os.path.join(here, each))
        for here, _, files in os.walk(root)
        for each in files
    ]
    chosen = [
        (name, at)
        for name, at in found
        if os.path.isfile(at) and any(glob == "**" or fnmatchcase(name, glob) for glob in names)
    ]
    if not chosen:
        raise NotFound(f"there are no files in {root}")
    return sorted(chosen)
