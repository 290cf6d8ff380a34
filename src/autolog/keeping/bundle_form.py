"""Whether what a bundle says is what a bundle says: every name, type and reference is looked at, since a
bundle may come from anybody.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from autolog.errors import BundleError

from .layout import is_safe_name

__all__ = ["FORMAT", "check"]

#: The version of bundles that is written, and the newest that is read.
FORMAT = 1

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_DIGEST = re.compile(r"blake3:[0-9a-f]{64}")
_STATES = {"pending", "at_path", "in_memory", "overwritten", "gone", "lost"}


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 62


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _time(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _kind(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 16


def _digests(value: Any) -> bool:
    return isinstance(value, list) and all(map(_digest, value))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _labels(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_whole, value.values()))


def _by_text(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_text, value.values()))


def _state(value: Any) -> bool:
    return value in _STATES


def _tensors(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, list)
        and len(each) == 3
        and _text(each[0])
        and isinstance(each[1], list)
        and all(map(_count, each[1]))
        and _text(each[2])
        for each in value
    )


def _maybe(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or kind(value)


def _safe(value: Any) -> bool:
    return isinstance(value, str) and is_safe_name(value)


_FILE = {"path": _safe, "size": _count, "digest": _digest, "weights": _truth}


def _files(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(_is(each, _FILE) for each in value)
        and len({each["path"] for each in value}) == len(value)
    )


def _is(row: Any, form: Mapping[str, Callable[[Any], bool]]) -> bool:
    return isinstance(row, dict) and all(key in row and kind(row[key]) for key, kind in form.items())


_FORMS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "tasks": {
        "id": _id, "project": _text, "name": _text, "status": _text, "reason": _text, "started": _time,
        "finished": _maybe(_time), "user": _text, "host": _text, "script": _text, "argv": _texts,
        "cwd": _text, "tags": _texts, "git": _object, "versions": _by_text, "job": _object, "hooks": _by_text,
    },
    "models": {
        "id": _id, "project": _text, "name": _text, "task_id": _maybe(_id), "key": _text, "framework": _text,
        "type": _text, "status": _text, "archived": _truth, "tags": _texts, "labels": _labels,
        "metadata": _object, "design": _maybe(_text), "comment": _text, "origin": _maybe(_text),
        "created": _time, "updated": _time,
    },
    "snapshots": {
        "model_id": _id, "version": _count, "event_id": _id, "digest": _maybe(_digest),
        "size": _maybe(_count), "uri": _maybe(_text), "state": _state, "reason": _text,
        "iteration": _maybe(_whole), "function": _text, "rank": _maybe(_count),
        "metrics": _object, "created": _time, "files": _files,
    },
    "inputs": {
        "task_id": _id, "model_id": _id, "version": _maybe(_count), "name": _text, "path": _maybe(_text),
        "framework": _text, "function": _text, "own": _truth, "also_made_by": _texts, "count": _count,
        "first_loaded": _time,
    },
    "contents": {
        "digest": _digest, "format": _text, "parameters": _maybe(_count), "tensors": _tensors,
        "details": _object, "dangerous": _texts,
    },
    "files": {"digest": _digest, "size": _count},
}  # fmt: skip


def _scalars(value: Any) -> bool:
    def is_number(each: Any) -> bool:
        return isinstance(each, (int, float)) and not isinstance(each, bool) and math.isfinite(each)

    return isinstance(value, list) and all(
        isinstance(each, list)
        and len(each) == 4
        and _text(each[0])
        and (each[1] is None or _count(each[1]))
        and (each[2] is None or is_number(each[2]))
        and _time(each[3])
        for each in value
    )


_FIGURE = {"title": _text, "series": _text, "iteration": _maybe(_count), "kind": _kind, "figure": _object,
           "created": _time}  # fmt: skip


def _figures(value: Any) -> bool:
    return isinstance(value, list) and all(_is(each, _FIGURE) for each in value)


_CHANGES = {"diff": _text, "binary": _texts, "untracked": _texts, "names_left": _count, "cut_lines": _count,
            "cut_bytes": _count, "altered": _count, "problem": _text}  # fmt: skip


def _changes(value: Any) -> bool:
    read = value.get("read") if isinstance(value, dict) else None
    is_number = isinstance(read, (int, float)) and not isinstance(read, bool) and math.isfinite(read)
    return is_number and _is(value, _CHANGES)


#: What bundles of earlier versions haven't got.
_OPTIONAL: dict[str, dict[str, Callable[[Any], bool]]] = {
    "tasks": {
        "kind": _text, "comment": _text, "archived": _truth, "parent": _maybe(_id), "configurations": _object,
        "parameters": _object, "labels": _labels, "design": _maybe(_text), "changes": _changes,
    },
    "models": {
        "aliases": _labels, "scalars": _scalars, "figures": _figures, "role": _text, "system_tags": _texts,
        "said": _texts,
    },
    "snapshots": {"weights_digests": _digests},
}  # fmt: skip


def check(found: Any) -> dict[str, list[dict[str, Any]]]:
    """The tables of a bundle: `tasks`, `models`, `snapshots`, `inputs`, `contents` and `files`.

    Raises BundleError.
    """
    if not isinstance(found, dict) or not _count(found.get("format")):
        raise BundleError("this is no bundle of autolog: it does not say which format it has")
    if found["format"] > FORMAT:
        raise BundleError(
            f"the bundle was written by a newer autolog (format {found['format']}, this one knows {FORMAT});"
            " upgrade with: pip install -U autolog-models"
        )
    tables: dict[str, list[dict[str, Any]]] = {}
    for name, form in _FORMS.items():
        rows = found.get(name)
        if not isinstance(rows, list):
            raise BundleError(f"the bundle is damaged: it has no {name}")
        optional = _OPTIONAL.get(name, {})
        for row in rows:
            whole = {
                **form,
                **{key: kind for key, kind in optional.items() if isinstance(row, dict) and key in row},
            }
            if not _is(row, whole):
                wrong = [key for key, kind in whole.items() if not _is(row, {key: kind})]
                raise BundleError(f"the bundle is damaged, or was made to do harm: {wrong[0]!r} in {name}")
        tables[name] = rows
    return tables
