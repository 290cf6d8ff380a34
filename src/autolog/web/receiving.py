"""What a page sends when somebody changes something: one object of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from autolog.errors import BadValue

from .guarding import LARGEST_BODY

__all__ = ["read_json"]


async def read_json(request: Request) -> Mapping[str, Any]:
    """The object that a request brings along. Raises BadValue for anything else, or too much of it."""
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > LARGEST_BODY:
            raise BadValue(f"at most {LARGEST_BODY:,} bytes can be sent at once")
    try:
        value = json.loads(bytes(found))
    except (ValueError, RecursionError) as error:
        raise BadValue("what was sent is no JSON") from error
    if not isinstance(value, dict):
        raise BadValue("what was sent is no JSON object")
    return value
