"""Where the bytes of a run's snapshots are to be kept, and how a recorded place is found again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from autolog.config import mask
from autolog.content import PLAINLY, Place, Reach, is_remote, open_place
from autolog.errors import DestinationError, WeightsUnavailable
from autolog.store import KeptRecord, PlaceRecord

from .here import Here, home_of, mounted, reach_of

__all__ = ["Destination", "destination_of", "kept_at", "open_recorded", "place_name"]

_HOME = "content"


class Destination(NamedTuple):
    """Where to: the content store (`is_packed`) or plain files, at a folder's path or an fsspec URL.

    `recorded` is the `(url, host)` that goes into the records: without a password. `reach` says how it is
    reached.
    """

    is_packed: bool
    url: str
    recorded: tuple[str, str]
    reach: Reach = PLAINLY


def destination_of(
    output_uri: str, content_store: str, home: str, store: str, reach: Reach = PLAINLY
) -> Destination | None:
    """Where `output_uri` says: None for an empty one, the content store for `true`, else plain files there.

    `content_store` is where the packs lie, empty for the folder in `home`. `store` is the store's URL: a
    home that has its own is found again after it was copied elsewhere.
    """
    if not output_uri:
        return None
    if output_uri != "true":
        return Destination(False, output_uri, _recorded(output_uri), reach)
    if content_store:
        return Destination(True, content_store, _recorded(content_store), reach)
    folder = os.path.join(home, _HOME)
    has_its_own = store.startswith("sqlite:///") and os.path.dirname(store.removeprefix("sqlite:///")) == home
    return Destination(True, folder, ("", "") if has_its_own else _recorded(folder))


def open_recorded(place: PlaceRecord, here: Here) -> Place:
    """The place of a record.

    One of another machine is looked for where `path_substitution` says; so is a folder of this one that is
    gone. Raises WeightsUnavailable if it is a folder of another machine, DestinationError.
    """
    if not place.url:
        return open_place(os.path.join(home_of(here), _HOME))
    is_ours = place.host == os.uname().nodename
    is_there = bool(place.host) and os.path.isdir(place.url)
    mount = None if is_ours and is_there else mounted(place.url, here)
    if mount is not None and os.path.isdir(mount):
        return open_place(mount)
    if place.host and not is_ours and not is_there:
        raise WeightsUnavailable(
            f"the bytes are kept in {place.url} on the machine {place.host}; restore them there, say in"
            " path_substitution where that is mounted here, or set output_uri or content_store to a URL that"
            " both reach"
        )
    return open_place(_with_password(place.url, here), reach_of(here))


def _with_password(url: str, here: Here) -> str:
    """A recorded URL with the password that was left out of the records, if it is in the settings."""
    if "***" not in url:
        return url
    for own in () if isinstance(here, str) else (here.output_uri, here.content_store):
        if mask(own).rstrip("/") == url:
            return own
    raise DestinationError(
        f"the password of {url} is not in these settings; set output_uri or content_store to that URL with"
        " it, or better have it in storage_options"
    )


def place_name(place: PlaceRecord, here: Here) -> str:
    """A place as it may be shown: credentials are masked."""
    return mask(place.url) or os.path.join(home_of(here), _HOME)


def kept_at(files: Sequence[KeptRecord], here: Here) -> list[str]:
    """Where a snapshot's kept files are, as it may be shown: the content store's place, or the file's own.

    Of several plain files in one place, the folder that they are in.
    """
    found: list[str] = []
    for place_id in dict.fromkeys(each.place.id for each in files):
        group = [each for each in files if each.place.id == place_id]
        place = place_name(group[0].place, here)
        paths = [each.path for each in group if each.path is not None]
        if len(paths) == 1:
            place = f"{place}/{paths[0]}"
        elif paths:
            place = f"{place}/{os.path.commonpath(paths)}"
        found.append(place)
    return found


def _recorded(url: str) -> tuple[str, str]:
    if is_remote(url):
        return mask(url).rstrip("/"), ""
    folder = url.partition("://")[2] if "://" in url else url
    return os.path.abspath(os.path.expanduser(folder)), os.uname().nodename
