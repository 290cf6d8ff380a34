"""The tables, as the newest migration leaves them.

Ids are text (32 hex digits), times are seconds since the epoch (UTC), sizes bytes. JSON columns hold
what is only ever read whole. Device and inode numbers are unsigned 64-bit, which SQL has no type for,
so they are text. Text, Texts and BigInteger are our own (`types`). The tables of kept bytes are in
`schema_kept`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)

from .types import BigInteger, Id, Text, Texts

__all__ = [
    "ID",
    "WAITING",
    "aliases",
    "artifacts",
    "changes",
    "contents",
    "described",
    "done",
    "faults",
    "figures",
    "files",
    "inputs",
    "measures",
    "metadata",
    "metrics",
    "models",
    "parts",
    "skips",
    "snapshots",
    "tagged",
    "tasks",
    "weights",
]

metadata = MetaData()

ID = Id(64)
#: What waits to be kept, in the very words of its index: it is only used by what says the same.
WAITING = text("keeping = 'waiting'")

tasks = Table(
    "tasks",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Id(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("started", Float, nullable=False, index=True),
    Column("finished", Float),
    # when its agent was last heard of
    Column("heartbeat", Float),
    Column("user", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("script", Text, nullable=False),
    Column("argv", JSON, nullable=False),
    Column("cwd", Text, nullable=False),
    # statements look into them
    Column("tags", Texts, nullable=False),
    Column("git", JSON, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("job", JSON, nullable=False),
    # target -> "applied", or why not
    Column("hooks", JSON, nullable=False),
    # what people say of it
    Column("kind", Text, nullable=False, server_default="training"),
    Column("comment", Text, nullable=False, server_default=""),
    Column("archived", Boolean, nullable=False, server_default=false()),
    Column("parent", ID),
    # name -> {"text": ..., "format": "json", "yaml"...}
    Column("configurations", JSON, nullable=False, server_default="{}"),
    # name -> what was connected under it
    Column("parameters", JSON, nullable=False, server_default="{}"),
    # for its models, where they have none of their own
    Column("labels", JSON, nullable=False, server_default="{}"),
    Column("design", Text),
    # where its weights go, passwords masked
    Column("output_uri", Text, nullable=False, server_default=""),
    Column("initial_iteration", BigInteger, nullable=False, server_default="0"),
)

#: What a task's repository had beyond its commit: a table of its own, since lists of tasks need none of it.
changes = Table(
    "changes",
    metadata,
    Column("task_id", ID, ForeignKey("tasks.id"), primary_key=True),
    Column("diff", Text, nullable=False),
    # all else: names of files, what is left out, when it was read
    Column("facts", JSON, nullable=False),
)

models = Table(
    "models",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project", Text, nullable=False),
    Column("name", Text, nullable=False),
    # the task that made it; none for an imported model
    Column("task_id", ID, ForeignKey("tasks.id")),
    # what makes two saves of one task versions of one model: a path, or a series of checkpoints
    Column("key", Text, nullable=False),
    Column("framework", Text, nullable=False),
    Column("model_type", Text, nullable=False),
    Column("status", Id(16), nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("design", Text),
    Column("comment", Text, nullable=False),
    # where an imported model was found: a path or a URL
    Column("origin", Text),
    # such as `package`
    Column("system_tags", JSON, nullable=False, server_default="[]"),
    # what its task calls it: the stem of its file, or a name that was given
    Column("role", Text, nullable=False, server_default=""),
    # where its weights go, if elsewhere than the task's
    Column("upload_uri", Text, nullable=False, server_default=""),
    # what people have set (`name`, `labels`, `design`): a save leaves it as it is
    Column("said", JSON, nullable=False, server_default="[]"),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False, index=True),
    # What tables show beside it, kept right by triggers (`derived`): how many versions there are, the newest
    # one with its size, digest, iteration and parameters, who made it, and the first of its tags.
    Column("versions", Integer, nullable=False, server_default="0"),
    Column("newest", Integer),
    Column("size", BigInteger),
    Column("digest", Id(80)),
    Column("iteration", BigInteger),
    Column("parameters", BigInteger),
    Column("user", Text),
    Column("task_name", Text),
    Column("first_tag", Text),
    # A tree of PostgreSQL's takes no text over 2.7 KB, and a path may have 4: it hashes names and paths.
    Index("ix_models_name", "name", postgresql_using="hash"),
    Index("models_of_task", "task_id", "key").ddl_if(dialect="sqlite"),
    Index("models_of_task", "task_id").ddl_if(dialect="postgresql"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model_id", ID, ForeignKey("models.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("event_id", ID, nullable=False, unique=True),
    Column("digest", String(80), index=True),
    Column("size", BigInteger),
    Column("uri", Text),
    Column("state", String(16), nullable=False),
    # why it is lost, if it is
    Column("reason", Text, nullable=False),
    Column("iteration", BigInteger),
    Column("function", Text, nullable=False),
    Column("rank", Integer),
    Column("device", String(24)),
    Column("inode", String(24)),
    Column("metrics", JSON, nullable=False),
    Column("created", Float, nullable=False),
    # what became of its bytes: "" (nobody asked), waiting, kept, failed, dropped; and why
    Column("keeping", String(8), nullable=False, server_default=""),
    Column("keeping_reason", Text, nullable=False, server_default=""),
    # how many bytes keeping it added
    Column("stored", BigInteger),
    # of its tensors, whatever file they are in
    Column("weights_digest", String(80)),
    UniqueConstraint("model_id", "version"),
    Index("ix_snapshots_uri", "uri", postgresql_using="hash"),
    Index("snapshots_of_file", "device", "inode"),
    # All that wait are looked for wherever bytes may be freed.
    Index("snapshots_waiting", "event_id", sqlite_where=WAITING, postgresql_where=WAITING),
)

#: The files of a snapshot that has several.
parts = Table(
    "parts",
    metadata,
    Column("snapshot_id", Integer, ForeignKey("snapshots.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("digest", String(80), nullable=False, index=True),
    # whether it is one of those that identify the snapshot
    Column("weights", Boolean, nullable=False),
)

contents = Table(
    "contents",
    metadata,
    Column("digest", String(80), primary_key=True),
    Column("format", Text, nullable=False),
    Column("parameters", BigInteger),
    # [[name, [shape...], dtype], ...]
    Column("tensors", JSON, nullable=False),
    Column("details", JSON, nullable=False),
    Column("dangerous", JSON, nullable=False),
)

inputs = Table(
    "inputs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task_id", ID, ForeignKey("tasks.id"), nullable=False, index=True),
    Column("model_id", ID, ForeignKey("models.id"), nullable=False, index=True),
    Column("snapshot_id", Integer, ForeignKey("snapshots.id")),
    Column("name", Text, nullable=False),
    Column("path", Text),
    Column("framework", Text, nullable=False),
    Column("function", Text, nullable=False),
    # whether the task loaded back what it had saved itself: not a parent then
    Column("own", Boolean, nullable=False),
    Column("also_made_by", JSON, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_loaded", Float, nullable=False),
)

skips = Table(
    "skips",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task_id", ID, ForeignKey("tasks.id"), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("count", Integer, nullable=False),
)

faults = Table(
    "faults",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task_id", ID, ForeignKey("tasks.id"), nullable=False, index=True),
    Column("time", Float, nullable=False),
    Column("place", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("traceback", Text, nullable=False),
)

#: Events that are in the store: the same one is never recorded twice, whoever replays it.
done = Table("done", metadata, Column("event_id", ID, primary_key=True), Column("task_id", ID, index=True))

#: Files whose digest is known as long as they stay untouched.
files = Table(
    "files",
    metadata,
    Column("device", String(24), primary_key=True),
    Column("inode", String(24), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Column("digest", String(80), nullable=False),
)

#: Every digest that a snapshot's tensors may have: libraries leave out one or the other name of a tied one.
weights = Table(
    "weights",
    metadata,
    Column("snapshot_id", Integer, ForeignKey("snapshots.id"), primary_key=True),
    Column("digest", String(80), primary_key=True, index=True),
)

#: The tags of models, once more and one by one: `models.tags` is the record, this is how models are found.
tagged = Table(
    "tagged",
    metadata,
    Column("model_id", ID, ForeignKey("models.id"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Index("ix_tagged_tag", "tag", postgresql_using="hash"),
)

#: The metadata of models, in the same way; `kind` is `text`, `number`, `truth`, `none` or `other`.
described = Table(
    "described",
    metadata,
    Column("model_id", ID, ForeignKey("models.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("text", Text),
    Column("number", Float),
    Index("ix_described_key", "key", postgresql_using="hash"),
)

#: Names that people give to one version of a model.
aliases = Table(
    "aliases",
    metadata,
    Column("model_id", ID, ForeignKey("models.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("snapshot_id", Integer, ForeignKey("snapshots.id"), nullable=False, index=True),
)

#: Scalars of models. `iteration` is -1 for a single value of the whole model; a value is null if it was NaN.
metrics = Table(
    "metrics",
    metadata,
    Column("model_id", ID, ForeignKey("models.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("iteration", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Float),
    Column("time", Float, nullable=False),
)

#: The value of each metric with the highest iteration, its lowest and its highest; kept right by triggers.
measures = Table(
    "measures",
    metadata,
    # One that an earlier version removes goes along.
    Column("model_id", ID, ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("iteration", BigInteger, nullable=False),
    Column("last", Float),
    Column("lowest", Float),
    Column("highest", Float),
)

#: Figures of models: `figure` is a description that Plotly draws, its data in it. `iteration` is -1 for none.
figures = Table(
    "figures",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model_id", ID, ForeignKey("models.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("iteration", BigInteger, nullable=False),
    # `histogram`, `line`, `table`...: how it was reported
    Column("kind", String(16), nullable=False),
    Column("figure", JSON, nullable=False),
    Column("created", Float, nullable=False),
)

#: What a task keeps beside its models: a file each, plain, at a path below its place.
artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task_id", ID, ForeignKey("tasks.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    # what it was made of: `file`, `folder`, `json`, `array`, `table`, `image`, `text`, `pickle`
    Column("kind", String(16), nullable=False),
    Column("place_id", Integer, ForeignKey("places.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("metadata", JSON, nullable=False),
    # the first lines, for looking at
    Column("preview", Text, nullable=False),
    Column("created", Float, nullable=False),
)
