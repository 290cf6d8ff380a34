"""The records of tasks, models and snapshots (SQLAlchemy Core: SQLite by default).

Only frozen records leave this package.
"""

from .copying import copy_store
from .database import Store
from .known import Look
from .records import (
    ContentsRecord,
    FaultRecord,
    InputRecord,
    ModelRecord,
    OutputRecord,
    SkipRecord,
    SnapshotRecord,
    TaskRecord,
)
from .writing import Writer

__all__ = [
    "ContentsRecord",
    "FaultRecord",
    "InputRecord",
    "Look",
    "ModelRecord",
    "OutputRecord",
    "SkipRecord",
    "SnapshotRecord",
    "Store",
    "TaskRecord",
    "Writer",
    "copy_store",
]
