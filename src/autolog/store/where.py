"""The language of `where=`: a small expression over the fields of models, which `selecting` turns into SQL.

    val_loss < 0.2 and framework = "PyTorch" and not "old" in tags

A field is one of `FIELDS`, `meta.<key>` (a model's metadata) or `metric.<name>`; a name that is no field is
a metric, of which the value with the highest iteration counts. A name with blanks or signs in it stands in
backquotes: `` `Val - mAP@50` > 70 ``. Operators: `=` (or `==`), `!=`, `<`, `<=`,
`>`, `>=`, `~` (a glob, upper and lower case alike), `in (...)`, `is none`, `is not none`; and `"x" in tags`.
They are put together with `and`, `or`, `not` and parentheses. Nothing that isn't there compares, whatever
the operator; `not` turns that round.

Values: text in quotes, numbers (also `20MB` or `1.5GiB`), `true`, `false`, dates and times in UTC
(`2026-01-31`, `2026-01-31T12:00`), and ages (`7d ago`, `12h ago`). Nothing is evaluated as Python.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from autolog.errors import WhereError

__all__ = ["FIELDS", "And", "Comparison", "Condition", "Field", "Not", "Or", "Tagged", "fields_of", "parse"]

#: Field -> what its values are: `text`, `number`, `time` (seconds since the epoch) or `truth`.
FIELDS: Mapping[str, str] = {
    "id": "text",
    "name": "text",
    "project": "text",
    "framework": "text",
    "type": "text",
    "status": "text",
    "task": "text",
    "comment": "text",
    "origin": "text",
    "published": "truth",
    "archived": "truth",
    "created": "time",
    "updated": "time",
    "versions": "number",
    "iteration": "number",
    "size": "number",
    "parameters": "number",
    "digest": "text",
    "uri": "text",
    "format": "text",
    "state": "text",
}

_WORDS = ("and", "or", "not", "in", "is", "none", "true", "false", "tags", "ago")
_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<date>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?Z?)?)
    | (?P<age>\d+(?:\.\d+)?[smhdw]\s+ago\b)
    | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?P<unit>[A-Za-z]+)?)
    | (?P<quoted>`[^`]+`)
    | (?P<name>[^\W\d][\w./:-]*)
    | (?P<sign>==|!=|<=|>=|<>|=|<|>|~|\(|\)|,)
    )""",
    re.VERBOSE,
)
#: Whoever writes more parentheses in each other, or more values, gets an error that says so; SQLite has one
#: of its own beyond a depth of 1,000.
_DEEPEST = 50
_VALUES = 300
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """What is compared: `kind` is `column`, `meta` or `metric`, `name` which one, `type` as in `FIELDS`."""

    kind: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field beside values: one, or several for `in`, or none for `is none` and `is not none`."""

    field: Field
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Tagged:
    """The model has this tag."""

    tag: str


@dataclass(frozen=True, slots=True)
class Not:
    """What doesn't hold."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All of these hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of these holds."""

    parts: tuple[Condition, ...]


Condition = Comparison | Tagged | Not | And | Or


def fields_of(condition: Condition) -> set[str]:
    """The names of the columns of models that a condition asks for."""
    if isinstance(condition, Comparison):
        return {condition.field.name} if condition.field.kind == "column" else set()
    if isinstance(condition, Not):
        return fields_of(condition.inner)
    if isinstance(condition, Tagged):
        return set()
    return set().union(*map(fields_of, condition.parts))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    value: Any = None

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "name" else self.text


def parse(text: str, now: float) -> Condition:
    """The condition that is written there; ages count back from `now`, seconds since the epoch.

    Raises WhereError, which says where the fault is and what may have been meant.
    """
    if len(text) > _LONGEST:
        raise WhereError(f"a condition may have {_LONGEST:,} characters, this one has {len(text):,}", text, 0)
    return _Parser(text, _tokens(text, now)).whole()


