"""What happens in a run, as frozen plain data: the lines of the spool.

A process of the run writes one journal of such lines; the agent answers in a journal of its own.
Everything here must survive JSON unchanged, because a line may be read by another process, later.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

__all__ = [
    "Bound",
    "Digested",
    "Event",
    "Failed",
    "FileFacts",
    "Finished",
    "Loaded",
    "Moved",
    "Opened",
    "Recorded",
    "Saved",
    "Skipped",
    "Started",
    "from_line",
    "to_line",
]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What `fstat` said of a file, and a checksum of a few fixed places in it.

    `mtime_ns` alone can't tell two writes within one tick of the filesystem's clock apart (several
    milliseconds before Linux 6.13); `sample` (see `capture.pin`) tells them apart nearly always.
    Times are nanoseconds since the epoch, sizes bytes.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The run began. `versions` maps a distribution to its version; `git` may be empty."""

    kind: ClassVar[str] = "started"
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
    git: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    store: str = ""
    interactive: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A process of the run opened its journal. Roles: `main`, `rank` (of a job) or `child`."""

    kind: ClassVar[str] = "opened"
    time: float
    pid: int
    role: str
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A weights file was saved.

    `place` is `file` (a path), `memory` (a buffer) or `remote` (a URL). `facts` are None without a
    file, `digest` is set where the process computed it itself (buffers). `design` is the network
    description if this is the first save of that model. `group` names the model that all files of
    one checkpoint callback are versions of; `iteration` counts as the script does.
    """

    kind: ClassVar[str] = "saved"
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


@dataclass(frozen=True, slots=True)
class Loaded:
    """A weights file was read. `skip` is the rule by which the loaded object is no model, if any."""

    kind: ClassVar[str] = "loaded"
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


@dataclass(frozen=True, slots=True)
class Skipped:
    """A save was seen and not captured; `rule` says why."""

    kind: ClassVar[str] = "skipped"
    id: str
    path: str
    rule: str
    function: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A fault of ours, recorded where the user can find it."""

    kind: ClassVar[str] = "failed"
    id: str
    time: float
    where: str
    error: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """Which hooks applied in this process so far: target -> `applied`, or why not."""

    kind: ClassVar[str] = "bound"
    id: str
    targets: dict[str, str]
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Finished:
    """A process of the run ended as `status` says (`completed`, `failed`, `stopped`)."""

    kind: ClassVar[str] = "finished"
    id: str
    time: float
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Digested:
    """The agent has read a file: `digest` is `blake3:<hex>`, or None and `lost` says why."""

    kind: ClassVar[str] = "digested"
    id: str
    digest: str | None
    path: str | None = None
    lost: str | None = None
    links: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The file of an earlier event now has another path."""

    kind: ClassVar[str] = "moved"
    id: str
    path: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """The event with this id is in the store."""

    kind: ClassVar[str] = "recorded"
    id: str


Event = Started | Opened | Saved | Loaded | Skipped | Failed | Bound | Finished | Digested | Moved | Recorded
_KINDS: dict[str, type[Any]] = {
    cls.kind: cls
    for cls in (
        Started, Opened, Saved, Loaded, Skipped, Failed, Bound, Finished, Digested, Moved, Recorded
    )
}  # fmt: skip


def to_line(event: Event) -> bytes:
    """One line of JSON with a newline. Undecodable bytes of a path survive as lone surrogates."""
    return json.dumps({"kind": event.kind, **asdict(event)}, ensure_ascii=True).encode("ascii") + b"\n"


def from_line(line: bytes) -> Event | None:
    """The event of one line; None for a torn line or a kind that this version doesn't know."""
    try:
        data = json.loads(line)
        cls = _KINDS[data.pop("kind")]
        known = {f.name for f in fields(cls)}
        if data.get("facts"):
            data["facts"] = FileFacts(**data["facts"])
        for name in ("argv", "tags"):
            if name in data:
                data[name] = tuple(data[name])
        event: Event = cls(**{key: value for key, value in data.items() if key in known})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return event
