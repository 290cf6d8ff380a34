"""The page of one task: how it ran, what was captured, what it was configured with; and changing it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from autolog.config import conceal, mask
from autolog.errors import BadValue
from autolog.shown import plain
from autolog.shown.words import lasted
from autolog.store import TaskRecord, changes_of, check_tag, edit_task, state_of_task

from ..diffs import laid_out
from ..export import as_json
from ..live import mark_of
from ..receiving import read_json, wanted_of
from ..site import has_route, site_of
from ..usage import command

__all__ = ["ROUTES", "flat", "tab_page"]

_TABS = (
    ("task", "General"),
    ("task-artifacts", "Artifacts"),
    ("task-configuration", "Configuration"),
    ("task-lineage", "Lineage"),
)
_TEXTS = ("name", "project", "comment")
_LONGEST_COMMENT, _MOST_TAGS = 100_000, 1_000


class Hooks(NamedTuple):
    """What became of the hooks: `applied` and in `absent` modules, by framework; `refused` ones with why."""

    applied: list[tuple[str, list[str]]]
    absent: list[tuple[str, list[str]]]
    refused: list[tuple[str, str]]

    @property
    def applied_count(self) -> int:
        """How many functions were hooked."""
        return sum(len(each) for _, each in self.applied)

    @property
    def absent_count(self) -> int:
        """How many functions were in modules that the script never imported."""
        return sum(len(each) for _, each in self.absent)


def tab_page(
    request: Request, template: str, route: str, task: TaskRecord, values: Mapping[str, Any]
) -> HTMLResponse:
    """One tab of a task's page, below the header that all have."""
    there = [
        (name, title, request.app.url_path_for(name, task_id=task.id))
        for name, title in _TABS
        if has_route(request, name, task_id=task.id)
        and (name != "task-configuration" or _is_configured(task))
    ]
    common = {"task": task, "tabs": there, "tab_route": route, "seconds": lasted(task), "live_url": ""}
    if route in ("task", "task-artifacts") and task.status == "running":
        common["live_url"] = request.app.url_path_for("task-news-json", task_id=task.id)
        state = state_of_task(site_of(request).store, task.id)
        # What came while the page was made is told rather than missed.
        shown = state._replace(inputs=task.input_count, outputs=task.output_count)
        common["live_mark"] = mark_of(shown._replace(status=task.status))
    return site_of(request).page(request, template, {**common, **values})


def general(request: Request) -> Response:
    """How it ran, and the capture report."""
    site = site_of(request)
    task = site.store.task(request.path_params["task_id"])
    changes = changes_of(site.store, task.id)
    values = {
        "changes": None if changes is None else laid_out(changes),
        "arguments": shlex.join(conceal(list(task.argv[1:]))),
        "hooks": _hooks(task.hooks),
        "output_uri": mask(task.output_uri),
        "parent_url": request.app.url_path_for("task", task_id=task.parent) if task.parent else "",
        "command": command(site, "show", f"task:{task.id}"),
    }
    return tab_page(request, "task_general.html", "task", task, values)


def configuration(request: Request) -> Response:
    """What it was configured with."""
    task = site_of(request).store.task_head(request.path_params["task_id"])
    parameters = [
        (section, [(name, value) for name, value in flat(values)])
        for section, values in task.parameters.items()
    ]
    return tab_page(
        request, "task_configuration.html", "task-configuration", task, {"parameters": parameters}
    )


def general_json(request: Request) -> Response:
    """The task as JSON, whole."""
    site = site_of(request)
    task = site.store.task(request.path_params["task_id"])
    told = plain.task(task, changes_of(site.store, task.id))
    return Response(as_json({"schema": plain.SCHEMA, **told, **_said(task)}), media_type="application/json")


def configuration_json(request: Request) -> Response:
    """What it was configured with, as JSON."""
    task = site_of(request).store.task_head(request.path_params["task_id"])
    answer = {
        "schema": plain.SCHEMA,
        "id": task.id,
        "parameters": dict(task.parameters),
        "configurations": dict(task.configurations),
        "labels": dict(task.labels),
        "design": task.design,
    }
    return Response(as_json(answer), media_type="application/json")


