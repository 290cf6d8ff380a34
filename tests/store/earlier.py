"""Stores as earlier versions left them."""

from sqlalchemy import inspect, text

from autolog.store import derived, indexes
from autolog.store.schema import models

SHOWN = ("versions", "newest", "size", "digest", "iteration", "parameters", "user", "task_name", "first_tag")


def back_to_version_6(connection):
    """What the seventh step brings is taken away again, so that it is to be done."""
    on_sqlite = connection.dialect.name == "sqlite"
    for each in derived._triggers():
        ending = "" if on_sqlite else "() CASCADE"
        kind = "TRIGGER" if on_sqlite else "FUNCTION"
        connection.execute(text(f"DROP {kind} autolog_{each.name}{ending}"))
    for index in indexes.for_tables(connection.dialect.name):
        connection.execute(text(f"DROP INDEX {index.name}"))
    connection.execute(text("DROP TABLE measures"))
    for name in SHOWN:
        connection.execute(text(f'ALTER TABLE models DROP COLUMN "{name}"'))
    assert not {column["name"] for column in inspect(connection).get_columns(models.name)} & set(SHOWN)
    connection.execute(text("DELETE FROM migrations WHERE number > 6"))


def back_to_version_10(store):
    """A pack had one task that counts on it, and what waits was looked for among all events."""
    with store._writing() as connection:
        connection.execute(text("DROP TABLE holds"))
        connection.execute(text("DROP INDEX snapshots_waiting"))
        connection.execute(text("DELETE FROM migrations WHERE number > 10"))


def back_to_version_9(store):
    """PostgreSQL took 32 characters for the kind of a task, and tags were written as they came."""
    with store._writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE tasks ALTER COLUMN kind TYPE varchar(32)"))
        connection.execute(text("DELETE FROM migrations WHERE number > 9"))
