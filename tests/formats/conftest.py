"""What the tests of looking into weights files share."""

from __future__ import annotations

import io
import math
import tracemalloc
from collections.abc import Callable

import pytest

from autolog.errors import UnreadableWeights
from autolog.formats import Contents, Region, inspect, regions
from autolog.formats._identity import weights


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
    if found is not None:
        check_regions(found.regions, len(data))
        check_stored(data, found)
    elif data:
        check_regions(regions(io.BytesIO(data), name), len(data))
    return found


def check_stored(data: bytes, found: Contents) -> None:
    """That every tensor lies within the file, and that a digest is of all of them."""
    for stored in found.stored:
        if stored.place is not None and 0 not in stored.shape:
            axes = zip(stored.shape, stored.place.strides or (0,) * len(stored.shape), strict=True)
            last = sum((length - 1) * stride for length, stride in axes)
            size = stored.length // math.prod(stored.shape)
            length = (last + 1) * size if stored.place.strides else stored.length
            assert 0 <= stored.place.offset <= stored.place.offset + length <= len(data)
    told = weights(io.BytesIO(data), len(data), found)
    assert told is None or len(told.lines) == len(found.stored) > 0


def check_regions(found: tuple[Region, ...], size: int) -> None:
    """That no two regions overlap, and that all lie within the file."""
    end = 0
    for region in found:
        assert region.offset >= end
        assert region.length > 0
        assert region.itemsize > 0
        end = region.offset + region.length
    assert end <= size


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


@pytest.fixture
def frugal() -> Callable[..., Contents | Exception | None]:
    """Looks into bytes, and demands an answer (tests have a time limit) and, where told, bounded memory."""

    def look(data: bytes, name: str = "", megabytes: int = 0) -> Contents | Exception | None:
        if megabytes:
            tracemalloc.start()
        found: Contents | Exception | None
        try:
            found = inspect(io.BytesIO(data), name)
        except UnreadableWeights as fault:
            found = fault
        if megabytes:
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert most < megabytes << 20
        return found

    return look
