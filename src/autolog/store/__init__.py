"""The records of tasks, models and snapshots (SQLAlchemy Core: SQLite by default).

Only frozen records leave this package.
"""

from .copying import copy_store
from .database import Store
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
from .versions import published, used_as_input, versions
from .writing import Writer

__all__ = [
    "ChunkRecord",
    "ChunksMissing",
    "ContentsRecord",
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
    "SkipRecord",
    "SnapshotRecord",
    "Store",
    "TaskRecord",
    "UseRecord",
    "VersionRecord",
    "Writer",
    "copy_store",
    "published",
    "remove",
    "used_as_input",
    "uses_by_others",
    "versions",
]
