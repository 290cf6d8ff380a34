"""What has come since somebody opened a model's or a task's page: told there, and shown when asked for."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.shown import plain
from autolog.store import ModelState, TaskState, state_of_model, state_of_task

from ..export import as_json
from ..live import mark_of, numbers_of
from ..site import site_of

__all__ = ["ROUTES"]

#: One and several of what a task has.
_OF_TASKS = (
    ("inputs", "input model", "input models"),
    ("outputs", "output model", "output models"),
    ("versions", "version", "versions"),
    ("artifacts", "artifact", "artifacts"),
    ("skipped", "path left alone", "paths left alone"),
    ("faults", "fault of ours", "faults of ours"),
)


def of_model(request: Request) -> Response:
    """What a model has beyond a mark."""
    now = state_of_model(site_of(request).store, request.path_params["model_id"])
    then = numbers_of(request.query_params.get("since", ""), len(now))
    told: list[str] = []
    if then is not None:
        before = ModelState(bool(then[0]), *then[1:])
        told = _more(now.versions - before.versions, "version", "versions")
        if request.query_params.get("of") == "scalars" and now.scalars != before.scalars:
            told.append("new values")
        if before.is_running and not now.is_running:
            told.append("its task has ended")
    return _answer(told, mark_of(now), now.is_running)


def of_task(request: Request) -> Response:
    """What a task has beyond a mark."""
    now = state_of_task(site_of(request).store, request.path_params["task_id"])
    then = numbers_of(request.query_params.get("since", ""), len(now))
    told: list[str] = []
    if then is not None:
        before = TaskState("", *then[1:])
        for name, one, several in _OF_TASKS:
            told += _more(getattr(now, name) - getattr(before, name), one, several)
        if then[0] and now.status != "running":
            told.append(f"it has ended: {now.status}")
    return _answer(told, mark_of(now), now.status == "running")


def _more(count: int, one: str, several: str) -> list[str]:
    return [f"{count:,} new {one if count == 1 else several}"] if count > 0 else []


def _answer(told: Sequence[str], mark: str, is_running: bool) -> Response:
    text = ", ".join(told)
    answer = {
        "schema": plain.SCHEMA,
        "text": text[:1].upper() + text[1:],
        "mark": mark,
        "running": is_running,
    }
    return Response(as_json(answer), media_type="application/json")


ROUTES = (
    Route("/models/{model_id}/news.json", of_model, name="model-news-json"),
    Route("/tasks/{task_id}/news.json", of_task, name="task-news-json"),
)
