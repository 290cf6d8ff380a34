"""Tags and metadata of a model, row by row, as queries look for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert

from .schema import described, tagged
from .types import clean

__all__ = ["describe", "kind_of"]


def describe(connection: Connection, model_id: str, tags: Iterable[str], metadata: Mapping[str, Any]) -> None:
    """Put what `models.tags` and `models.metadata` say into the tables that are searched."""
    connection.execute(delete(tagged).where(tagged.c.model_id == model_id))
    connection.execute(delete(described).where(described.c.model_id == model_id))
    if found := sorted({clean(tag) for tag in tags}):
        connection.execute(insert(tagged), [{"model_id": model_id, "tag": tag} for tag in found])
    if metadata:
        rows = {clean(key): kind_of(value) for key, value in metadata.items()}
        connection.execute(
            insert(described),
            [
                {"model_id": model_id, "key": key, "kind": kind, "text": text, "number": number}
                for key, (kind, text, number) in rows.items()
            ],
        )


def kind_of(value: Any) -> tuple[str, str | None, float | None]:
    """`(kind, text, number)` of a value of metadata; whole numbers beyond 53 bits are compared as rounded."""
    if value is None:
        return "none", None, None
    if isinstance(value, bool):
        return "truth", None, float(value)
    if isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            return "other", None, None
        # One that is none compares with nothing, and SQLite can't hold it.
        return ("other", None, None) if math.isnan(number) else ("number", None, number)
    if isinstance(value, str):
        return "text", value, None
    return "other", None, None
