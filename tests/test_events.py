"""Events survive their line unchanged; torn lines and unknown kinds are left out."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolog import events
from autolog.events import FileFacts, Finished, Loaded, Opened, Saved, Skipped, Started

pytestmark = pytest.mark.core


def made(cls, *parts):
    """Instances from positional parts; the other fields keep their defaults."""
    return st.tuples(*parts).map(lambda values: cls(*values))


text = st.text(max_size=30)
#: What os.fsdecode makes of a path that is not UTF-8.
path = st.binary(min_size=1, max_size=30).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
facts = made(FileFacts, *[st.integers(0, 2**64 - 1)] * 5, st.none() | st.integers(0, 2**32 - 1))
any_event = st.one_of(
    made(Started, text, st.floats(0, 1e10), text, text, path, st.lists(text).map(tuple), path),
    made(Opened, st.floats(0, 1e10), st.integers(1, 1 << 22), text, st.none() | st.integers(0, 64)),
    made(Saved, text, st.floats(0, 1e10), text, text, text, st.none() | path, st.none() | facts),
    made(Loaded, text, st.floats(0, 1e10), text, text, text, st.none() | path, st.none() | facts),
    made(Skipped, text, path, text, text),
    made(Finished, text, st.floats(0, 1e10), text, text),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a busy machine is no fault
@given(any_event)
def test_a_line_gives_the_event_back(event):
    line = events.to_line(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert events.from_line(line) == event
    assert type(events.from_line(line)) is type(event)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(any_event, st.integers(1, 60))
def test_a_torn_line_is_left_out(event, cut):
    line = events.to_line(event)
    assert events.from_line(line[: -1 - min(cut, len(line) - 2)]) is None


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[1]", b"null", b'{"kind": "later"}', b'{"kind": "saved"}', b"\xff"]
)
def test_what_is_no_event_is_left_out(line):
    assert events.from_line(line) is None


def test_a_field_of_a_later_version_is_left_out():
    event = Finished("1", 2.0, "completed")
    line = events.to_line(event).replace(b'"reason"', b'"colour": 3, "reason"')
    assert events.from_line(line) == event
