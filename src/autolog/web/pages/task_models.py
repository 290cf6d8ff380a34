"""What a task has loaded, made and kept beside: the tab of its artifacts, and setting its inputs by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog import keeping
from autolog.errors import BadValue, NotFound
from autolog.shown import plain
from autolog.shown.words import iso
from autolog.store import (
    ArtifactRecord,
    InputRecord,
    ModelRecord,
    OutputRecord,
    artifacts_of,
    connect_input,
    disconnect_inputs,
    models_by_id,
    reconnect_inputs,
)

from ..export import as_json
from ..having import Having, having
from ..receiving import read_json
from ..site import Site, site_of
from .task import tab_page
from .task_files import is_shown_as_image

__all__ = ["ROUTES", "plain_artifact"]

#: So many of each are shown; the JSON has them all.
_SHOWN = 300
_PREVIEW = 20_000
_ROWS, _CELLS, _CELL = 20, 12, 200


class Input(NamedTuple):
    """An input model, the model as it is now, and whether the bytes that were loaded can be had."""

    record: InputRecord
    model: ModelRecord | None
    having: Having


class Output(NamedTuple):
    """An output model, the model as it is now, and whether bytes of it can be had."""

    record: OutputRecord
    model: ModelRecord | None
    having: Having


class Artifact(NamedTuple):
    """An artifact, where its file is, and how it is shown: a CSV as a table, a picture, else text."""

    record: ArtifactRecord
    path: str
    text: str
    is_cut: bool
    table: list[list[str]]
    is_image: bool


def artifacts(request: Request) -> Response:
    """Input models, output models, other artifacts."""
    site = site_of(request)
    task = site.store.task(request.path_params["task_id"])
    kept = artifacts_of(site.store, task.id)
    inputs, outputs = task.inputs[:_SHOWN], task.outputs[:_SHOWN]
    ids = [*(each.model_id for each in inputs), *(each.model_id for each in outputs)]
    found = models_by_id(site.store, ids)
    values = {
        "inputs": [_input(site, each, found.get(each.model_id)) for each in inputs],
        "outputs": [Output(each, found.get(each.model_id), _having(site, each.model_id)) for each in outputs],
        "artifacts": [_shown(site, each) for each in kept[:_SHOWN]],
        "left": {
            "inputs": len(task.inputs) - len(inputs),
            "outputs": len(task.outputs) - len(outputs),
            "artifacts": max(0, len(kept) - _SHOWN),
        },
    }
    return tab_page(request, "task_artifacts.html", "task-artifacts", task, values)


def artifacts_json(request: Request) -> Response:
    """The same as JSON."""
    site = site_of(request)
    task = site.store.task(request.path_params["task_id"])
    answer = {
        "schema": plain.SCHEMA,
        "id": task.id,
        "inputs": [plain.given(each) for each in task.inputs],
        "outputs": [plain.made(each) for each in task.outputs],
        "artifacts": [plain_artifact(site, each) for each in artifacts_of(site.store, task.id)],
    }
    return Response(as_json(answer), media_type="application/json")


async def change_inputs(request: Request) -> Response:
    """`connect` a model, named as anywhere, as an input of the task; or `disconnect` one, by its id.

    What is answered under `undo` then puts back all that was recorded of it, when it is sent.
    """
    body = await read_json(request)
    site, task_id = site_of(request), request.path_params["task_id"]
    if len(body) != 1 or not body.keys() <= _CHANGES.keys():
        raise BadValue("say which model to `connect` or to `disconnect`")
    ((what, named),) = body.items()
    if not isinstance(named, str) or not named.strip():
        raise BadValue(f"`{what}` names a model: its id or name, with :v3 or @alias behind it for a version")
    answer = await run_in_threadpool(_CHANGES[what], site, task_id, named.strip())
    return Response(as_json({"schema": plain.SCHEMA, **answer}), media_type="application/json")


def _connect(site: Site, task_id: str, named: str) -> dict[str, Any]:
    model_id, version = site.store.find_model(named)
    connect_input(site.store, task_id, model_id, version, "")
    return {"connected": model_id, "version": version}


def _disconnect(site: Site, task_id: str, model_id: str) -> dict[str, Any]:
    versions = [each.version for each in site.store.task(task_id).inputs if each.model_id == model_id]
    taken = disconnect_inputs(site.store, task_id, [model_id])
    if not taken:
        raise NotFound(f"the model {model_id!r} is no input of this task")
    undo = {"reconnect": site.taken.keep(task_id, taken)}
    return {"disconnected": model_id, "versions": versions, "undo": undo}


def _reconnect(site: Site, task_id: str, mark: str) -> dict[str, Any]:
    with site.taken.given(task_id, mark) as taken:
        reconnect_inputs(site.store, task_id, taken)
    return {"reconnected": len(taken)}


_CHANGES: Mapping[str, Callable[[Site, str, str], dict[str, Any]]] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "reconnect": _reconnect,
}


def _input(site: Site, record: InputRecord, model: ModelRecord | None) -> Input:
    # Nobody knows which version it was, if it says none.
    found = Having() if record.version is None else _having(site, record.model_id, record.version)
    return Input(record, model, found)


def _having(site: Site, model_id: str, version: int | None = None) -> Having:
    try:
        return having(site, model_id, version)
    except NotFound as error:
        return Having(None, str(error))


def _shown(site: Site, record: ArtifactRecord) -> Artifact:
    path = f"{keeping.place_name(record.place, site.settings)}/{record.path}"
    is_image = is_shown_as_image(record)
    text = record.preview[:_PREVIEW]
    is_table = record.kind == "table" or record.path.lower().endswith((".csv", ".tsv"))
    table = _table(text, "\t" if record.path.lower().endswith(".tsv") else ",") if is_table else []
    return Artifact(record, path, text, len(record.preview) > len(text), table, is_image)


def _table(text: str, delimiter: str) -> list[list[str]]:
    """The first rows of a CSV, if it is one; what is longer than a cell is cut."""
    try:
        rows = list(csv.reader(io.StringIO("\n".join(text.splitlines()[: _ROWS + 1])), delimiter=delimiter))
    except csv.Error:
        return []
    rows = [[cell[:_CELL] for cell in row[:_CELLS]] for row in rows if row]
    return rows if len(rows) > 1 and len(rows[0]) > 1 else []


def plain_artifact(site: Site, record: ArtifactRecord) -> dict[str, Any]:
    """An artifact as JSON has it."""
    return {
        "name": record.name,
        "kind": record.kind,
        "path": f"{keeping.place_name(record.place, site.settings)}/{record.path}",
        "size": record.size,
        "digest": record.digest,
        "metadata": dict(record.metadata),
        "preview": record.preview,
        "created": iso(record.created),
    }


ROUTES = (
    Route("/tasks/{task_id}/artifacts", artifacts, name="task-artifacts"),
    Route("/tasks/{task_id}/artifacts.json", artifacts_json, name="task-artifacts-json"),
    Route("/tasks/{task_id}/inputs", change_inputs, methods=["POST"], name="task-inputs"),
)
