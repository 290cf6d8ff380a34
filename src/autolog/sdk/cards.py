"""How models and queries look in a notebook: HTML in which everything of people's is text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from autolog.shown import words

if TYPE_CHECKING:
    from .model import BaseModel
    from .query import Query

__all__ = ["card", "table"]

_ROWS = 20
_CELL = "padding:2px 12px 2px 0;text-align:left;vertical-align:top"


def card(model: BaseModel) -> str:
    """A model's name, newest version, tags and metrics."""
    from autolog.errors import AutologError

    try:
        record = model._whole
    except AutologError as error:
        return f"<div>{escape(str(error))}</div>"
    newest = model._newest_of(record)
    version = "" if newest is None else f"v{newest.version}"
    rows: list[tuple[str, Any]] = [
        ("Id", record.id),
        ("Project", record.project),
        ("Framework", record.framework),
        ("Status", record.status),
        ("Task", record.task_name or record.origin),
        ("Version", f"{version} of {len(record.snapshots)}" if version else "none yet"),
    ]
    if newest is not None:
        rows += [
            ("Iteration", newest.iteration),
            ("Size", words.size(newest.size)),
            ("Weights", newest.standing),
        ]
        rows += [("Path", newest.uri), ("Digest", newest.digest)]
    rows += [("Tags", ", ".join(record.tags)), ("Aliases", ", ".join(record.aliases))]
    rows += [("Metrics", ", ".join(f"{k} {v:.6g}" for k, v in model.metrics.items() if v is not None))]
    cells = "".join(
        f'<tr><th style="{_CELL}">{name}</th><td style="{_CELL}">{escape(_short(value))}</td></tr>'
        for name, value in rows
        if value not in (None, "")
    )
    return f"<div><b>{escape(_short(record.name))}</b><table>{cells}</table></div>"


def table(query: Query) -> str:
    """The first rows of a query, and how many there are."""
    names = ("name", "project", "framework", "version", "iteration", "size", "status", "tags", "updated")
    head = "".join(f'<th style="{_CELL}">{name}</th>' for name in names)
    body = []
    for row in query[:_ROWS].rows():
        shown = {**row, "size": words.size(row["size"]), "tags": ", ".join(row["tags"])}
        shown["updated"] = f"{row['updated']:%Y-%m-%d %H:%M} UTC"
        cells = "".join(f'<td style="{_CELL}">{escape(_short(shown[name]))}</td>' for name in names)
        body.append(f"<tr>{cells}</tr>")
    count = len(query)
    said = f"{count:,} models" + (f", the first {_ROWS} of them" if count > _ROWS else "")
    return f"<div>{said}<table><tr>{head}</tr>{''.join(body)}</table></div>"


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"
