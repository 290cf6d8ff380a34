"""What databases say when something fails, in our words and without any password.

The kind of error is what a caller acts upon: the agent waits for a store that is away or locked, and
never asks again for what a store refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from autolog.errors import StoreAway, StoreError, StoreLocked, StoreRefused

__all__ = ["LOCK_SECONDS", "Clash", "Clashed", "in_our_words"]

#: How long a write waits for those of others, in seconds.
LOCK_SECONDS = 30

# The codes of PostgreSQL (SQLSTATE) that ask for something else than their class does.
_CLASHES = {"40001", "40P01"}  # serialization failure, deadlock
_TAKEN = "23505"  # unique violation: somebody else has just written that row
_LOCKED = "55P03"  # lock timeout
_NOT_ALLOWED = "42501"  # somebody may still grant it
_TOO_LONG = "54"  # a row or an index entry over the server's limits
_GONE = ("08", "57P")  # connection lost, the server shuts down or starts


class Clash(StoreLocked):
    """Two writers got in each other's way; the same transaction once more will do."""


class Clashed(StoreRefused, Clash):
    """A row with that key is there: a clash if somebody wrote it a moment ago, else refused for good."""


@contextmanager
def in_our_words(url: URL, name: str) -> Iterator[None]:
    """Raise the right kind of StoreError for whatever SQLAlchemy raises inside; `name` is the masked URL."""
    try:
        yield
    except DBAPIError as error:
        raise _translated(error, url, name) from error
    except PoolTimeout as error:
        raise StoreLocked(f"the store {name} has no connection free; try again") from error
    except SQLAlchemyError as error:
        # Its own complaints are about a value or a statement, which will not be better next time.
        raise StoreRefused(f"the store {name} can't take it: {_clean(str(error), url)}") from error
    except OverflowError as error:  # SQLite's driver, of a number beyond 64 bits
        raise StoreRefused(f"the store {name} can't take it: {error}") from error


def _translated(error: DBAPIError, url: URL, name: str) -> StoreError:
    text = _clean(str(error.orig), url)
    code = str(getattr(error.orig, "sqlstate", None) or "")
    if code in _CLASHES:
        return Clash(f"the store {name} was busy with other writers; try again")
    if code == _LOCKED or (not code and "locked" in text):
        return StoreLocked(f"the store {name} stayed locked for {LOCK_SECONDS} s; try again")
    refused = f"the store {name} refuses a record: {text}"
    if code == _TAKEN:
        return Clashed(refused)
    if isinstance(error, (IntegrityError, DataError)) or code.startswith(_TOO_LONG):
        return StoreRefused(refused)
    if isinstance(error, (ProgrammingError, NotSupportedError)) and code != _NOT_ALLOWED:
        return StoreRefused(refused)
    is_server = url.get_backend_name() != "sqlite"
    if isinstance(error, InterfaceError) and not is_server:
        return StoreRefused(refused)
    if is_server and (error.connection_invalidated or not code or code.startswith(_GONE)):
        return StoreAway(f"the store {name} can't be reached ({text}); see that its server is running")
    return StoreError(f"the store {name} can't be used: {text}")


def _clean(text: str, url: URL) -> str:
    text = " ".join(text.split())
    if url.password and len(str(url.password)) > 2:
        text = text.replace(str(url.password), "***")
    return text
