"""Kept files as seekable ones: the same bytes, and only those fetched that are asked for."""

import os
from collections import namedtuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolog.keeping import open_recorded, openers
from autolog.keeping.ranges import open_file

Span = namedtuple("Span", "offset length itemsize")
MEGABYTE = 1 << 20


@pytest.mark.parametrize("output", [{}, {"output_uri": "plain"}], ids=["packed", "plain"])
def test_whatever_is_read_is_what_was_saved(keep, tmp_path, output):
    keep = keep(**{key: str(tmp_path / value) for key, value in output.items()})
    data = os.urandom(3 * MEGABYTE)
    keep.save(data, spans=[Span(100, 2 * MEGABYTE, 4)])
    ((_, opener),) = openers(keep.snapshots[0], keep.kept, keep.home)
    with opener() as file:

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(st.integers(0, len(data) + 10), st.integers(0, 300_000))
        def reads(offset, count):
            file.seek(offset)
            assert file.read(count) == data[offset : offset + count]

        reads()
        file.seek(-5, os.SEEK_END)
        assert file.read() == data[-5:]
        file.seek(0)
        assert file.read() == data


def test_looking_at_one_tensor_does_not_fetch_the_model(keep, s3):
    keep = keep(content_store=s3.url)
    data = os.urandom(20 * MEGABYTE)
    keep.save(data, spans=[Span(0, len(data), 4)])
    (kept,) = keep.kept.files(keep.snapshots[0].id)
    with open_file(kept, keep.kept, open_recorded(kept.place, keep.home)) as file:
        s3.faults.clear()
        file.seek(10 * MEGABYTE + 5)
        assert file.read(1000) == data[10 * MEGABYTE + 5 : 10 * MEGABYTE + 1005]
    fetched = [each for each in s3.faults.seen if each.method == "GET"]
    assert len(fetched) <= 2
