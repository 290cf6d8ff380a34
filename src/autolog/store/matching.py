"""Searching by a regular expression, with a bound on its time.

Python's `re` can't be interrupted, and some patterns take for ever: it runs in a process that can be ended.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

from sqlalchemy import Connection, select

from autolog.errors import BadValue

from .filtering import Filters, filtered
from .schema import models

__all__ = ["matching"]

_LONGEST = 1_000
_PROGRAM = """
import json, re, sys
asked = json.load(sys.stdin)
search = re.compile(asked["pattern"], re.IGNORECASE).search
found = [row[0] for row in asked["rows"] if any(search(each) for each in row)]
json.dump(found, sys.stdout)
"""


def matching(
    connection: Connection, filters: Filters, pattern: str, *, seconds: float = 2.0
) -> tuple[str, ...]:
    """The ids of models that meet the filters, with a name, id or description in which it is found.

    Upper and lower case are alike. Raises BadValue for a pattern that is none, or takes longer than that.
    """
    if len(pattern) > _LONGEST:
        raise BadValue(f"a regular expression may have {_LONGEST:,} characters, not {len(pattern):,}")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadValue(f"{pattern!r} is no regular expression: {error}") from error
    query = select(models.c.id, models.c.name, models.c.comment).where(filtered(connection, filters))
    rows = [tuple(row) for row in connection.execute(query)]
    asked = json.dumps({"pattern": pattern, "rows": rows})
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM]
    try:
        done = subprocess.run(
            command, input=asked.encode(), capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BadValue(
            f"searching with {pattern!r} took over {seconds:g} s; write a simpler expression"
        ) from error
    if done.returncode:
        raise BadValue(f"{pattern!r} can't be searched with; write a simpler expression")
    return tuple(json.loads(done.stdout))
