"""The records of tasks, models and snapshots (SQLAlchemy Core: SQLite by default).

Only frozen records leave this package.
"""

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
    VersionRecord,
)
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
    "VersionRecord",
    "Writer",
    "published",
    "used_as_input",
    "versions",
]
