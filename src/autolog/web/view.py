"""The state of a table is its address: what one says is read here, and others are made of it.

    ?q=net&framework=PyTorch&tag=best&tag=-debug&tags=all&metric.val_loss=..0.2&sort=-updated,name&columns=

A value that is empty counts as not there. What a form can't put into one value it may send in two,
`from.updated` and `to.updated`; `View.is_canonical` tells that the address should be put right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlencode

from autolog.config import bytes_of
from autolog.errors import BadValue
from autolog.store import FACETS, RANGES, Filters

__all__ = ["View", "join_list", "split_list", "tag_name", "tag_value", "times", "whole"]

_SINGLE = ("q", "re", "tags", "updated", "where", "sort", "columns", "page", "limit", "view", "model", "tab")
#: Those of other tables.
_SINGLE_ELSEWHERE = ("started", "archived")
_RANGES = ("metric.", "min.", "max.")
#: Filters, as against what they are looked at with.
_LOOKS = ("sort", "columns", "page", "limit", "view", "model", "tab", "archived")
#: Far more than a person writes, and no more than databases take in one question.
_MOST_VALUES, _MOST_KEYS = 300, 100
_LIMITS = (10, 50, 100, 200)
_AGE = re.compile(r"(\d{1,5})([smhdw])")
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
#: What counts of parameters end with.
_COUNTS = {each: 1000.0 ** (n + 1) for n, each in enumerate("kmbt")}


@dataclass(frozen=True)
class View:
    """An address of a table: its path, and what it says, without what is empty or unknown."""

    base: str
    values: Mapping[str, tuple[str, ...]]
    is_canonical: bool = True
    usual: tuple[tuple[str, bool], ...] = (("updated", True),)

    @classmethod
    def of(
        cls,
        base: str,
        pairs: Iterable[tuple[str, str]],
        *,
        known: Callable[[str], bool] | None = None,
        usual: tuple[tuple[str, bool], ...] = (("updated", True),),
    ) -> View:
        """What the pairs behind the question mark say; a table of something else knows other keys.

        `usual` is what it is sorted by unless the address says otherwise.
        """
        is_known = known or _is_known
        values: dict[str, list[str]] = {}
        ends: dict[str, dict[str, str]] = {}
        is_canonical = True
        for key, raw in pairs:
            value = _meant(key, raw)
            where, _, field = key.partition(".")
            if key == "open" or (where == "find" and field):
                is_canonical = False  # a panel's own
            elif where in ("from", "to") and field:
                is_canonical = False
                if value:
                    ends.setdefault(field, {})[where] = value
            elif not value.strip():
                is_canonical = False
            elif is_known(key) and (key in values or len(values) < _MOST_KEYS):
                values.setdefault(key, []).append(value)
        for field, each in ends.items():
            if is_known(field):
                values[field] = [f"{each.get('from', '')}..{each.get('to', '')}"]
        kept = {
            key: tuple(each[:1] if _is_single(key) else dict.fromkeys(each[:_MOST_VALUES]))
            for key, each in values.items()
        }
        return cls(base, kept, is_canonical, usual)

    def first(self, key: str, default: str = "") -> str:
        """The only value of a key."""
        return self.values.get(key, (default,))[0]

    def all(self, key: str) -> tuple[str, ...]:
        """All values of a key."""
        return self.values.get(key, ())

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What the address says, for a form to carry along."""
        return [(key, value) for key, each in self.values.items() for value in each]

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        return urlencode(self.pairs, quote_via=quote, safe=",.:")

    @property
    def url(self) -> str:
        """The address."""
        return self.base + (f"?{self.query}" if self.query else "")

    def but(self, **changes: str | Sequence[str] | None) -> View:
        """Another one with other values, `None` for none; at its first page unless `page` is given."""
        return self.changed({key.rstrip("_"): value for key, value in changes.items()})

    def changed(self, changes: Mapping[str, str | Sequence[str] | None]) -> View:
        """As `but`, for keys that are no names."""
        values = {key: each for key, each in self.values.items() if key != "page"}
        for key, value in changes.items():
            listed = (value,) if isinstance(value, str) else tuple(value or ())
            values.pop(key, None)
            if any(listed):
                values[key] = tuple(each for each in listed if each)
        return replace(self, values=values, is_canonical=True)

    def at(self, path: str) -> View:
        """The same below another path."""
        return replace(self, base=self.base + path, is_canonical=True)

    def without(self, key: str, value: str | None = None) -> View:
        """Another one without a value, or without the whole key."""
        left = () if value is None else tuple(each for each in self.all(key) if each != value)
        return self.changed({key: left})

    @property
    def cleared(self) -> View:
        """Another one without any filter."""
        kept = {key: each for key, each in self.values.items() if key in _LOOKS and key != "page"}
        return replace(self, values=kept, is_canonical=True)

    @property
    def filter_keys(self) -> list[str]:
        """The keys that filter, but for the search."""
        return [key for key in self.values if key not in (*_LOOKS, "q", "re", "tags")]

    @property
    def limit(self) -> int:
        """Rows on a page."""
        limit = whole(self.first("limit"))
        return limit if limit in _LIMITS else 50

    @property
    def order(self) -> list[tuple[str, bool]]:
        """What it is sorted by, and whether descending."""
        words = split_list(self.first("sort"))
        return [(word.removeprefix("-"), word.startswith("-")) for word in words[:8]] or list(self.usual)

    def sorted_by(self, name: str, *, adds: bool = False, down: bool = False) -> View:
        """Another one, sorted by a column alone or, if it `adds` a level, last; twice turns it round."""
        order = self.order if "sort" in self.values or adds else []
        mine = dict(self.order).get(name)
        is_down = down if mine is None else not mine
        if adds:
            order = [(key, is_down if key == name else each) for key, each in order]
            order += [] if mine is not None else [(name, is_down)]
        else:
            order = [(name, is_down)]
        return self.but(sort=join_list([("-" if is_down else "") + key for key, is_down in order]))

    def filters(self, now: float) -> Filters:
        """What it filters by; regular expressions are left out. Raises BadValue."""
        tags = self.all("tag")
        wanted = tuple(tag_name(each) for each in tags if not _is_excluded(each))
        needs_all = self.first("tags") == "all"
        return Filters(
            text="" if self.is_regex else self.first("q"),
            facets={name: tuple(_none(each) for each in self.all(name)) for name in FACETS if self.all(name)},
            tags_any=() if needs_all else wanted,
            tags_all=wanted if needs_all else (),
            tags_not=tuple(each[1:] for each in tags if _is_excluded(each)),
            updated=times(self.first("updated"), now),
            numbers={key: numbers(key, self.first(key)) for key in RANGES if key in self.values},
            measures={key: numbers(key, self.first(key)) for key in self.values if key.startswith(_RANGES)},
            metadata={key[5:]: self.all(key) for key in self.values if key.startswith("meta.")},
            where=self.first("where"),
            archived=self.base == "/archive",
        )

    @property
    def is_regex(self) -> bool:
        """Whether `q` is a regular expression."""
        return bool(self.first("re")) and bool(self.first("q"))


