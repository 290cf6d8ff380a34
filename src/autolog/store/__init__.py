"""The records of tasks, models and snapshots (SQLAlchemy Core: SQLite by default).

Only frozen records leave this package.
"""

from .copying import copy_store
from .database import Store
from .editing import alias, edit, metrics_of, publish, report, unalias
from .exchange import Taken, give, take
from .external import External, add_contents, record_external
from .kept import ChunksMissing, Kept, NewFile, NewPack
from .known import Look
from .records import (
    ChunkRecord,
    ContentsRecord,
    FaultRecord,
    InputRecord,
    KeptRecord,
    ModelRecord,
    NotKeptRecord,
    OutputRecord,
    PackRecord,
    PlaceRecord,
    SkipRecord,
    SnapshotRecord,
    TaskRecord,
    UseRecord,
    VersionRecord,
)
from .removing import remove, uses_by_others
from .selecting import Selection
from .versions import aliased, newest_of_tagged, published, used_as_input, versions
from .writing import Writer

__all__ = [
    "ChunkRecord",
    "ChunksMissing",
    "ContentsRecord",
    "External",
    "FaultRecord",
    "InputRecord",
    "Kept",
    "KeptRecord",
    "Look",
    "ModelRecord",
    "NewFile",
    "NewPack",
    "NotKeptRecord",
    "OutputRecord",
    "PackRecord",
    "PlaceRecord",
    "Selection",
    "SkipRecord",
    "SnapshotRecord",
    "Store",
    "Taken",
    "TaskRecord",
    "UseRecord",
    "VersionRecord",
    "Writer",
    "add_contents",
    "alias",
    "aliased",
    "copy_store",
    "edit",
    "give",
    "metrics_of",
    "newest_of_tagged",
    "publish",
    "published",
    "record_external",
    "remove",
    "report",
    "take",
    "unalias",
    "used_as_input",
    "uses_by_others",
    "versions",
]