async def change(request: Request) -> Response:
    """Change a task in one way; what is answered under `undo` takes that back when it is sent."""
    wanted = wanted_of(await read_json(request), (*_TEXTS, "tags", "archived"))
    if wanted.says_was and wanted.what not in _TEXTS:
        raise BadValue(f"`was` goes with {', '.join(_TEXTS)} alone")
    site, task_id = site_of(request), request.path_params["task_id"]
    before: dict[str, Any] = {}

    def changing(record: TaskRecord) -> Mapping[str, Any]:
        after = _after(record, wanted.what, wanted.value)
        before.clear()
        for name, value in after.items():
            was = getattr(record, name)
            if name == "tags" and tuple(value) != was:
                gone, new = [t for t in was if t not in value], [t for t in value if t not in was]
                before["tags"] = {"add": gone, "remove": new}
            elif name != "tags" and was != value:
                if name in _TEXTS:
                    wanted.check_text(was)
                before[name] = was
        return after

    after = await run_in_threadpool(edit_task, site.store, task_id, changing)
    undo = {**before, "was": getattr(after, wanted.what)} if before and wanted.what in _TEXTS else before
    answer = {"schema": plain.SCHEMA, "changed": bool(before), "undo": undo}
    return Response(as_json(answer), media_type="application/json")


def _after(record: TaskRecord, what: str, wanted: Any) -> Mapping[str, Any]:
    """The columns of a task that become something else. Raises BadValue and BadName."""
    if what in _TEXTS:
        if not isinstance(wanted, str) or len(wanted) > _LONGEST_COMMENT:
            raise BadValue(f"{what} is text of at most {_LONGEST_COMMENT:,} characters")
        return {what: wanted if what == "comment" else wanted.strip()}
    if what == "archived":
        if not isinstance(wanted, bool):
            raise BadValue("archived is true or false")
        return {what: wanted}
    if not isinstance(wanted, dict) or not wanted or not wanted.keys() <= {"add", "remove"}:
        raise BadValue("say which tags to `add` and which to `remove`")
    added, removed = wanted.get("add", []), wanted.get("remove", [])
    if not all(
        isinstance(each, list) and all(isinstance(tag, str) for tag in each) for each in (added, removed)
    ):
        raise BadValue("`add` and `remove` are lists of tags")
    gone = set(removed)
    left = [tag for tag in record.tags if tag not in gone]
    tags = tuple(dict.fromkeys((*left, *(check_tag(tag.strip()) for tag in added))))
    if len(tags) > max(_MOST_TAGS, len(record.tags)):
        raise BadValue(f"a task may have {_MOST_TAGS:,} tags")
    return {"tags": tags}


def _said(task: TaskRecord) -> dict[str, Any]:
    return {
        "comment": task.comment,
        "archived": task.archived,
        "parent": task.parent,
        "output_uri": mask(task.output_uri),
        "parameters": dict(task.parameters),
        "configurations": dict(task.configurations),
    }


def _is_configured(task: TaskRecord) -> bool:
    return bool(task.parameters or task.configurations or task.labels or task.design)


def flat(values: Any, before: str = "") -> list[tuple[str, Any]]:
    """Parameters by name, those within others as `outer/inner`."""
    if not isinstance(values, Mapping) or not values:
        return [(before or "value", values)]
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        inner = f"{before}/{name}" if before else str(name)
        found += flat(value, inner) if isinstance(value, Mapping) and value else [(inner, value)]
    return found


def _hooks(results: Mapping[str, str]) -> Hooks:
    applied: dict[str, list[str]] = {}
    absent: dict[str, list[str]] = {}
    refused: list[tuple[str, str]] = []
    for target, result in sorted(results.items()):
        framework = target.partition(":")[0].partition(".")[0]
        if result == "applied":
            applied.setdefault(framework, []).append(target)
        elif result.endswith("is not imported"):
            absent.setdefault(framework, []).append(target)
        else:
            refused.append((target, result))
    return Hooks(list(applied.items()), list(absent.items()), refused)


ROUTES = (
    Route("/tasks/{task_id}.json", general_json, name="task-json"),
    Route("/tasks/{task_id}/configuration", configuration, name="task-configuration"),
    Route("/tasks/{task_id}/configuration.json", configuration_json, name="task-configuration-json"),
    Route("/tasks/{task_id}/edit", change, methods=["POST"], name="task-edit"),
    Route("/tasks/{task_id}", general, name="task"),
)
