"""What people do to models that they have selected: each is one POST of JSON, answered with JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog import keeping
from autolog.errors import BadValue, InUse, NotFound
from autolog.shown import plain
from autolog.store import (
    Going,
    ModelRecord,
    UseRecord,
    check_tag,
    edit_many,
    publish_many,
    published_among,
    uses_by_others,
)

from ..errors import Overtaken
from ..export import as_json
from ..receiving import read_json
from ..site import Site, site_of
from ..table import filters_of
from ..view import View

__all__ = ["ROUTES"]

#: How often those that may go are looked for anew where others change them at the same moment.
_TRIES = 5


class _Asked(NamedTuple):
    """What is to be done to which models; `value` is a tag or a project."""

    ids: list[str]
    value: str
    force: bool


class _Done(NamedTuple):
    """`changed` are those that are something else now, of those it could be done to."""

    done: list[str]
    changed: list[str]
    failed: list[tuple[str, str]]
    freed: int = 0


async def act(request: Request) -> Response:
    """Do one of the actions to the models that are named, or to all that a table shows."""
    action = _ACTIONS.get(request.path_params["action"])
    if action is None:
        raise NotFound(f"there is no such action; there are {', '.join(_ACTIONS)}")
    body = await read_json(request)
    site = site_of(request)

    def perform() -> tuple[_Asked, _Done]:
        asked = _Asked(_ids(site, body), str(body.get("value") or ""), body.get("force") is True)
        return asked, action(site, asked)

    asked, done = await run_in_threadpool(perform)
    names = await run_in_threadpool(_names, site, [each for each, _ in done.failed[:100]])
    answer = {
        "schema": plain.SCHEMA,
        "asked": len(asked.ids),
        "done": done.done,
        "changed": done.changed,
        "failed": [{"id": each, "name": names.get(each, ""), "error": why} for each, why in done.failed],
        "freed": done.freed,
    }
    return Response(as_json(answer), media_type="application/json")


def uses(request: Request) -> Response:
    """Which tasks have loaded these models, and how many are published: what to know before a deletion."""
    site = site_of(request)
    if address := request.query_params.get("all"):
        ids = _ids(site, {"all": address})
    else:
        ids = request.query_params.getlist("id")[:10_000]
    found = _uses(site, ids)
    listed = [
        {"task": {"id": each.task_id, "name": each.task_name}, "model_id": each.model_id, "name": each.name,
         "version": each.version}
        for each in found
    ]  # fmt: skip
    published = published_among(site.store, ids)
    answer = {"schema": plain.SCHEMA, "models": len(ids), "published": published, "uses": listed}
    return Response(as_json(answer), media_type="application/json")


def _ids(site: Site, body: Mapping[str, Any]) -> list[str]:
    """The models that are meant: `ids`, or all that the table at the address `all` shows.

    Raises Overtaken if these aren't as many as `expect` says.
    """
    address = body.get("all")
    if isinstance(address, str):
        path, _, query = address.partition("?")
        if path not in ("/models", "/archive"):
            raise BadValue("`all` is the address of a table: /models?... or /archive?...")
        found = site.browsing.ids(filters_of(site, View.of(path, parse_qsl(query))))
        expected = body.get("expect", len(found))
        if isinstance(expected, bool) or not isinstance(expected, int):
            raise BadValue("`expect` is a whole number: how many models there are")
        if len(found) != expected:
            raise Overtaken(
                f"{len(found):,} models match by now, not {expected:,}: nothing was done", len(found)
            )
        return found
    ids = body.get("ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(each, str) and each for each in ids):
        raise BadValue("`ids` is a list of the ids of models")
    return list(dict.fromkeys(ids))


def _names(site: Site, ids: list[str]) -> dict[str, str]:
    found = {}
    for each in ids:
        try:
            found[each] = site.store.head(each).name
        except NotFound:
            continue
    return found


def _uses(site: Site, ids: list[str]) -> list[UseRecord]:
    return uses_by_others(site.store, (), ids)


# -- actions ------------------------------------------------------------------------------------------


def _edited(site: Site, ids: list[str], change: Callable[[ModelRecord], Mapping[str, Any]]) -> _Done:
    changed: dict[str, bool] = {}

    def noting(record: ModelRecord) -> Mapping[str, Any]:
        wanted = change(record)
        changed[record.id] = any(getattr(record, name) != value for name, value in wanted.items())
        return wanted

    done, failed = edit_many(site.store, ids, noting)
    return _Done(done, [each for each in done if changed[each]], failed)


def _publish(site: Site, asked: _Asked) -> _Done:
    done, failed = publish_many(site.store, asked.ids)
    return _Done(done, done, failed)


def _archive(site: Site, asked: _Asked) -> _Done:
    return _edited(site, asked.ids, lambda record: {"archived": True})


def _restore(site: Site, asked: _Asked) -> _Done:
    return _edited(site, asked.ids, lambda record: {"archived": False})


def _tag(site: Site, asked: _Asked) -> _Done:
    tag = check_tag(asked.value.strip())
    return _edited(site, asked.ids, lambda record: {"tags": tuple(dict.fromkeys((*record.tags, tag)))})


def _untag(site: Site, asked: _Asked) -> _Done:
    tag = asked.value.strip()
    return _edited(
        site, asked.ids, lambda record: {"tags": tuple(each for each in record.tags if each != tag)}
    )


def _move(site: Site, asked: _Asked) -> _Done:
    return _edited(site, asked.ids, lambda record: {"project": asked.value.strip()})


def _delete(site: Site, asked: _Asked) -> _Done:
    """Take models in the archive away for good; those that are published, or that others use, by `force`."""
    for attempt in range(_TRIES):
        going, failed = _deletable(site, asked)
        if not going:
            return _Done([], [], failed)
        snapshot_ids = {number for each in going.values() for number in each}
        what = Going(snapshot_ids, list(going), asked.force, archived=True)
        try:
            removed = keeping.remove(site.store, site.settings, site.kept, what)
            break
        except InUse:
            # Since we looked one was taken out of the archive, published or loaded: the others go.
            if attempt == _TRIES - 1:
                raise
    gone = set(removed.models)
    stays = "its versions are gone; the record stays, since other tasks have loaded it"
    failed += [(each, stays) for each in going if each not in gone]
    return _Done([each for each in going if each in gone], list(gone), failed, removed.collected.freed)


def _deletable(site: Site, asked: _Asked) -> tuple[dict[str, list[int]], list[tuple[str, str]]]:
    """The models that may go, with the ids of their versions; and those that may not, and why."""
    failed: list[tuple[str, str]] = []
    going: dict[str, list[int]] = {}
    users: dict[str, list[str]] = {}
    for use in _uses(site, asked.ids):
        users.setdefault(use.model_id, []).append(use.task_name)
    for each in asked.ids:
        try:
            record = site.store.model(each)
        except NotFound as error:
            failed.append((each, str(error)))
            continue
        if not record.archived:
            failed.append((each, "it is not in the archive; only what is there can be deleted"))
        elif record.status == "published" and not asked.force:
            failed.append((each, "it is published"))
        elif each in users and not asked.force:
            failed.append((each, f"it has been loaded by {', '.join(dict.fromkeys(users[each]))}"))
        else:
            going[each] = [snapshot.id for snapshot in record.snapshots]
    return going, failed


_ACTIONS: Mapping[str, Callable[[Site, _Asked], _Done]] = {
    "publish": _publish,
    "archive": _archive,
    "restore": _restore,
    "tag": _tag,
    "untag": _untag,
    "move": _move,
    "delete": _delete,
}

ROUTES = (
    Route("/models/actions/{action}", act, methods=["POST"], name="act"),
    Route("/models/uses.json", uses, name="uses"),
)
