"""Changing one model: one POST of JSON that says what becomes something else, and an answer that can undo it.

    {"name": "resnet"}    {"project": "vision"}    {"description": "..."}    {"design": "..." or null}
    {"tags": {"add": ["best"], "remove": ["debug"]}}
    {"labels": {"remove": ["cat"], "add": {"kitten": 0}}}    {"metadata": {"add": {"lr": 0.1}}}
    {"metadata": {"rename": {"lr": "rate"}}}    {"aliases": {"add": {"best": 3}, "remove": ["old"]}}

What is removed goes first, then what is renamed, and what is added must not be there then: so two people who
add the same name at once don't overwrite each other. Nor does a change that says beside it, under `was`, what
was there when it was made: as an undo does, which takes back one change and not what others have done since.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.errors import BadName, BadValue, NotFound
from autolog.shown import plain
from autolog.store import ModelRecord, alias, edit, is_same, model_with_newest, unalias

from ..export import as_json
from ..receiving import Wanted, read_json, wanted_of
from ..site import Site, site_of

__all__ = ["ROUTES"]

_LONGEST_KEY = 1_000
_LONGEST_VALUE, _DEEPEST_VALUE = 1_000_000, 100

Undo = dict[str, Any]


async def change(request: Request) -> Response:
    """Change a model in one way; what is answered under `undo` takes that back when it is sent."""
    wanted = wanted_of(await read_json(request), _CHANGES)
    model_id = request.path_params["model_id"]
    undo = await run_in_threadpool(_CHANGES[wanted.what], site_of(request), model_id, wanted)
    record = await run_in_threadpool(site_of(request).store.head, model_id)
    answer = {
        "schema": plain.SCHEMA,
        "changed": bool(undo),
        "undo": undo,
        # A browser knows no 1.0, nor a whole number beyond 2**53: it sends this back as it is.
        "undo_text": json.dumps(undo),
        "updated": plain.model(record)["updated"],
    }
    return Response(as_json(answer), media_type="application/json")


# -- texts --------------------------------------------------------------------------------------------


def _text(column: str) -> Callable[[Site, str, Wanted], Undo]:
    """Changes one text of a model."""

    def act(site: Site, model_id: str, wanted: Wanted) -> Undo:
        value = wanted.value
        if not isinstance(value, str) and not (value is None and column == "design"):
            raise BadValue(f"{wanted.what} is text")
        text = value if value is None or column in ("design", "comment") else value.strip()
        before: Undo = {}

        def changing(record: ModelRecord) -> Mapping[str, Any]:
            before.clear()
            now = getattr(record, column)
            if now != text:
                wanted.check_text(now or "")
                before[wanted.what] = now
            return {column: text}

        after = edit(site.store, model_id, changing)
        return {**before, "was": getattr(after, column) or ""} if before else {}

    return act


# -- lists and mappings -------------------------------------------------------------------------------


def _tags(site: Site, model_id: str, wanted: Wanted) -> Undo:
    added, removed = _parts(wanted, list)
    tags = [_key(each, "a tag") for each in added]
    undo: Undo = {}

    def changing(record: ModelRecord) -> Mapping[str, Any]:
        left = [each for each in record.tags if each not in removed]
        after = tuple(dict.fromkeys((*left, *tags)))
        undo.clear()
        undo.update(_undo("tags", [t for t in after if t not in record.tags],
                          [t for t in record.tags if t not in after]))  # fmt: skip
        return {"tags": after}

    edit(site.store, model_id, changing)
    return undo


def _entries(column: str, one: str, check: Callable[[str, Any], Any]) -> Callable[[Site, str, Wanted], Undo]:
    """Changes the entries of a mapping."""

    def act(site: Site, model_id: str, wanted: Wanted) -> Undo:
        added, removed = _parts(wanted, dict, "rename")
        new = {_key(name, one): check(name, value) for name, value in added.items()}
        renamed = _renamed(wanted, one)
        undo: Undo = {}

        def changing(record: ModelRecord) -> Mapping[str, Any]:
            before = dict(getattr(record, column))
            wanted.check_entries(before)
            left = {name: value for name, value in before.items() if name not in removed}
            if missing := [name for name in renamed if name not in left]:
                raise NotFound(f"{one} {missing[0]!r} isn't there any more")
            after: dict[str, Any] = {}
            stay = ((renamed.get(name, name), value) for name, value in left.items())
            for name, value in chain(stay, new.items()):
                if name in after:
                    raise BadName(f"there is {one} {name!r} already")
                after[name] = value
            undo.clear()
            if not is_same(after, before):
                gone = {name: before[name] for name in removed if name in before}
                undo.update({column: {"remove": list(new), "add": gone}})
            return {column: after}

        after = getattr(edit(site.store, model_id, changing), column)
        if undo and renamed:
            undo[column]["rename"] = {name: old for old, name in renamed.items()}
        if undo and new:
            undo["was"] = {name: after[name] for name in new if name in after}
        return undo

    return act


def _aliases(site: Site, model_id: str, wanted: Wanted) -> Undo:
    """An alias may be moved from one version to another: it stands for one at a time; null is the newest."""
    added, removed = _parts(wanted, dict)
    model = model_with_newest(site.store, model_id)
    before = model.aliases
    for name, version in added.items():
        newest = model.snapshots[-1].version if model.snapshots else 1
        alias(site.store, model_id, name, newest if version is None else _whole(name, version))
    for name in removed:
        if name not in added:
            unalias(site.store, model_id, name)
    gone = {name: before[name] for name in (*added, *removed) if name in before}
    return _undo("aliases", [name for name in added if name not in before], gone)


def _undo(what: str, added: list[str], gone: Any) -> Undo:
    return {what: {"remove": added, "add": gone}} if added or gone else {}


def _parts(wanted: Wanted, kind: type[Any], *more: str) -> tuple[Any, Collection[str]]:
    """What is to be added, a list or an object, and what is to be removed; `more` is read elsewhere."""
    value = wanted.value
    if not isinstance(value, dict) or not value or not value.keys() <= {"add", "remove", *more}:
        raise BadValue("say what to `add` and what to `remove`")
    if wanted.says_was and not more:
        raise BadValue(f"{wanted.what} can't say what they were: `add` and `remove` are all that changes")
    added, removed = value.get("add", kind()), value.get("remove", [])
    if not isinstance(added, kind) or not isinstance(removed, list):
        raise BadValue(f"`add` is {'a list' if kind is list else 'an object'}, and `remove` a list")
    if not all(isinstance(each, str) for each in removed):
        raise BadValue("`remove` is a list of names")
    # Not a list, which would be gone through for each tag while nobody else may write.
    return added, dict.fromkeys(removed)


def _renamed(wanted: Wanted, one: str) -> dict[str, str]:
    """New names by the old ones."""
    found = wanted.value.get("rename", {})
    if not isinstance(found, dict):
        raise BadValue("`rename` is an object: new names by the old ones")
    return {old: _key(new, one) for old, new in found.items()}


def _key(name: Any, what: str) -> str:
    """A tag, the name of a label or of a value of metadata, without spaces around it."""
    if not isinstance(name, str) or not name.strip() or len(name.strip()) > _LONGEST_KEY:
        raise BadName(f"{what} is named by text of 1 to {_LONGEST_KEY:,} characters")
    return name.strip()


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise BadValue(f"the number of {name!r} has to be a whole number")
    return value


def _anything(name: str, value: Any) -> Any:
    level, inner = 0, [value]
    while inner := [each for one in inner if isinstance(one, (dict, list)) for each in _inside(one)]:
        level += 1
        if level > _DEEPEST_VALUE:
            raise BadValue(f"the value of {name!r} has more than {_DEEPEST_VALUE} lists within each other")
    if len(json.dumps(value)) > _LONGEST_VALUE:
        raise BadValue(f"the value of {name!r} is longer than {_LONGEST_VALUE:,} characters as JSON")
    return value


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


_CHANGES: Mapping[str, Callable[[Site, str, Wanted], Undo]] = {
    "name": _text("name"),
    "project": _text("project"),
    "description": _text("comment"),
    "design": _text("design"),
    "tags": _tags,
    "labels": _entries("labels", "a label", _whole),
    "metadata": _entries("metadata", "a value", _anything),
    "aliases": _aliases,
}

ROUTES = (Route("/models/{model_id}/edit", change, methods=["POST"], name="model-edit"),)
