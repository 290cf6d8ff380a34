"""The store's schema changes, in order; each runs once, in one transaction with its own mark.

Forward only: a store written by a newer version is refused. Safe when many processes start at once:
SQLite's transaction has taken the write lock as it began; on PostgreSQL a lock by name is taken, and then
it is looked again what is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, inspect, select, text, update
from sqlalchemy.schema import CreateColumn, CreateIndex

from autolog.errors import StoreError, StoreMissing

from . import derived, indexes, schema, schema_kept
from .describing import describe
from .types import clean

__all__ = ["NEWEST", "look", "migrate"]

_marks = Table("migrations", MetaData(), Column("number", Integer, primary_key=True))


def _create(connection: Connection) -> None:
    # All that is there today; later steps find their work done in a store that is made anew.
    schema.metadata.create_all(connection)


def _add_parts(connection: Connection) -> None:
    schema.parts.create(connection, checkfirst=True)


def _compare_by_code_points(connection: Connection) -> None:
    # PostgreSQL alone: its text was ordered by the server's language, and its indexes refused long paths.
    if connection.dialect.name != "postgresql":
        return
    columns = connection.execute(
        text(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND data_type = 'text'"
            " AND collation_name IS DISTINCT FROM 'C' AND table_name = ANY(:tables)"
        ),
        {"tables": ["tasks", "models", "snapshots", "parts", "contents", "inputs", "skips", "faults"]},
    ).all()
    for table, column in columns:
        connection.execute(text(f'ALTER TABLE {table} ALTER COLUMN "{column}" TYPE text COLLATE "C"'))
    for index in ("ix_models_name", "ix_snapshots_uri", "models_of_task"):
        connection.execute(text(f"DROP INDEX IF EXISTS {index}"))
    connection.execute(text("CREATE INDEX ix_models_name ON models USING hash (name)"))
    connection.execute(text("CREATE INDEX ix_snapshots_uri ON snapshots USING hash (uri)"))
    connection.execute(text("CREATE INDEX models_of_task ON models (task_id)"))


def _add_kept_bytes(connection: Connection) -> None:
    # the order in which they refer to each other
    for table in (
        schema_kept.identity,
        schema_kept.places,
        schema_kept.packs,
        schema_kept.chunks,
        schema_kept.recipes,
        schema_kept.uses,
        schema_kept.kept,
        schema.weights,
    ):
        table.create(connection, checkfirst=True)
    if connection.execute(select(schema_kept.identity.c.id)).first() is None:
        connection.execute(insert(schema_kept.identity).values(id=os.urandom(16).hex()))
    _add_columns(connection, schema.snapshots, ("keeping", "keeping_reason", "stored", "weights_digest"))


def _add_what_people_say(connection: Connection) -> None:
    for table in (schema.tagged, schema.described, schema.aliases, schema.metrics):
        table.create(connection, checkfirst=True)
    found = connection.execute(select(schema.models.c.id, schema.models.c.tags, schema.models.c.metadata))
    for model_id, tags, metadata in found.all():
        describe(connection, model_id, tags, metadata)


def _add_artifacts_and_figures(connection: Connection) -> None:
    for table in (schema.figures, schema.artifacts):
        table.create(connection, checkfirst=True)
    said = ("kind", "comment", "archived", "parent", "configurations", "parameters", "labels", "design")
    _add_columns(connection, schema.tasks, (*said, "output_uri", "initial_iteration"))
    _add_columns(connection, schema.models, ("system_tags", "role", "upload_uri", "said"))


def _add_what_tables_show(connection: Connection) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        # All of a large store passes through: within its usual 2 MB each page would be written many times.
        usual = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
        connection.exec_driver_sql("PRAGMA cache_size=-262144")
    newest = ("versions", "newest", "size", "digest", "iteration", "parameters")
    _add_columns(connection, schema.models, (*newest, "user", "task_name", "first_tag"))
    schema.measures.create(connection, checkfirst=True)
    # On PostgreSQL this waits for those that are writing, and from here on all that is written is seen to.
    derived.make_triggers(connection)
    derived.fill(connection)
    for index in indexes.for_tables(connection.dialect.name):
        # Not by looking first: SQLAlchemy doesn't see indexes of expressions.
        connection.execute(CreateIndex(index, if_not_exists=True))
    if on_sqlite:
        connection.exec_driver_sql(f"PRAGMA cache_size={usual}")


def _add_changes(connection: Connection) -> None:
    schema.changes.create(connection, checkfirst=True)


def _lock_what_is_told_anew(connection: Connection) -> None:
    # PostgreSQL alone: two that changed one metric at the same moment could leave a wrong lowest and highest.
    if connection.dialect.name == "postgresql":
        derived.make_triggers(connection)
        derived.fill(connection)


def _take_any_text(connection: Connection) -> None:
    # PostgreSQL alone minded how long a kind is. In both, one tag that is no text made all that looks into
    # tags fail.
    if connection.dialect.name == "postgresql":
        connection.execute(text('ALTER TABLE tasks ALTER COLUMN kind TYPE text COLLATE "C"'))
    for task_id, tags in connection.execute(select(schema.tasks.c.id, schema.tasks.c.tags)).all():
        if any(clean(str(tag)) != tag for tag in tags):
            changed = update(schema.tasks).where(schema.tasks.c.id == task_id)
            connection.execute(changed.values(tags=tags))  # cleaned by its type


def _add_holds(connection: Connection) -> None:
    schema_kept.holds.create(connection, checkfirst=True)
    [waiting] = [each for each in schema.snapshots.indexes if each.name == "snapshots_waiting"]
    connection.execute(CreateIndex(waiting, if_not_exists=True))


def _add_columns(connection: Connection, table: Table, names: Sequence[str]) -> None:
    """Columns that a table has by now, as the schema describes them."""
    there = {column["name"] for column in inspect(connection).get_columns(table.name)}
    for name in names:
        if name not in there:
            column = str(CreateColumn(table.c[name]).compile(dialect=connection.dialect))
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column}"))


#: Number n of this list, counted from 1, brings a store from version n - 1 to n.
_STEPS: tuple[Callable[[Connection], None], ...] = (
    _create,
    _add_parts,
    _compare_by_code_points,
    _add_kept_bytes,
    _add_what_people_say,
    _add_artifacts_and_figures,
    _add_what_tables_show,
    _add_changes,
    _lock_what_is_told_anew,
    _take_any_text,
    _add_holds,
)

NEWEST = len(_STEPS)


def migrate(connection: Connection, name: str, *, create: bool = True) -> None:
    """Bring a store up to date; `connection` has a transaction open that writes.

    Raises StoreError if the store was written by a newer version, StoreMissing if there is none and
    none is to be made.
    """
    version = _known(connection, name)
    if version == NEWEST:
        return
    if version == 0 and not create:
        raise _missing(name)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7020394)"))
        version = _version(connection)
    if version == 0:
        _marks.create(connection, checkfirst=True)
    for number, step in enumerate(_STEPS[version:], version + 1):
        step(connection)
        connection.execute(insert(_marks).values(number=number))


def look(connection: Connection, name: str) -> None:
    """See that a store is up to date, without changing it. Raises StoreError and StoreMissing."""
    version = _known(connection, name)
    if version == 0:
        raise _missing(name)
    if version < NEWEST:
        raise StoreError(
            f"the store {name} was written by an older autolog (schema {version}, this one needs {NEWEST})"
            " and is to be read only; any other command, as `autolog models`, brings it up to date"
        )


def _known(connection: Connection, name: str) -> int:
    version = _version(connection)
    if version > NEWEST:
        raise StoreError(
            f"the store {name} was written by a newer autolog (schema {version}, this one knows {NEWEST});"
            " upgrade with: pip install -U autolog-models"
        )
    return version


def _missing(name: str) -> StoreMissing:
    return StoreMissing(f"there is no store at {name} yet; run a script with autolog.init() first")


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table("migrations"):
        return 0
    return max(connection.execute(select(_marks.c.number)).scalars(), default=0)
