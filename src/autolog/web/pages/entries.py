"""Labels and metadata of a model: two tables of names and what they stand for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from autolog.shown import plain
from autolog.store import ModelRecord

from ..export import as_json, csv_file
from ..site import site_of
from .tabs import tab_page

__all__ = ["ROUTES"]

#: What an input is handed at most; more is shown cut off, and edited elsewhere.
_LONGEST_SHOWN = 10_000


class Entry(NamedTuple):
    """A value of metadata: `kind` is what it is, `text` how it is written, as JSON if it isn't text."""

    key: str
    kind: str
    text: str
    is_cut: bool


def labels_of(model: ModelRecord) -> list[tuple[str, int]]:
    """The labels by their numbers."""
    return sorted(model.labels.items(), key=lambda pair: (pair[1], pair[0]))


def entries_of(model: ModelRecord) -> list[Entry]:
    """The values of metadata by their names."""
    found = []
    for key, value in sorted(model.metadata.items()):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        found.append(Entry(key, _kind(value), text[:_LONGEST_SHOWN], len(text) > _LONGEST_SHOWN))
    return found


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, (int, float)):
        return "number"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "object"


def labels(request: Request) -> Response:
    """The table of labels."""
    model = _model(request)
    values = {"labels": labels_of(model)}
    return tab_page(request, "model_labels.html", "model-labels", model, values)


def metadata(request: Request) -> Response:
    """The table of metadata."""
    model = _model(request)
    values = {"entries": entries_of(model)}
    return tab_page(request, "model_metadata.html", "model-metadata", model, values)


def _json(name: str) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        model = _model(request)
        found = {"schema": plain.SCHEMA, "id": model.id, name: plain.model(model)[name]}
        return Response(as_json(found), media_type="application/json")

    return answer


def _csv(name: str, rows: Callable[[ModelRecord], Sequence[Sequence[Any]]]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return csv_file(iter(rows(_model(request))), f"{name}.csv")

    return answer


def _model(request: Request) -> ModelRecord:
    return site_of(request).store.head(request.path_params["model_id"])


def _label_rows(model: ModelRecord) -> list[tuple[Any, ...]]:
    return [("label", "id"), *labels_of(model)]


def _metadata_rows(model: ModelRecord) -> list[tuple[Any, ...]]:
    rows = ((key, _kind(value), value) for key, value in sorted(model.metadata.items()))
    return [("key", "type", "value"), *rows]


ROUTES = (
    Route("/models/{model_id}/labels", labels, name="model-labels"),
    Route("/models/{model_id}/labels.json", _json("labels"), name="model-labels-json"),
    Route("/models/{model_id}/labels.csv", _csv("labels", _label_rows), name="model-labels-csv"),
    Route("/models/{model_id}/metadata", metadata, name="model-metadata"),
    Route("/models/{model_id}/metadata.json", _json("metadata"), name="model-metadata-json"),
    Route("/models/{model_id}/metadata.csv", _csv("metadata", _metadata_rows), name="model-metadata-csv"),
)
