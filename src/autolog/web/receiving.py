"""What a page sends when somebody changes something: one object of JSON, and what it says of a change."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from autolog.errors import BadValue

from .errors import Overtaken
from .guarding import LARGEST_BODY

__all__ = ["Wanted", "read_json", "wanted_of"]

#: What stands for `was` where nobody has said it: null is a value.
_UNSAID: Any = object()
_LONGEST_TOLD = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to change, and to what; `was` is what is there as far as those know who want it."""

    what: str
    value: Any
    was: Any = _UNSAID

    @property
    def says_was(self) -> bool:
        """Whether it says what was there."""
        return self.was is not _UNSAID

    def check_text(self, now: str) -> None:
        """See that the text that is there `now` is what it was. Raises Overtaken."""
        if self.says_was and not _is_alike(now, self.was):
            raise Overtaken(f"meanwhile the {self.what} was changed to “{_told(now)}”", now)

    def check_entries(self, entries: Mapping[str, Any]) -> None:
        """See that what is there under each name in `was` is what it was. Raises Overtaken and BadValue."""
        if not self.says_was:
            return
        if not isinstance(self.was, dict):
            raise BadValue("`was` is an object: what was there, by name")
        now = {name: entries[name] for name in self.was if name in entries}
        for name, was in self.was.items():
            if name not in now:
                raise Overtaken(f"meanwhile “{_told(name)}” was removed", now)
            if not _is_alike(now[name], was):
                raise Overtaken(f"meanwhile “{_told(name)}” was changed to “{_told(now[name])}”", now)


def wanted_of(body: Mapping[str, Any], names: Collection[str]) -> Wanted:
    """What a body wants, one of these things, with what it says beside under `was`. Raises BadValue."""
    said = [each for each in body if each != "was"]
    if len(said) != 1 or said[0] not in names:
        raise BadValue(f"say one thing that is to change: {', '.join(names)}")
    return Wanted(said[0], body[said[0]], body.get("was", _UNSAID))


def _is_alike(now: Any, was: Any) -> bool:
    """Whether they are the same, as far as a page can tell: it knows one kind of line end."""
    if isinstance(now, str) and isinstance(was, str):
        now, was = (each.replace("\r\n", "\n").replace("\r", "\n") for each in (now, was))
    # NaN is not like itself, but is written as it was.
    return bool(now == was) or json.dumps(now, sort_keys=True) == json.dumps(was, sort_keys=True)


def _told(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}…"


async def read_json(request: Request) -> Mapping[str, Any]:
    """The object that a request brings along. Raises BadValue for anything else, or too much of it."""
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > LARGEST_BODY:
            raise BadValue(f"at most {LARGEST_BODY:,} bytes can be sent at once")
    try:
        value = json.loads(bytes(found))
    except (ValueError, RecursionError) as error:
        raise BadValue("what was sent is no JSON") from error
    if not isinstance(value, dict):
        raise BadValue("what was sent is no JSON object")
    return value
