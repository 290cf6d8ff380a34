"""Searching by a regular expression, with a bound on its time.

Python's `re` can't be interrupted, and some patterns take for ever: it runs in a process that can be ended.
"""

from __future__ import annotations

import json
import re
import select as waiting
import subprocess
import sys
import time
import weakref
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection, func, or_, select, text
from sqlalchemy.exc import DBAPIError

from autolog.errors import BadValue

from .filtering import Filters, filtered
from .schema import models

__all__ = ["Matched", "Matching"]

_LONGEST = 1_000
#: Models that are looked at together; and those that are found at most: each page asks for them anew.
_AT_A_TIME = 5_000
_MOST = 200_000
#: SQLite looks at the clock after so many steps of its machine.
_STEPS = 100_000
_PROGRAM = """
import json, re, sys
pattern = search = None
for line in sys.stdin.buffer:
    wanted, rows = json.loads(line)
    if wanted != pattern:
        pattern, search = wanted, re.compile(wanted, re.IGNORECASE).search
    found = [at for at, row in enumerate(rows) if any(map(search, row))]
    sys.stdout.write(json.dumps(found) + "\\n")
    sys.stdout.flush()
"""


@dataclass(frozen=True, slots=True)
class Matched:
    """The ids of models, those updated last first; `is_all` says that the search came to its end."""

    ids: tuple[str, ...]
    is_all: bool


class Matching:
    """Searches by regular expressions. Threads may share it; an idle process is kept for the next search."""

    def __init__(self) -> None:
        self._idle: list[_Searcher] = []
        self._lock = Lock()

    def __call__(
        self, connection: Connection, filters: Filters, pattern: str, *, seconds: float = 2.0
    ) -> Matched:
        """The models that meet the filters, with a name, id or description in which it is found.

        Upper and lower case are alike. What was found within that time counts. Raises BadValue for a pattern
        that is none, or with which not even the first few could be looked at.
        """
        if len(pattern) > _LONGEST:
            raise BadValue(f"a regular expression may have {_LONGEST:,} characters, not {len(pattern):,}")
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise BadValue(f"{pattern!r} is no regular expression: {error}") from error
        until = time.monotonic() + seconds
        ids: list[str] = []
        looked_at, is_all = 0, True
        with self._searcher() as searcher:
            try:
                with closing(_rows(connection, _asked(connection, filters, pattern), until)) as batches:
                    for rows in batches:
                        ids += (rows[at][0] for at in searcher.found(pattern, rows, until))
                        looked_at += len(rows)
                        if len(ids) > _MOST:
                            raise TimeoutError
            except TimeoutError:
                is_all = False
                if not looked_at:
                    raise BadValue(
                        f"searching with {pattern!r} took over {seconds:g} s; write a simpler expression"
                    ) from None
            except (OSError, ValueError) as error:
                # It has come to an end of its own: some patterns need more memory than there is.
                searcher.is_well = False
                raise BadValue(f"{pattern!r} can't be searched with; write a simpler expression") from error
        return Matched(tuple(ids[:_MOST]), is_all)

    @contextmanager
    def _searcher(self) -> Iterator[_Searcher]:
        with self._lock:
            searcher = self._idle.pop() if self._idle else None
        if searcher is None or not searcher.is_running:
            searcher = _Searcher()
        try:
            yield searcher
        except BaseException:
            searcher.is_well = False
            raise
        finally:
            with self._lock:
                is_kept = searcher.is_well and not self._idle
                if is_kept:
                    self._idle.append(searcher)
            if not is_kept:
                searcher.end()


class _Searcher:
    """A process that searches; it ends with us, since nobody writes to it any more then."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", "-c", _PROGRAM]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        #: Whether it waits for the next question.
        self.is_well = True
        self.end = weakref.finalize(self, _end, self._process)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def found(self, pattern: str, rows: Sequence[Sequence[str]], until: float) -> list[int]:
        """Which of the rows have it. Raises TimeoutError, OSError and ValueError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps((pattern, rows)).encode() + b"\n")
        self._process.stdin.flush()
        left = until - time.monotonic()
        if left <= 0 or not waiting.select([self._process.stdout], [], [], left)[0]:
            self.is_well = False
            raise TimeoutError
        answer: list[int] = json.loads(self._process.stdout.readline())
        return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for each in (process.stdin, process.stdout):
        with suppress(OSError):
            each.close()  # type: ignore[union-attr]


def _asked(connection: Connection, filters: Filters, pattern: str) -> Any:
    query = select(models.c.id, models.c.name, models.c.comment).where(filtered(connection, filters))
    if needed := needed_in(pattern):
        columns: list[Any] = [models.c.name, models.c.comment]
        if re.fullmatch(r"[%_0-9a-f]*", needed):
            columns.append(models.c.id)  # hex digits; looking through them takes a third of the time
        if connection.dialect.name != "sqlite":
            columns = [func.lower(each) for each in columns]
        query = query.where(or_(*(each.like(needed, escape="\\") for each in columns)))
    # Nothing is kept back for that: it is the order of the index that has all of it.
    return query.order_by(models.c.updated.desc(), models.c.id.desc())


def _rows(connection: Connection, query: Any, until: float) -> Generator[list[tuple[str, ...]], None, None]:
    """The rows of a query, some at a time. Raises TimeoutError when the time is over."""
    try:
        with _stopped(connection, until):
            with closing(connection.execute(query.execution_options(yield_per=_AT_A_TIME))) as found:
                for rows in found.partitions():
                    yield [tuple(row) for row in rows]
                    if time.monotonic() > until:
                        raise TimeoutError
    except DBAPIError as error:
        if time.monotonic() < until:
            raise
        raise TimeoutError from error


@contextmanager
def _stopped(connection: Connection, until: float) -> Iterator[None]:
    """The database gives up a question when the time is over."""
    if connection.dialect.name == "postgresql":
        left = max(1, int((until - time.monotonic()) * 1000))
        connection.execute(text(f"SET LOCAL statement_timeout = {left}"))
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


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
