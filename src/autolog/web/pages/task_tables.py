"""The tables of a task's page as CSV, and its uncommitted changes as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.errors import NotFound
from autolog.shown import plain
from autolog.shown.words import iso
from autolog.store import TaskRecord, artifacts_of, changes_of

from ..diffs import as_patch
from ..downloading import download, safe_name
from ..export import csv_file
from ..site import Site, site_of
from .task import flat
from .task_models import plain_artifact

__all__ = ["ROUTES"]

_Rows = Iterator[list[Any]]
_INPUT = ("model_id", "name", "framework", "version", "digest", "path", "origin", "own", "count")
_OUTPUT = ("model_id", "name", "framework", "versions")
_ARTIFACT = ("name", "kind", "path", "size", "digest", "created")


def _hooks(site: Site, task: TaskRecord) -> _Rows:
    yield ["function", "result"]
    for target, result in sorted(task.hooks.items()):
        yield [target, result]


def _skipped(site: Site, task: TaskRecord) -> _Rows:
    yield ["rule", "count", "path"]
    for each in task.skipped:
        yield [each.rule, each.count, each.path]


def _not_kept(site: Site, task: TaskRecord) -> _Rows:
    yield ["versions", "keeping", "reason"]
    for each in task.not_kept:
        yield [each.count, each.keeping, each.reason]


def _faults(site: Site, task: TaskRecord) -> _Rows:
    yield ["time", "where", "error"]
    for each in task.faults:
        yield [iso(each.time), each.where, each.error]


def _parameters(site: Site, task: TaskRecord) -> _Rows:
    yield ["section", "name", "value"]
    for section, values in task.parameters.items():
        for name, value in flat(values):
            yield [section, name, value]


def _labels(site: Site, task: TaskRecord) -> _Rows:
    yield ["label", "id"]
    yield from map(list, task.labels.items())


def _inputs(site: Site, task: TaskRecord) -> _Rows:
    yield list(_INPUT)
    for each in map(plain.given, task.inputs):
        yield [each[name] for name in _INPUT]


def _outputs(site: Site, task: TaskRecord) -> _Rows:
    yield list(_OUTPUT)
    for each in map(plain.made, task.outputs):
        yield [each[name] for name in _OUTPUT]


def _artifacts(site: Site, task: TaskRecord) -> _Rows:
    yield list(_ARTIFACT)
    for record in artifacts_of(site.store, task.id):
        each = plain_artifact(site, record)
        yield [each[name] for name in _ARTIFACT]


#: By the last part of their addresses.
_TABLES: dict[str, Callable[[Site, TaskRecord], _Rows]] = {
    "hooks": _hooks,
    "skipped": _skipped,
    "not-kept": _not_kept,
    "faults": _faults,
    "configuration": _parameters,
    "labels": _labels,
    "inputs": _inputs,
    "outputs": _outputs,
    "artifacts": _artifacts,
}


def _csv(name: str) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        site = site_of(request)
        task = site.store.task(request.path_params["task_id"])
        return csv_file(_TABLES[name](site, task), f"{name}.csv")

    return answer


def changes_diff(request: Request) -> Response:
    """What the task's repository had beyond its commit, for `git apply`. Raises NotFound."""
    site = site_of(request)
    task = site.store.task_head(request.path_params["task_id"])
    found = changes_of(site.store, task.id)
    if found is None or not found.diff:
        raise NotFound("no changes of its repository are recorded for this task")
    data = as_patch(found, task.id, str(task.git.get("commit") or "")).encode("utf-8", "replace")
    name = f"{safe_name(task.name)}-{task.id[:8]}{'-incomplete' if found.cut_bytes else ''}.diff"
    return download([data], name, len(data), is_head=request.method == "HEAD")


ROUTES = (
    *(Route(f"/tasks/{{task_id}}/{name}.csv", _csv(name), name=f"task-{name}-csv") for name in _TABLES),
    Route("/tasks/{task_id}/changes.diff", changes_diff, name="task-changes-diff"),
)
