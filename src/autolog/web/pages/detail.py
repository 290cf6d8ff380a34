"""One model: the tab of its facts, and the model as JSON."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog import keeping
from autolog.errors import NotFound
from autolog.shown import plain
from autolog.store import TaskRecord, model_with_newest, project_names

from ..export import as_json
from ..site import Site, has_route, site_of
from ..usage import command, python_lines
from .tabs import tab_page

__all__ = ["ROUTES"]

#: Projects that are offered when a model is moved.
_OFFERED = 500


def detail(request: Request) -> Response:
    """The page."""
    site = site_of(request)
    model = model_with_newest(site.store, request.path_params["model_id"])
    newest = model.snapshots[-1] if model.snapshots else None
    kept_at = []
    if newest is not None:
        kept_at = keeping.kept_at(site.kept.files(newest.id), site.settings)
    task = _task(site, model.task_id)
    values = {
        "newest": newest,
        "kept_at": kept_at,
        "task": task,
        "task_url": _task_url(request, task),
        "projects": [] if site.options.read_only else project_names(site.store)[:_OFFERED],
        "python": python_lines(site, model),
        "commands": [
            command(site, "show", model.id),
            *([command(site, "restore", f"{model.id}:v{newest.version}")] if newest else []),
        ],
    }
    return tab_page(request, "model_general.html", "model", model, values)


def _task(site: Site, task_id: str | None) -> TaskRecord | None:
    try:
        return None if task_id is None else site.store.task_head(task_id)
    except NotFound:
        return None


def _task_url(request: Request, task: TaskRecord | None) -> str:
    """Where the task is shown: its page, or the table of its models."""
    if task is None:
        return ""
    if has_route(request, "task", task_id=task.id):
        return str(request.app.url_path_for("task", task_id=task.id))
    return f"/models?task={task.id}"


def detail_json(request: Request) -> Response:
    """The same as JSON."""
    site = site_of(request)
    record = site.store.model(request.path_params["model_id"])
    files = site.kept.files_of(each.id for each in record.snapshots)
    kept_at = {key: keeping.kept_at(found, site.settings) for key, found in files.items()}
    task = _task(site, record.task_id)
    answer = {
        "schema": plain.SCHEMA,
        **plain.model(record, kept_at=kept_at),
        "user": None if task is None else task.user,
    }
    return Response(as_json(answer), media_type="application/json")


ROUTES = (
    Route("/models/{model_id}.json", detail_json, name="model-json"),
    Route("/models/{model_id}", detail, name="model"),
)
