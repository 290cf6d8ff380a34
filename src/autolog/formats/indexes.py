"""Indexes of weights that are spread over several files: JSON that maps names to files.

Hugging Face writes `model.safetensors.index.json` and `pytorch_model.bin.index.json`, Keras
`<name>.weights.json`. Shapes and types stand in the files themselves.
"""

from __future__ import annotations

import json
import re
from typing import Any

from autolog.errors import UnreadableWeights
from autolog.formats._shape import Contents
from autolog.formats._source import Seekable
from autolog.formats._standins import readable

__all__ = ["inspect_index"]

_OPENING = re.compile(rb'\s*\{\s*"(metadata|weight_map)"\s*:')
_LARGEST = 1 << 24
_MOST_FILES = 1_000
_SUFFIXES = (".index.json", ".weights.json")
_FORMS = {".safetensors": "safetensors index", ".h5": "Keras weights index"}


def inspect_index(file: Seekable, size: int, name: str) -> Contents | None:
    """What such an index lists: how many names, in which files; None for any other file."""
    file.seek(0)
    hinted = name.lower().endswith(_SUFFIXES)
    if not _OPENING.match(file.read(256)):
        return None
    if size > _LARGEST:
        return Contents("weights index", details={"incomplete": f"{size} bytes"}) if hinted else None
    file.seek(0)
    try:
        document = json.loads(file.read(size))
    except (ValueError, RecursionError) as fault:
        if hinted:
            raise UnreadableWeights(f"malformed index of weights: {fault}") from fault
        return None
    places = document.get("weight_map")
    if not isinstance(places, dict):
        return None
    files = list(dict.fromkeys(_files(places)))
    details: dict[str, Any] = {"weights": len(places), "files": files[:_MOST_FILES]}
    metadata = document.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    if isinstance(total, (int, float)) and 0 <= total < 1 << 63:
        details["total_size"] = int(total)
    suffix = next((suffix for suffix in _FORMS if files and files[0].endswith(suffix)), "")
    return Contents(_FORMS.get(suffix, "weights index"), details=details)


def _files(places: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for place in places.values():
        # Keras lists the files of a layer that is spread over several.
        items = place if isinstance(place, list) else [place]
        found += [readable(item, 200) for item in items if isinstance(item, str)]
    return found