def _tokens(text: str, now: float) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            quote = text[start] in "\"'`"
            raise WhereError(
                "the quote is never closed" if quote else f"{text[start]!r} means nothing here", text, start
            )
        found.append(_token(match, text, now))
        at = match.end()
    return found


def _token(match: re.Match[str], text: str, now: float) -> _Token:
    kind = "number" if match.lastgroup == "unit" else str(match.lastgroup)
    words, start = match[kind], match.start(kind)
    if kind == "text":
        return _Token("value", words, start, re.sub(r"\\(.)", r"\1", words[1:-1], flags=re.DOTALL))
    if kind == "quoted":
        return _Token(kind, words[1:-1], start)
    if kind == "date":
        try:
            when = datetime.fromisoformat(words.removesuffix("Z")).replace(tzinfo=timezone.utc)
        except ValueError as error:
            raise WhereError(f"{words} is no date", text, start) from error
        return _Token("value", words, start, when)
    if kind == "age":
        span = float(re.match(r"[\d.]+", words)[0]) * _SPANS[words.split()[0][-1]]  # type: ignore[index]
        return _Token("value", words, start, datetime.fromtimestamp(max(0.0, now - span), timezone.utc))
    if kind == "number":
        unit = match["unit"] or ""
        if unit.lower() not in _UNITS:
            raise WhereError(
                f"{unit!r} is no unit; sizes end with KB, MB, GB or KiB, MiB, GiB, and ages are written"
                " as 7d ago",
                text,
                match.start("unit"),
            )
        bare = words[: len(words) - len(unit)]
        number = (int(bare) if re.fullmatch(r"[+-]?\d+", bare) else float(bare)) * _UNITS[unit.lower()]
        # No database has whole numbers beyond 64 bits.
        return _Token("value", words, start, number if abs(number) < 1 << 63 else float(number))
    if kind == "name" and words.lower() in ("true", "false"):
        return _Token("value", words, start, words.lower() == "true")
    return _Token(kind, words, start)


