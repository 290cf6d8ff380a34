"""Where files are cut: at tensors where they are known, by content elsewhere, nothing left out."""

import os
from collections import namedtuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolog.content.cutting import PIECE, cut

pytestmark = pytest.mark.core

Span = namedtuple("Span", "offset length itemsize")


@pytest.fixture
def opened(tmp_path):
    """Opens bytes as a file."""
    descriptors = []

    def open_(data):
        path = tmp_path / "file"
        path.write_bytes(data)
        descriptors.append(os.open(path, os.O_RDONLY))
        return descriptors[-1]

    yield open_
    for each in descriptors:
        os.close(each)


def pieces(opened, data, spans=()):
    found = list(cut(opened(data), len(data), spans))
    assert b"".join(each.data for each in found) == data
    assert [each.offset for each in found] == [
        sum(len(each.data) for each in found[:index]) for index in range(len(found))
    ]
    return found


def test_tensors_are_cut_at_their_bounds(opened):
    data = os.urandom(5 << 20)
    spans = [Span(1000, 100_000, 4), Span(200_000, 3 << 20, 2)]
    found = pieces(opened, data, spans)
    offsets = {each.offset: each for each in found}
    assert offsets[1000].data == data[1000:101_000]
    assert offsets[1000].itemsize == 4
    assert [len(each.data) for each in found if each.itemsize == 2] == [PIECE] * 3


def test_a_tensor_is_found_again_wherever_it_lies(opened):
    tensor = os.urandom(2 << 20)
    one = pieces(opened, b"x" * 77 + tensor + b"end", [Span(77, len(tensor), 4)])
    two = pieces(opened, b"y" * 5000 + tensor, [Span(5000, len(tensor), 4)])
    assert {each.data for each in one if each.itemsize == 4} == {
        each.data for each in two if each.itemsize == 4
    }


def test_without_tensors_an_insertion_changes_few_chunks(opened):
    data = os.urandom(3 << 20)
    before = {each.data for each in pieces(opened, data)}
    after = {each.data for each in pieces(opened, data[:1_000_000] + b"something new" + data[1_000_000:])}
    assert sum(len(each) for each in after - before) < 0.1 * len(data)


def test_a_file_that_became_shorter_ends_early(opened):
    descriptor = opened(b"a" * 100_000)
    found = list(cut(descriptor, 200_000, [Span(50_000, 100_000, 4)]))
    assert b"".join(each.data for each in found) == b"a" * 100_000


@settings(max_examples=50)
@given(
    st.binary(min_size=1, max_size=64),
    st.integers(1, 6000),
    st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 200_000), st.integers(0, 9)), max_size=6),
)
def test_whatever_the_spans_say_nothing_is_left_out(tmp_path_factory, seed, times, spans):
    path = tmp_path_factory.mktemp("cut") / "file"
    data = seed * times
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = list(cut(descriptor, len(data), [Span(*each) for each in sorted(spans)]))
    finally:
        os.close(descriptor)
    assert b"".join(each.data for each in found) == data
