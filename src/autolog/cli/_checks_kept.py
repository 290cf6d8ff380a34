"""What `autolog doctor` looks at of kept bytes: where they go, where they are, what waits."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any

from autolog import config
from autolog.errors import AutologError, StoreError

if TYPE_CHECKING:
    from autolog.keeping import Destination

    from ._checks import Findings

__all__ = ["look_at_kept"]


def look_at_kept(found: Findings, settings: config.Settings) -> None:
    """The destination, the places that hold bytes, and what is on its way."""
    from autolog.agent.aside import waiting_size
    from autolog.agent.told import Told
    from autolog.agent.waiting import leftovers, why_held_up

    waiting = leftovers(settings.home)
    # What agents are at is among them: they may be at it in vain, and then the store knows why.
    count, reason = len(waiting), found.waiting[1] or why_held_up(waiting, Told.of_settings(settings))
    size = waiting_size(settings.home)
    found.data["kept"] = {
        "destination": _destination(found, settings),
        "places": _places(found, settings),
        "waiting": {
            "versions": count,
            "size": size,
            "reason": reason,
        },
    }
    if count and (reason or found.waiting[0]):
        found.notes.append(f"the bytes of {count} versions wait to be kept ({reason}); try `autolog sync`")


def _destination(found: Findings, settings: config.Settings) -> dict[str, Any] | None:
    from autolog.keeping import destination_of, reach_of

    destination = destination_of(
        settings.output_uri, settings.content_store, settings.home, settings.store, reach_of(settings)
    )
    if destination is None:
        return None
    problem = _write_problem(destination)
    place = config.mask(destination.url)
    if problem is not None:
        found.broken(
            f"weights can't be kept in {place}: {problem}", "do as it says, or set another output_uri"
        )
    return {"place": place, "packed": destination.is_packed, "writable": problem is None}


def _write_problem(destination: Destination) -> str | None:
    """Why nothing can be put there; tried out, unless it is a folder that isn't made yet."""
    from autolog.content import is_remote, open_place

    url = destination.url
    if not is_remote(url):
        there = os.path.abspath(url.partition("://")[2] if "://" in url else url)
        while not os.path.lexists(there):
            there = os.path.dirname(there)
        if not os.path.isdir(there):
            return f"{there} is not a folder"
        return (
            None if os.access(there, os.W_OK | os.X_OK) else f"{there} can't be written (permission denied)"
        )
    name = f".autolog-doctor-{os.urandom(4).hex()}"
    try:
        place = open_place(url, destination.reach)
        with tempfile.NamedTemporaryFile() as file:
            place.publish(name, file.name)
        place.remove(name)
    except AutologError as error:
        return str(error)
    return None


def _places(found: Findings, settings: config.Settings) -> list[dict[str, Any]]:
    from autolog.keeping import open_recorded, place_name
    from autolog.store import Kept, Store

    if found.data["store"] is None or found.data["store"]["status"] != "open":
        return []
    places = []
    store = Store.open(settings.store, create=False)
    try:
        kept = Kept(store)
        for record in kept.places():
            held = kept.total(record.id) + kept.plain(record.id)
            if not held:
                continue
            problem, name = None, place_name(record, settings)
            try:
                open_recorded(record, settings).probe()
            except AutologError as error:
                problem = str(error)
                found.notes.append(f"what is kept in {name} is out of reach: {error}")
            places.append({"place": name, "held": held, "problem": problem})
    except StoreError as error:
        found.broken(str(error), "do as it says, or set AUTOLOG_STORE to another store")
    finally:
        store.close()
    return places
