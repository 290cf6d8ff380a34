"""Where the bytes of a run's snapshots are to be kept, and how a recorded place is found again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from autolog.config import mask
from autolog.content import Place, is_remote, open_place
from autolog.errors import WeightsUnavailable
from autolog.store import KeptRecord, PlaceRecord

__all__ = ["Destination", "destination_of", "kept_at", "open_recorded", "place_name"]

_HOME = "content"


class Destination(NamedTuple):
    """Where to: the content store (`is_packed`) or plain files, at a folder's path or an fsspec URL.

    `recorded` is the `(url, host)` that goes into the records.
    """

    is_packed: bool
    url: str
    recorded: tuple[str, str]


def destination_of(output_uri: str, content_store: str, home: str, store: str) -> Destination | None:
    """Where `output_uri` says: None for an empty one, the content store for `true`, else plain files there.

    `content_store` is where the packs lie, empty for the folder in `home`. `store` is the store's URL: a
    home that has its own is found again after it was copied elsewhere.
    """
    if not output_uri:
        return None
    if output_uri != "true":
        return Destination(False, output_uri, _recorded(output_uri))
    if content_store:
        return Destination(True, content_store, _recorded(content_store))
    folder = os.path.join(home, _HOME)
    has_its_own = store.startswith("sqlite:///") and os.path.dirname(store.removeprefix("sqlite:///")) == home
    return Destination(True, folder, ("", "") if has_its_own else _recorded(folder))


def open_recorded(place: PlaceRecord, home: str) -> Place:
    """The place of a record.

    Raises WeightsUnavailable if it is a folder of another machine, DestinationError.
    """
    if not place.url:
        return open_place(os.path.join(home, _HOME))
    if place.host and place.host != os.uname().nodename and not os.path.isdir(place.url):
        raise WeightsUnavailable(
            f"the bytes are kept in {place.url} on the machine {place.host}; restore them there, or set"
            " output_uri or content_store to a URL that both reach"
        )
    return open_place(place.url)


def place_name(place: PlaceRecord, home: str) -> str:
    """A place as it may be shown: credentials are masked."""
    return mask(place.url) or os.path.join(home, _HOME)


def kept_at(files: Sequence[KeptRecord], home: str) -> list[str]:
    """Where a snapshot's kept files are, as it may be shown: the content store's place, or the file's own.

    Of several plain files in one place, the folder that they are in.
    """
    found: list[str] = []
    for place_id in dict.fromkeys(each.place.id for each in files):
        here = [each for each in files if each.place.id == place_id]
        place = place_name(here[0].place, home)
        paths = [each.path for each in here if each.path is not None]
        if len(paths) == 1:
            place = f"{place}/{paths[0]}"
        elif paths:
            place = f"{place}/{os.path.commonpath(paths)}"
        found.append(place)
    return found


def _recorded(url: str) -> tuple[str, str]:
    if is_remote(url):
        return url.rstrip("/"), ""
    folder = url.partition("://")[2] if "://" in url else url
    return os.path.abspath(os.path.expanduser(folder)), os.uname().nodename
