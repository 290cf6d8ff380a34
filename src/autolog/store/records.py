"""What leaves the store: frozen records, no live objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "FILE_IS_NO_MORE",
    "ChangesRecord",
    "ChunkRecord",
    "ContentsRecord",
    "FaultRecord",
    "InputRecord",
    "KeptRecord",
    "ModelRecord",
    "NotKeptRecord",
    "OutputRecord",
    "PackRecord",
    "PartRecord",
    "PlaceRecord",
    "SkipRecord",
    "SnapshotRecord",
    "TaskRecord",
    "UseRecord",
    "VersionRecord",
]


#: States in which the file that was saved can't be had any more.
FILE_IS_NO_MORE = ("overwritten", "gone", "in_memory")


@dataclass(frozen=True, slots=True)
class ContentsRecord:
    """What is inside a snapshot; tensors are `(name, shape, dtype)`, only there when asked for."""

    format: str
    parameters: int | None
    tensors: tuple[tuple[str, tuple[int, ...], str], ...]
    details: Mapping[str, Any]
    dangerous: tuple[str, ...]

    @classmethod
    def of(cls, found: Any) -> ContentsRecord:
        """What is kept of `autolog.formats.Contents`."""
        return cls(
            format=found.format,
            parameters=found.parameters,
            tensors=tuple((each.name, each.shape, each.dtype) for each in found.tensors),
            details=found.details,
            dangerous=found.dangerous,
        )


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One file of a snapshot that has several; `weights` if it is one of those that identify it."""

    name: str
    size: int
    digest: str
    weights: bool


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """Where bytes are kept: a folder (of a `host`) or a URL; empty for the content store in the home."""

    id: int
    url: str
    host: str


@dataclass(frozen=True, slots=True)
class PackRecord:
    """A file that holds chunks: its name below its place, its size in bytes, the blake3 of its bytes."""

    id: int
    place_id: int
    name: str
    size: int
    digest: bytes
    created: float


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    """Where a chunk lies; see `autolog.content.packs.Chunk` for what its members mean."""

    digest: bytes
    pack_id: int
    offset: int
    length: int
    size: int
    itemsize: int
    check: bytes
    base: bytes


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """One kept file of a snapshot, by a recipe or plain at a path below its place; `name` as in its parts."""

    snapshot_id: int
    name: str
    digest: str
    size: int
    place: PlaceRecord
    recipe_id: int | None
    path: str | None


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """One immutable version of a model's weights. `digest` is None while unknown, and when lost.

    `parts` are its files where it has several; they are filled when one model is asked for. `keeping` says
    what became of its bytes: `""` (nobody asked), `waiting`, `kept`, `failed` or `dropped`, and
    `keeping_reason` why; `stored` is how many bytes keeping it added.

    States: `pending`, `at_path`, `kept`, `in_memory`, `overwritten`, `gone`, `lost`.
    """

    id: int
    model_id: str
    version: int
    digest: str | None
    size: int | None
    uri: str | None
    state: str
    reason: str
    iteration: int | None
    function: str
    rank: int | None
    metrics: Mapping[str, Any]
    created: float
    contents: ContentsRecord | None = None
    parts: tuple[PartRecord, ...] = ()
    keeping: str = ""
    keeping_reason: str = ""
    stored: int | None = None
    weights_digest: str | None = None

    @property
    def standing(self) -> str:
        """Its state as it is shown: `kept` where the file itself is no more, but its bytes are kept."""
        return "kept" if self.state in FILE_IS_NO_MORE and self.keeping == "kept" else self.state


@dataclass(frozen=True, slots=True)
class NotKeptRecord:
    """How many snapshots of a task are not kept though they were to be; `keeping` and why as in snapshots."""

    keeping: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version and the model that it is of (`name`, `project`); size in bytes, times in seconds.

    `is_newest` if the model has no newer one, `is_running` if the task that makes it runs.
    """

    snapshot_id: int
    model_id: str
    name: str
    project: str
    version: int
    created: float
    size: int | None
    digest: str | None
    uri: str | None
    state: str
    keeping: str
    is_newest: bool
    is_running: bool


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model, with the snapshots that were asked for (all of them, or only the latest)."""

    id: str
    project: str
    name: str
    key: str
    task_id: str | None
    task_name: str | None
    framework: str
    model_type: str
    status: str
    archived: bool
    tags: tuple[str, ...]
    labels: Mapping[str, int]
    metadata: Mapping[str, Any]
    design: str | None
    comment: str
    origin: str | None
    created: float
    updated: float
    versions: int
    snapshots: tuple[SnapshotRecord, ...] = ()
    #: The versions that people gave names to.
    aliases: Mapping[str, int] = field(default_factory=dict)
    system_tags: tuple[str, ...] = ()
    role: str = ""
    upload_uri: str = ""
    #: What people have set, which a save leaves as it is.
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InputRecord:
    """A model in its role for a task that loaded it, through one exact snapshot where it is known.

    `own` means that the task loaded back what it had saved; `also_made_by` lists further snapshots
    with the same bytes, as `model_id:vN`.
    """

    task_id: str
    model_id: str
    model_name: str
    name: str
    framework: str
    version: int | None
    digest: str | None
    path: str | None
    origin: str | None
    own: bool
    also_made_by: tuple[str, ...]
    count: int
    first_loaded: float


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A model in its role for the task that made it."""

    model_id: str
    name: str
    framework: str
    versions: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class UseRecord:
    """A task that loaded a model made by somebody else; `version` is None where it isn't known any more."""

    task_id: str
    task_name: str
    model_id: str
    name: str
    version: int | None


@dataclass(frozen=True, slots=True)
class SkipRecord:
    """Saves that were seen and not captured, and the rule that says why."""

    path: str
    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """One of our own faults during a run."""

    time: float
    where: str
    error: str
    traceback: str


@dataclass(frozen=True, slots=True)
class ChangesRecord:
    """What a task's repository had beyond its commit at the time `read`: the difference as git tells it, and
    the names of binary and of untracked files.

    `cut_lines` and `cut_bytes` are left out of it at least, `names_left` names; `altered` lines have a secret
    masked, or weren't UTF-8. `problem` says why there is nothing.
    """

    diff: str = ""
    binary: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    names_left: int = 0
    cut_lines: int = 0
    cut_bytes: int = 0
    altered: int = 0
    read: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One run of a script. The tuples at the end are filled when one task is asked for, not in lists."""

    id: str
    project: str
    name: str
    status: str
    reason: str
    started: float
    finished: float | None
    heartbeat: float | None
    user: str
    host: str
    script: str
    argv: tuple[str, ...]
    cwd: str
    tags: tuple[str, ...]
    git: Mapping[str, Any]
    versions: Mapping[str, str]
    job: Mapping[str, Any]
    hooks: Mapping[str, str]
    inputs: tuple[InputRecord, ...] = field(default=())
    outputs: tuple[OutputRecord, ...] = field(default=())
    skipped: tuple[SkipRecord, ...] = field(default=())
    faults: tuple[FaultRecord, ...] = field(default=())
    not_kept: tuple[NotKeptRecord, ...] = field(default=())
    input_count: int = 0
    output_count: int = 0
    kind: str = "training"
    comment: str = ""
    archived: bool = False
    parent: str | None = None
    configurations: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    design: str | None = None
    output_uri: str = ""
    initial_iteration: int = 0
