"""Numbers and times as people read them."""

import time

import pytest

from autolog.shown import words as _format

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1500, "1.5 kB"), (999_999, "1.0 MB"),
     (123_456_789, "123 MB"), (10**18, "1000 PB")],
)  # fmt: skip
def test_size(value, text):
    assert _format.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (50, "50"), (25_600_000, "25.6M"), (7 * 10**9, "7.0G")]
)
def test_count(value, text):
    assert _format.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (-1, "0.0 s"), (0.42, "0.4 s"), (12.2, "12 s"), (185, "3 min 5 s"), (8040, "2 h 14 min"),
     (90_000, "1 d 1 h"), (120, "2 min")],
)  # fmt: skip
def test_duration(value, text):
    assert _format.duration(value) == text


def test_age():
    now = time.time()
    assert _format.age(None) == ""
    assert _format.age(now + 100) == "now"
    assert _format.age(now - 61) == "1 min ago"
    assert _format.age(now - 3 * 86400 - 5) == "3 d ago"


def test_times_in_json_are_utc():
    assert _format.iso(None) is None
    assert _format.iso(1769860800.1234) == "2026-01-31T12:00:00.123Z"


def test_standing():
    told = {"at_path": "at its path", "in_memory": "in memory", "kept": "kept"}
    assert {state: _format.standing(state) for state in told} == told
