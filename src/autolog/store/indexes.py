"""What the tables of models are ordered, counted and searched by."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, func, literal_column

from .schema import described, measures, models, tagged

__all__ = ["folded", "for_tables"]


def folded(column: Any) -> Any:
    """How texts are ordered: upper and lower case (of ASCII letters) alike, by their first 200 characters.

    PostgreSQL's trees take no text over 2.7 KB.
    """
    # Written out: an index of an expression is found by its very words.
    return func.substr(func.lower(column), literal_column("1"), literal_column("200"))


_TEXTS = ("name", "project", "framework", "task_name", "user", "first_tag")
_VALUES = ("created", "status", "versions", "size", "digest", "iteration", "parameters")

_EVERYWHERE = [
    *(Index(f"models_by_{name}", models.c.archived, folded(models.c[name]), models.c.id) for name in _TEXTS),
    *(Index(f"models_by_{name}", models.c.archived, models.c[name], models.c.id) for name in _VALUES),
    Index("models_made_by", models.c.archived, models.c.task_id, models.c.id),
    *(
        Index(f"measures_by_{name}", measures.c.name, measures.c[name], measures.c.model_id)
        for name in ("last", "lowest", "highest")
    ),
    Index("described_by_number", described.c.key, described.c.number, described.c.model_id),
    Index("described_by_text", described.c.key, folded(described.c.text), described.c.model_id),
]
#: Those with long texts in them.
_ON_SQLITE = [
    # A search reads names and descriptions here, in the usual order, and no row of the table.
    Index(
        "models_shown",
        *(models.c[name] for name in ("archived", "updated", "id", "name", "comment")),
    ),
    # Counts, and pages in the usual order, of all that people filter by most.
    Index(
        "models_counted",
        *(
            models.c[name]
            for name in ("archived", "framework", "status", "project", "user", "task_id", "updated", "id")
        ),
    ),
    Index("tagged_by_tag", tagged.c.tag, tagged.c.model_id),
    Index(
        "described_by_value",
        *(described.c[name] for name in ("key", "kind", "text", "number", "model_id")),
    ),
]
_ON_POSTGRESQL = [Index("models_shown", models.c.archived, models.c.updated, models.c.id)]

for _index in _ON_SQLITE:
    _index.ddl_if(dialect="sqlite")
for _index in _ON_POSTGRESQL:
    _index.ddl_if(dialect="postgresql")


def for_tables(dialect: str) -> list[Index]:
    """All that a database has of them."""
    return [*_EVERYWHERE, *(_ON_SQLITE if dialect == "sqlite" else _ON_POSTGRESQL)]