class _Parser:
    """Reads tokens from the left, one function for each level of the grammar."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._values = 0

    def whole(self) -> Condition:
        if not self._tokens:
            raise WhereError("there is no condition", self._text, 0)
        found = self._any()
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            raise self._error(f"{token.text} comes too late: put `and` or `or` before it", token)
        return found

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._takes("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self) -> Condition:
        parts = [self._negated()]
        while self._takes("and"):
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negated(self) -> Condition:
        is_negated = False
        while self._takes("not"):
            is_negated = not is_negated
        found = self._single()
        return Not(found) if is_negated else found

    def _single(self) -> Condition:
        opening = self._peek()
        if self._takes("("):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._error(f"parentheses go deeper than {_DEEPEST}", opening)
            found = self._any()
            self._needs(")")
            self._depth -= 1
            return found
        token = self._next("a field")
        self._count(token)
        if token.kind == "value":
            if not isinstance(token.value, str):
                raise self._error("a field comes first, then what it is compared with", token)
            negated = self._takes("not")
            self._needs("in")
            if self._next("tags").word != "tags":
                raise self._error('text comes first only as in "best" in tags', token)
            return Not(Tagged(token.value)) if negated else Tagged(token.value)
        if token.kind not in ("name", "quoted"):
            raise self._error(f"{token.text} stands where a field should", token)
        return self._comparison(token)

    def _comparison(self, token: _Token) -> Condition:
        field = self._field(token)
        operator = self._next("an operator (=, !=, <, <=, >, >=, ~, in, is)")
        if operator.word == "is":
            negated = self._takes("not")
            self._needs("none")
            return Comparison(field, "is not none" if negated else "is none", ())
        negated = operator.word == "not"
        if negated:
            self._needs("in")
        if negated or operator.word == "in":
            self._needs("(")
            values = [self._value(field, "=")]
            while self._takes(","):
                self._count(token)
                values.append(self._value(field, "="))
            self._needs(")")
            inside = Comparison(field, "in", tuple(values))
            return Not(inside) if negated else inside
        sign = {"==": "=", "<>": "!="}.get(operator.text, operator.text)
        if operator.kind != "sign" or sign not in ("=", "!=", "<", "<=", ">", ">=", "~"):
            raise self._error(
                f"{operator.text} is no operator; use =, !=, <, <=, >, >=, ~, in or is", operator
            )
        if sign == "~" and field.type not in ("text", "any"):
            raise self._error(f"~ compares text, and {field.name} is a {field.type}", operator)
        return Comparison(field, sign, (self._value(field, sign),))

    def _count(self, token: _Token) -> None:
        self._values += 1
        if self._values > _VALUES:
            raise self._error(f"a condition may have {_VALUES} values", token)

    def _field(self, token: _Token) -> Field:
        name = token.text
        kind, _, rest = name.partition(".")
        if kind.lower() in ("meta", "metadata", "metric", "metrics") and rest:
            is_meta = kind.lower().startswith("meta") and not kind.lower().startswith("metric")
            return Field("meta", rest, "any") if is_meta else Field("metric", rest, "number")
        if token.kind == "quoted":
            return Field("metric", name, "number")
        if name.lower() in FIELDS:
            return Field("column", name.lower(), FIELDS[name.lower()])
        if name.lower() == "tags":
            raise self._error('tags are asked for as "best" in tags', token)
        if name.lower() in _WORDS:
            raise self._error(f"{name} stands where a field should", token)
        return Field("metric", name, "number")

    def _value(self, field: Field, sign: str) -> Any:
        token = self._next("a value")
        if token.kind != "value":
            hint = f'; text stands in quotes: "{token.text}"' if token.kind == "name" else ""
            raise self._error(f"{token.text} stands where a value should{hint}", token)
        value = token.value
        if isinstance(value, datetime):
            if field.type not in ("time", "any"):
                raise self._error(f"{field.name} is a {field.type}, and this is a time", token)
            return value.timestamp() if field.type == "time" else value.isoformat()
        wanted: dict[str, tuple[type, ...]] = {
            "text": (str,),
            "number": (int, float),
            "time": (int, float),
            "truth": (bool,),
            "any": (str, int, float, bool),
        }
        is_number = field.type in ("number", "time")
        if not isinstance(value, wanted[field.type]) or (is_number and isinstance(value, bool)):
            raise self._wrong_type(field, token)
        if field.type == "truth" and sign not in ("=", "!="):
            raise self._error(f"{field.name} is true or false; use = or !=", token)
        if sign == "~" and not isinstance(value, str):
            raise self._error("~ takes text in quotes", token)
        return value

    def _wrong_type(self, field: Field, token: _Token) -> WhereError:
        if field.kind != "metric":
            example = {"truth": "true or false", "time": "a date like 2026-01-31, or 7d ago"}
            needs = example.get(field.type, f"a {field.type}")
            return self._error(f"{field.name} is compared with {needs}", token)
        near = difflib.get_close_matches(field.name.lower(), FIELDS, 1)
        hint = f"did you mean {' or '.join((*near, f'meta.{field.name}'))}?"
        return self._error(
            f"{field.name} is no field, so it is a metric, and those are numbers; {hint}", token
        )

    # -- tokens ---------------------------------------------------------------------------------------

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _takes(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.kind in ("value", "quoted") or token.word != word:
            return False
        self._at += 1
        return True

    def _next(self, what: str) -> _Token:
        token = self._peek()
        if token is None:
            raise WhereError(f"{what} is missing at the end", self._text, len(self._text))
        self._at += 1
        return token

    def _needs(self, word: str) -> None:
        token = self._next(word)
        if token.kind in ("value", "quoted") or token.word != word:
            raise self._error(f"{word} should stand here, and not {token.text}", token)

    def _error(self, message: str, token: _Token | None) -> WhereError:
        return WhereError(message, self._text, token.start if token is not None else len(self._text))
