"""Searching by a regular expression, with a bound on its time.

Python's `re` can't be interrupted, and some patterns take for ever: it runs in a process that can be ended.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from sqlalchemy import Connection, func, or_, select

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
    if needed := needed_in(pattern):
        columns: list[Any] = [models.c.name, models.c.comment, models.c.id]
        if connection.dialect.name != "sqlite":
            columns = [func.lower(each) for each in columns]
        query = query.where(or_(*(each.like(needed, escape="\\") for each in columns)))
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


def needed_in(pattern: str) -> str:
    """What LIKE has to find wherever a regular expression is found, in lower case; empty if that isn't clear.

    That is its longest run of plain characters. A database looks through all names in the time that reading a
    tenth of them takes.
    """
    if "|" in pattern or "(?" in pattern:
        return ""
    runs, depth, at = [""], 0, 0
    while at < len(pattern):
        each, following = pattern[at], pattern[at + 1 : at + 2]
        at += 1
        if each == "\\" and not following.isalnum():
            runs[-1] += following if not depth else ""
            at += 1
            continue
        if each not in "\\[](){}*?+.^$":
            runs[-1] += each if not depth else ""
            continue
        if each in "*?{":
            # The last one may not be there at all.
            runs[-1] = runs[-1][:-1]
        if each == "\\":
            if following not in "bBdDsSwW":
                return ""  # a character by its number, or a group again
            at += 1
        elif each in "[{":
            end = pattern.find("]" if each == "[" else "}", at + (each == "["))
            inside = pattern[at:end]
            if end < 0 or "\\" in inside or inside.startswith("^]"):
                return ""
            if each == "{" and not re.fullmatch(r"\d*,?\d*", inside):
                return ""
            at = end + 1
        depth += (each == "(") - (each == ")")
        runs.append("")
    longest = max(runs, key=len)
    # Some of these have another upper case elsewhere in Unicode; others are not folded by databases.
    found = "".join("_" if not each.isascii() or each in "iskISK" else each.lower() for each in longest)
    if len(found.replace("_", "")) < 2:
        return ""
    escaped = re.sub(r"([%\\])", r"\\\1", found)
    return f"%{escaped}%"