def split_list(text: str) -> list[str]:
    """The words of `a,b%2Cc`: names may have commas in them."""
    return [each.replace("%2C", ",").replace("%25", "%") for each in text.split(",") if each.strip("-")]


def join_list(words: Iterable[str]) -> str:
    """The opposite of `split_list`."""
    return ",".join(each.replace("%", "%25").replace(",", "%2C") for each in words)


def whole(text: str, digits: int = 9) -> int | None:
    """A whole number that isn't negative, of so many digits at most; None if it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def numbers(key: str, text: str) -> tuple[float | None, float | None]:
    """The ends of `0.1..0.2`, `..0.2`, `0.1..` or `0.2`; also `1.5GB..` of sizes and `7M..` of counts.

    Raises BadValue.
    """
    low, dots, high = text.partition("..")
    ends = []
    for each in (low, high if dots else low):
        value = _number_of(key, each.strip()) if each.strip() else None
        if value is not None and math.isnan(value):
            example = "100MB..2GB" if key == "size" else "1M..7B" if key == "parameters" else "0.1..0.2"
            raise BadValue(f"{key} is filtered by numbers, as in {example}, and {text!r} isn't one")
        ends.append(value)
    return ends[0], ends[1]


def _number_of(key: str, text: str) -> float:
    """A number, with a unit where one is usual; NaN if it is none."""
    try:
        if key == "parameters" and (many := _COUNTS.get(text[-1].lower())):
            return float(text[:-1]) * many
        return float(bytes_of(text)) if key == "size" and text[-1].isalpha() else float(text)
    except ValueError:
        return math.nan


def times(text: str, now: float) -> tuple[float | None, float | None]:
    """The ends of `2026-01-01..2026-01-31` (UTC, both days included), also `7d..` for the last seven days."""
    if not text:
        return None, None
    low, dots, high = text.partition("..")
    return _time(low, now, is_end=False), _time(high if dots else low, now, is_end=True)


def _time(text: str, now: float, *, is_end: bool) -> float | None:
    if not text:
        return None
    if age := _AGE.fullmatch(text):
        return now - int(age[1]) * _SPANS[age[2]]
    try:
        when = datetime.fromisoformat(text.removesuffix("Z"))
        when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
        if is_end and len(text) == len("2026-01-31"):
            when += timedelta(days=1, microseconds=-1)
        return when.timestamp()
    except (ValueError, OverflowError) as error:
        raise BadValue(f"{text!r} is no date; write 2026-01-31, or 7d for seven days ago") from error


def _meant(key: str, raw: str) -> str:
    """A value without what an address may have around it.

    A name is all of it: it may begin with a space, and a form sends its line breaks as two characters each.
    """
    if key in ("q", "where"):
        return raw
    if key in (*FACETS, "tag") or key.startswith("meta."):
        return raw.replace("\r\n", "\n")
    return raw.strip()


def _is_known(key: str) -> bool:
    return key in (*_SINGLE, *FACETS, *RANGES, "tag") or key.startswith(("meta.", *_RANGES))


def _is_single(key: str) -> bool:
    return key in (*_SINGLE, *_SINGLE_ELSEWHERE, *RANGES) or key.startswith(_RANGES)


def _is_excluded(tag: str) -> bool:
    return tag.startswith("-") and len(tag) > 1


def tag_value(tag: str) -> str:
    """A tag as an address has it: one that begins with a sign has another one in front."""
    return f"+{tag}" if tag.startswith(("+", "-")) else tag


def tag_name(value: str) -> str:
    """The tag that an address means, with or without it."""
    return value[1:] if value.startswith(("+", "-")) and len(value) > 1 else value


def _none(value: str) -> str:
    # "(none)" stands for no task: what is empty isn't sent.
    return "" if value == "(none)" else value
