"""The records of tasks, models and snapshots (SQLAlchemy Core: SQLite by default).

Only frozen records leave this package.
"""

from .artifacts import (
    ArtifactRecord,
    NewArtifact,
    artifacts_of,
    delete_artifacts,
    find_artifact,
    has_artifact_at,
    record_artifact,
)
from .browsing import Browsing, Facet, News, Page, Row, ValueSet
from .bulk import Changed, edit_many, publish_many
from .copying import copy_store
from .database import Store
from .editing import alias, check_name, edit, metrics_of, publish, report, unalias
from .exchange import Taken, give, take
from .external import External, add_contents, record_external
from .figures import FigureRecord, NewFigure, drawn_figures, figures_of, report_figure
from .filtering import FACETS, RANGES, TABLE_FIELDS, Filters, Order
from .finding import (
    Made,
    last_iteration,
    latest_metrics,
    made_by_event,
    metrics_at,
    models_at,
    models_like,
    project_names,
    search_tasks,
    users_of,
)
from .kept import ChunksMissing, Kept, NewFile, NewPack
from .known import Look, key_by_hand
from .lately import Lately, lately
from .lineage import Lineage, LineageModel, LineageTask, lineage_of
from .measuring import measured
from .queries import bare_name
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
from .removing import published_among, remove, uses_by_others
from .scalars import Mark, Point, Series, Summary, marks_of, series_of, summaries_of, thinned
from .selecting import Selection, check_query
from .task_editing import NewModel, connect_input, create_model, disconnect_inputs, edit_task, forget_task
from .task_models import models_by_id
from .task_table import TASK_FACETS, TASK_FIELDS, TaskFilters, TaskPage, TaskTable
from .uses import Use, Uses, uses_of
from .versions import aliased, newest_of_tagged, published, used_as_input, versions
from .writing import Writer

__all__ = [
    "FACETS",
    "RANGES",
    "TABLE_FIELDS",
    "TASK_FACETS",
    "TASK_FIELDS",
    "ArtifactRecord",
    "Browsing",
    "Changed",
    "ChunkRecord",
    "ChunksMissing",
    "ContentsRecord",
    "External",
    "Facet",
    "FaultRecord",
    "FigureRecord",
    "Filters",
    "InputRecord",
    "Kept",
    "KeptRecord",
    "Lately",
    "Lineage",
    "LineageModel",
    "LineageTask",
    "Look",
    "Made",
    "Mark",
    "ModelRecord",
    "NewArtifact",
    "NewFigure",
    "NewFile",
    "NewModel",
    "NewPack",
    "News",
    "NotKeptRecord",
    "Order",
    "OutputRecord",
    "PackRecord",
    "Page",
    "PlaceRecord",
    "Point",
    "Row",
    "Selection",
    "Series",
    "SkipRecord",
    "SnapshotRecord",
    "Store",
    "Summary",
    "Taken",
    "TaskFilters",
    "TaskPage",
    "TaskRecord",
    "TaskTable",
    "Use",
    "UseRecord",
    "Uses",
    "ValueSet",
    "VersionRecord",
    "Writer",
    "add_contents",
    "alias",
    "aliased",
    "artifacts_of",
    "bare_name",
    "check_name",
    "check_query",
    "connect_input",
    "copy_store",
    "create_model",
    "delete_artifacts",
    "disconnect_inputs",
    "drawn_figures",
    "edit",
    "edit_many",
    "edit_task",
    "figures_of",
    "find_artifact",
    "forget_task",
    "give",
    "has_artifact_at",
    "key_by_hand",
    "last_iteration",
    "lately",
    "latest_metrics",
    "lineage_of",
    "made_by_event",
    "marks_of",
    "measured",
    "metrics_at",
    "metrics_of",
    "models_at",
    "models_by_id",
    "models_like",
    "newest_of_tagged",
    "project_names",
    "publish",
    "publish_many",
    "published",
    "published_among",
    "record_artifact",
    "record_external",
    "remove",
    "report",
    "report_figure",
    "search_tasks",
    "series_of",
    "summaries_of",
    "take",
    "thinned",
    "unalias",
    "used_as_input",
    "users_of",
    "uses_by_others",
    "uses_of",
    "versions",
]
