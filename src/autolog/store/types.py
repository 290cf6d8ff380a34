"""Column types that take whatever is found in files and file names, and mean the same in every database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, Dialect, String
from sqlalchemy import BigInteger as _BigInteger
from sqlalchemy import Text as _Text
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["BigInteger", "Id", "Text", "Texts", "clean"]

_LIMIT = 1 << 63


class Text(TypeDecorator[str]):
    """Text of any length. What a database can't hold (NULs, undecodable bytes) is written as escapes.

    It is compared and ordered by its code points, as SQLite does: PostgreSQL would go by the language
    that a server happens to be set up for.
    """

    impl = _Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The plain type, with PostgreSQL's word for ordering by code points."""
        return dialect.type_descriptor(_Text(collation="C") if dialect.name == "postgresql" else _Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is written, or looked for."""
        return None if value is None else clean(value)


class Texts(TypeDecorator[list[str]]):
    """A list of texts as JSON, each written as `Text` writes it.

    JSON itself would take anything, but what looks into it takes no NULs and no half of a surrogate pair: one
    such text, and every statement that reads the lists fails.
    """

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Iterable[object] | None, dialect: Dialect) -> list[str] | None:
        """What is written."""
        return None if value is None else [clean(str(each)) for each in value]


class Id(TypeDecorator[str]):
    """A short text of ours. What can't be one is looked for in vain, as others are, and no error."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is written, or looked for."""
        return value if value is None or value.isalnum() else clean(value)


class BigInteger(TypeDecorator[int]):
    """A whole number of 64 bits; one beyond that is not known (NULL) rather than an error."""

    impl = _BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """What is written, or looked for."""
        return None if value is None or not -_LIMIT <= value < _LIMIT else value


def clean(value: str) -> str:
    """Text that any database takes: undecodable bytes, lone surrogates and NULs become escapes."""
    try:
        encoded = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates that don't stand for bytes
        encoded = value.encode("utf-8", "backslashreplace")
    return encoded.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
