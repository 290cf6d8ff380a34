"""Which versions somebody has seen, as a mark: `1234`, or `1234-1230-1228`.

That is the highest id, and those below it that weren't there. On PostgreSQL a writer is given its id when it
begins and may be done after a later one; that one's id alone would say that both had been seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, or_, select

from autolog.errors import BadValue

from .schema import snapshots

__all__ = ["Seen", "read_seen", "seen_by_now"]

#: How far below the highest id one that is still to come may be: a writer is done within seconds.
_LATE = 1_000
#: How many of these are noted, the highest ones; there are as many as versions that came to nothing, too.
_NOTED = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """All versions up to an id but for these."""

    highest: int
    missing: tuple[int, ...]

    def is_later(self, column: Any) -> Any:
        """The condition on an id that it isn't one of those."""
        return or_(column > self.highest, column.in_(self.missing)) if self.missing else column > self.highest


def seen_by_now(connection: Connection) -> str:
    """The mark of all that there are now."""
    highest = connection.execute(select(func.max(snapshots.c.id))).scalar() or 0
    if connection.dialect.name != "postgresql":
        return str(highest)  # SQLite has one writer at a time
    numbers = func.generate_series(max(1, highest - _LATE), highest).column_valued("number")
    there = select(snapshots.c.id).where(snapshots.c.id == numbers)
    query = select(numbers).where(~there.exists()).order_by(numbers.desc()).limit(_NOTED)
    return "-".join(map(str, (highest, *connection.execute(query).scalars())))


def read_seen(mark: str) -> Seen:
    """What a mark says. Raises BadValue."""
    if not re.fullmatch(rf"[0-9]{{1,18}}(-[0-9]{{1,18}}){{0,{_NOTED}}}", mark):
        raise BadValue("this mark of what was seen can't be read; ask without one")
    highest, *missing = map(int, mark.split("-"))
    return Seen(highest, tuple(missing))
