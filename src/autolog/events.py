"""What happens in a run, as frozen plain data: the lines of the spool.

A process of the run writes one journal of such lines; the agent answers in a journal of its own.
Everything here must survive JSON unchanged, because a line may be read by another process, later.
They are named tuples and not dataclasses because every training script pays for making these classes:
a seventh of the time.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

__all__ = [
    "NOWHERE",
    "Bound",
    "Digested",
    "Event",
    "Failed",
    "FileFacts",
    "Finished",
    "Loaded",
    "Moved",
    "Opened",
    "Part",
    "Recorded",
    "Saved",
    "Skipped",
    "Started",
    "from_line",
    "to_line",
]


class FileFacts(NamedTuple):
    """What `fstat` said of a file, and a checksum of a few fixed places in it.

    `mtime_ns` alone can't tell two writes within one tick of the filesystem's clock apart (several
    milliseconds before Linux 6.13); `sample` (see `files.sample`) tells them apart nearly always.
    Times are nanoseconds since the epoch, sizes bytes.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    sample: int | None = None


class Part(NamedTuple):
    """One file of a snapshot that has several; `name` is what follows the snapshot's `base`.

    `weights` says whether it is one of those that identify the snapshot.
    """

    name: str
    facts: FileFacts
    weights: bool = True


class Started(NamedTuple):
    """The run began. `versions` maps a distribution to its version; `git` may be empty.

    `output_uri` and `content_store` say where weights are kept, as in the settings; passwords are masked.
    `task_type` is what people call this kind of task; `continues` that an earlier task goes on.
    """

    task_id: str
    time: float
    project: str
    name: str
    script: str
    argv: tuple[str, ...] = ()
    cwd: str = ""
    user: str = ""
    host: str = ""
    python: str = ""
    tags: tuple[str, ...] = ()
    git: dict[str, Any] = {}  # noqa: RUF012 - never changed
    job: dict[str, Any] = {}  # noqa: RUF012 - never changed
    store: str = ""
    interactive: bool = False
    output_uri: str = ""
    content_store: str = ""
    task_type: str = "training"
    continues: bool = False


class Opened(NamedTuple):
    """A process of the run opened its journal. Roles: `main`, `rank` (of a job) or `child`."""

    time: float
    pid: int
    role: str
    rank: int | None = None


#: The `output_uri` of a save that is not to be kept though the run's are.
NOWHERE = "none"


class Saved(NamedTuple):
    """A weights file was saved.

    `place` is `file` (a path), `memory` (a buffer) or `remote` (a URL). `facts` are None without a
    file, `digest` is set where the process computed it itself (buffers). `design` is the network
    description if this is the first save of that model. `group` names the model that all files of
    one checkpoint callback are versions of; `iteration` counts as the script does. A snapshot of several
    files has `parts`, which are at `base` followed by their names; `base` ends with a slash for a folder,
    whose own facts `facts` then are, else they are those of the part named `lead`. `metrics` are what the
    framework knew of this version, None for NaN. `model` is the id of the model that somebody says it is a
    version of; `output_uri` is where its bytes go, if not where the run's go, and `target` what they are
    called there.
    """

    id: str
    time: float
    framework: str
    function: str
    place: str
    path: str | None
    facts: FileFacts | None = None
    size: int | None = None
    digest: str | None = None
    model_type: str = ""
    design: str | None = None
    group: str | None = None
    iteration: int | None = None
    lost: str | None = None
    rank: int | None = None
    parts: tuple[Part, ...] = ()
    base: str = ""
    lead: str = ""
    labels: dict[str, int] = {}  # noqa: RUF012 - never changed
    metrics: dict[str, float | None] = {}  # noqa: RUF012 - never changed
    model: str = ""
    output_uri: str = ""
    target: str = ""


class Loaded(NamedTuple):
    """A weights file was read. `skip` is the rule by which the loaded object is no model, if any.

    `origin` is the URL that the file came from, where that is known; `parts`, `base`
    and `lead` are as in `Saved`.
    """

    id: str
    time: float
    framework: str
    function: str
    place: str
    path: str | None
    facts: FileFacts | None = None
    size: int | None = None
    digest: str | None = None
    model_type: str = ""
    skip: str | None = None
    parts: tuple[Part, ...] = ()
    base: str = ""
    lead: str = ""
    origin: str | None = None


class Skipped(NamedTuple):
    """A save was seen and not captured; `rule` says why."""

    id: str
    path: str
    rule: str
    function: str


class Failed(NamedTuple):
    """A fault of ours, recorded where the user can find it."""

    id: str
    time: float
    where: str
    error: str
    traceback: str = ""


#: How the result of a hook ends whose module this process has not imported.
NOT_IMPORTED = " is not imported"


class Bound(NamedTuple):
    """Which hooks applied in this process so far: target -> `applied`, or why not."""

    id: str
    targets: dict[str, str]
    versions: dict[str, str]


class Finished(NamedTuple):
    """A process of the run ended as `status` says (`completed`, `failed`, `stopped`)."""

    id: str
    time: float
    status: str
    reason: str = ""


class Digested(NamedTuple):
    """The agent has read a file: `digest` is `blake3:<hex>`, or None and `lost` says why.

    `parts` are the digests of a snapshot's several files, in their order in the event.
    """

    id: str
    digest: str | None
    path: str | None = None
    lost: str | None = None
    links: int | None = None
    parts: tuple[str, ...] = ()


class Moved(NamedTuple):
    """The file of an earlier event now has another path."""

    id: str
    path: str


class Recorded(NamedTuple):
    """The event with this id is in the store."""

    id: str


Event = Started | Opened | Saved | Loaded | Skipped | Failed | Bound | Finished | Digested | Moved | Recorded
_KINDS: dict[str, type[Any]] = {
    cls.__name__.lower(): cls
    for cls in (Started, Opened, Saved, Loaded, Skipped, Failed, Bound, Finished, Digested, Moved, Recorded)
}


def to_line(event: Event) -> bytes:
    """One line of JSON with a newline. Undecodable bytes of a path survive as lone surrogates."""
    data: dict[str, Any] = {"kind": type(event).__name__.lower(), **event._asdict()}
    if data.get("facts") is not None:
        data["facts"] = data["facts"]._asdict()
    if isinstance(event, (Saved, Loaded)):
        data["parts"] = [[part.name, part.facts._asdict(), part.weights] for part in event.parts]
    return json.dumps(data, ensure_ascii=True).encode("ascii") + b"\n"


def from_line(line: bytes) -> Event | None:
    """The event of one line; None for a torn line or a kind that this version doesn't know."""
    try:
        data = json.loads(line)
        cls = _KINDS[data.pop("kind")]
        if data.get("facts"):
            data["facts"] = FileFacts(**data["facts"])
        if cls in (Saved, Loaded):
            parts = data.get("parts", ())
            data["parts"] = tuple(Part(name, FileFacts(**facts), weights) for name, facts, weights in parts)
        for name in ("argv", "tags", "parts"):
            if name in data:
                data[name] = tuple(data[name])
        event: Event = cls(**{key: value for key, value in data.items() if key in cls._fields})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return event
