"""What tables show of models, written down where it can be ordered by: triggers keep it right.

A table of models is ordered and filtered by its newest version, by who made it, by its tags and metrics. All
of that is columns of `models`, and rows of `measures`, by the time somebody asks. No writer has to think of
it, and so none can forget it: not one that is still to come, and not an agent of an earlier version, which
goes on writing for as long as its script runs after the store has been brought up to date.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection

__all__ = ["fill", "make_triggers"]

_NEWEST = """
        versions = (SELECT count(*) FROM snapshots WHERE snapshots.model_id = models.id),
        (newest, size, digest, iteration, parameters) = (
            SELECT s.version, s.size, s.digest, s.iteration, c.parameters
            FROM snapshots s LEFT JOIN contents c ON c.digest = s.digest
            WHERE s.model_id = models.id ORDER BY s.version DESC LIMIT 1
        )"""
_PARAMETERS = """
    UPDATE models SET parameters = (SELECT c.parameters FROM contents c WHERE c.digest = models.digest)
    WHERE digest = {row}.digest
        AND id IN (SELECT s.model_id FROM snapshots s WHERE s.digest = {row}.digest)"""
_MAKER = """
        ("user", task_name) = (SELECT t."user", t.name FROM tasks t WHERE t.id = models.task_id)"""
_RENAMED = """
    UPDATE models SET "user" = NEW."user", task_name = NEW.name WHERE task_id = NEW.id"""
_FIRST_TAG = """
        first_tag = (SELECT min(t.tag) FROM tagged t WHERE t.model_id = models.id)"""
# A model may have many tags, and be written to for each: its row changes only where its first one does.
_TAGGED = """
    UPDATE models SET first_tag = NEW.tag
    WHERE id = NEW.model_id AND (first_tag IS NULL OR NEW.tag < first_tag)"""
_UNTAGGED = f"""
    UPDATE models SET {_FIRST_TAG} WHERE id = OLD.model_id AND first_tag = OLD.tag"""
_ALL_MEASURES = """
    INSERT INTO measures (model_id, name, iteration, last, lowest, highest)
    SELECT m.model_id, m.name, m.iteration, m.value, g.lowest, g.highest FROM metrics m JOIN (
        SELECT model_id, name, max(iteration) AS newest, min(value) AS lowest, max(value) AS highest
        FROM metrics GROUP BY model_id, name
    ) g ON g.model_id = m.model_id AND g.name = m.name AND g.newest = m.iteration"""
# A metric may have a hundred thousand values: its measures are told anew only where one of them has gone.
_ADDED = """
    INSERT INTO measures (model_id, name, iteration, last, lowest, highest)
    VALUES (NEW.model_id, NEW.name, NEW.iteration, NEW.value, NEW.value, NEW.value)
    ON CONFLICT (model_id, name) DO UPDATE SET
        last = CASE WHEN excluded.iteration >= measures.iteration THEN excluded.last ELSE measures.last END,
        iteration = CASE WHEN excluded.iteration > measures.iteration
            THEN excluded.iteration ELSE measures.iteration END,
        lowest = CASE WHEN measures.lowest IS NULL OR excluded.lowest < measures.lowest
            THEN excluded.lowest ELSE measures.lowest END,
        highest = CASE WHEN measures.highest IS NULL OR excluded.highest > measures.highest
            THEN excluded.highest ELSE measures.highest END"""
_CHANGED = """
    UPDATE measures SET
        last = CASE WHEN iteration = NEW.iteration THEN NEW.value ELSE last END,
        lowest = CASE
            WHEN OLD.value = lowest AND (NEW.value IS NULL OR NEW.value > OLD.value) THEN (
                SELECT min(m.value) FROM metrics m WHERE m.model_id = NEW.model_id AND m.name = NEW.name)
            WHEN lowest IS NULL OR NEW.value < lowest THEN NEW.value ELSE lowest END,
        highest = CASE
            WHEN OLD.value = highest AND (NEW.value IS NULL OR NEW.value < OLD.value) THEN (
                SELECT max(m.value) FROM metrics m WHERE m.model_id = NEW.model_id AND m.name = NEW.name)
            WHEN highest IS NULL OR NEW.value > highest THEN NEW.value ELSE highest END
    WHERE model_id = NEW.model_id AND name = NEW.name"""
_GONE = """
    DELETE FROM measures WHERE model_id = OLD.model_id AND name = OLD.name AND NOT EXISTS (
        SELECT 1 FROM metrics m WHERE m.model_id = OLD.model_id AND m.name = OLD.name);
    UPDATE measures SET
        (iteration, last) = (
            SELECT m.iteration, m.value FROM metrics m
            WHERE m.model_id = OLD.model_id AND m.name = OLD.name ORDER BY m.iteration DESC LIMIT 1
        ),
        (lowest, highest) = (
            SELECT min(m.value), max(m.value) FROM metrics m
            WHERE m.model_id = OLD.model_id AND m.name = OLD.name
        )
    WHERE model_id = OLD.model_id AND name = OLD.name
        AND (iteration = OLD.iteration OR OLD.value <= lowest OR OLD.value >= highest)"""


class _Trigger(NamedTuple):
    """What is done for each row that an event changes.

    `first` are rows that PostgreSQL locks before: what is told anew has to see what others have just
    committed, and a statement sees only what there was when it began.
    """

    name: str
    event: str
    does: str
    first: str = ""


def _triggers() -> Iterator[_Trigger]:
    for event, ids in (
        ("INSERT", "NEW.model_id"),
        ("UPDATE OF model_id, version, digest, size, iteration", "OLD.model_id, NEW.model_id"),
        ("DELETE", "OLD.model_id"),
    ):
        of = f"WHERE id IN ({ids})"
        name = f"newest_{event[:6].lower()}"
        yield _Trigger(
            name, f"{event} ON snapshots", f"UPDATE models SET {_NEWEST} {of}", f"models {of} ORDER BY id"
        )
    for event, row in (("INSERT", "NEW"), ("UPDATE OF parameters", "NEW"), ("DELETE", "OLD")):
        name = f"parameters_{event[:6].lower()}"
        yield _Trigger(name, f"{event} ON contents", _PARAMETERS.format(row=row))
    for event in ("INSERT", "UPDATE OF task_id"):
        name = f"maker_{event[:6].lower()}"
        yield _Trigger(name, f"{event} ON models", f"UPDATE models SET {_MAKER} WHERE id = NEW.id")
    yield _Trigger("maker_renamed", 'UPDATE OF name, "user" ON tasks', _RENAMED)
    yield _Trigger("tag_insert", "INSERT ON tagged", _TAGGED)
    of = "models WHERE id = OLD.model_id"
    yield _Trigger("tag_delete", "DELETE ON tagged", _UNTAGGED, of)
    yield _Trigger("measure_insert", "INSERT ON metrics", _ADDED)
    own = "measures WHERE model_id = OLD.model_id AND name = OLD.name"
    yield _Trigger("measure_update", "UPDATE OF value ON metrics", _CHANGED, own)
    yield _Trigger("measure_delete", "DELETE ON metrics", _GONE, own)


def make_triggers(connection: Connection) -> None:
    """Make those that aren't there."""
    for each in _triggers():
        name = f"autolog_{each.name}"
        if connection.dialect.name == "sqlite":
            made = f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {each.event} BEGIN {each.does}; END"
            connection.exec_driver_sql(made)
            continue
        first = f"PERFORM 1 FROM {each.first} FOR NO KEY UPDATE;" if each.first else ""
        connection.exec_driver_sql(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {first} {each.does}; RETURN NULL; END $$"
        )
        table = each.event.rpartition(" ")[2]
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {table}")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {name} AFTER {each.event} FOR EACH ROW EXECUTE FUNCTION {name}()"
        )


def fill(connection: Connection) -> None:
    """Tell all of it anew, from the rows that it follows from."""
    connection.exec_driver_sql(f"UPDATE models SET {_NEWEST}, {_MAKER}, {_FIRST_TAG}")
    connection.exec_driver_sql("DELETE FROM measures")
    connection.exec_driver_sql(_ALL_MEASURES)
