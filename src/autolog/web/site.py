"""What every page needs: the store, the questions to it, the settings, and the templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import east_asian_width

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import NoMatchFound

from autolog import __version__
from autolog.shown import words

from .options import Options
from .undoing import TakenInputs
from .view import tag_name, tag_value

if TYPE_CHECKING:
    from autolog.config import Settings
    from autolog.store import Browsing, Kept, Store

__all__ = ["NAVIGATION", "SAFE_HEADERS", "Entry", "Site", "has_route", "site_of"]

#: What every answer says, unless it has its own word on it.
SAFE_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Entry(NamedTuple):
    """A link at the top of every page; `route` is the name of its route, `keys` how one gets there."""

    route: str
    title: str
    keys: str


#: Addresses are shorter; longer text is only shown where it is what the page is about.
_LONGEST = 100_000

#: Those whose routes there are. A room of pages adds its own line.
NAVIGATION = [
    Entry("start", "Start", "g s"),
    Entry("models", "Models", "g m"),
    Entry("tasks", "Tasks", "g t"),
    Entry("archive", "Archive", "g a"),
]


#: What each key does, as the help lists it.
KEYS = (
    ("j or ↓", "next row"),
    ("k or ↑", "previous row"),
    ("Enter", "open the row"),
    ("x", "select the row; with shift, all rows up to it"),
    ("/", "search"),
    ("Esc", "close what is open, or select nothing"),
    ("g then s", "start page"),
    ("g then m", "models"),
    ("g then t", "tasks"),
    ("g then a", "archive"),
    ("?", "this help"),
)


@dataclass
class Site:
    """One for each app; its pages find it with `site_of`."""

    store: Store
    kept: Kept
    settings: Settings
    options: Options
    taken: TakenInputs = field(default_factory=TakenInputs)
    browsing: Browsing = field(init=False)

    def __post_init__(self) -> None:
        from autolog.store import Browsing

        self.browsing = Browsing(self.store)

    @cached_property
    def templates(self) -> Environment:
        """The templates: everything put into them is escaped, and what isn't there is an error."""
        found = Environment(
            loader=PackageLoader("autolog.web"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            finalize=_within_reason,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        found.filters.update(
            age=words.age,
            bytes=words.size,
            count=words.count,
            digest=words.digest,
            duration=words.duration,
            iso=words.iso,
            moment=words.moment,
            plain_number=_plain_number,
            plural=_plural,
            shorter=_shorter,
            standing=words.standing,
            tag_name=tag_name,
            tag_value=tag_value,
            whole=_Whole,
        )
        return found

    def page(
        self, request: Request, template: str, values: Mapping[str, Any], *, status: int = 200
    ) -> HTMLResponse:
        """A template filled, with what every page has."""
        there = [each for each in NAVIGATION if has_route(request, each.route)]
        common = {
            "navigation": [(each, request.app.url_path_for(each.route)) for each in there],
            "path": request.url.path,
            "csrf": self.options.csrf,
            "read_only": self.options.read_only,
            "version": __version__,
            "store_name": self.store.name,
            "key_list": KEYS,
        }
        text = self.templates.get_template(template).render({**common, **values})
        # Half a character, as a name on disk may hold one, is shown as a question mark.
        return HTMLResponse(text.encode("utf-8", "replace"), status)


def site_of(request: Request) -> Site:
    """The site that a request is for."""
    found = request.app.state.site
    assert isinstance(found, Site)
    return found


def has_route(request: Request, name: str, **parameters: str) -> bool:
    """Whether there is a page of this name: rooms of pages come one by one."""
    try:
        request.app.url_path_for(name, **parameters)
    except NoMatchFound:
        return False
    return True


class _Whole(str):
    """Text that a page shows however long it is."""


def _within_reason(value: Any) -> Any:
    """What a page shows of any value: a name may be of megabytes, and a page shows it many times."""
    if type(value) is str and len(value) > _LONGEST:
        return value[:_LONGEST] + "…"
    return value


def _plural(count: int, one: str, many: str = "") -> str:
    """`1 model`, `3 models`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _shorter(text: str, width: int) -> str:
    """Text cut to about this many columns, for places that can't clip it; wide letters take two."""
    room = width
    for place, letter in enumerate(text):
        room -= 2 if east_asian_width(letter) in "WF" else 1
        if room < 0:
            return text[: max(1, place - 1)].rstrip() + "…"
    return text


def _plain_number(value: Any) -> str:
    """A number of a metric, short; anything else of metadata as JSON, text as it is."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return f"{value:,}" if isinstance(value, int) and abs(value) < 1 << 63 else f"{value:.6g}"
