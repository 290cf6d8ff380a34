"""What the tests of looking into weights files share."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from autolog.errors import UnreadableWeights
from autolog.formats import Contents, inspect


def outcome(data: bytes, name: str = "") -> Contents | str | None:
    """What looking into those bytes yields; the message where they are unreadable. Nothing else may come."""
    try:
        found = inspect(io.BytesIO(data), name)
    except UnreadableWeights as fault:
        message = str(fault)
        assert message
        assert "\n" not in message
        return message
    assert found is None or isinstance(found, Contents)
    return found


@pytest.fixture
def look() -> Callable[..., Contents]:
    """Looks into bytes that must be readable."""

    def look(data: bytes, name: str = "") -> Contents:
        found = inspect(io.BytesIO(data), name)
        assert found is not None
        return found

    return look


@pytest.fixture
def any_outcome() -> Callable[..., Contents | str | None]:
    """Looks into bytes that may be anything."""
    return outcome
