"""Texts beside each other, line by line."""

import pytest

from autolog.shown.aligning import aligned, laid_out

pytestmark = pytest.mark.core


def told(base, *others):
    return [
        [(each.kind, each.text) for each in line.cells]
        for line in aligned(base.split(), [o.split() for o in others])
    ]


def test_lines_that_are_the_same_stand_in_one_row():
    assert told("a b c", "a b c", "a c") == [
        [("same", "a"), ("same", "a"), ("same", "a")],
        [("changed", "b"), ("same", "b"), ("removed", "")],
        [("same", "c"), ("same", "c"), ("same", "c")],
    ]


def test_what_comes_in_stands_beside_what_comes_in_elsewhere():
    assert told("a d", "a b c d", "a x d", "a d") == [
        [("same", "a"), ("same", "a"), ("same", "a"), ("same", "a")],
        [("missing", ""), ("added", "b"), ("added", "x"), ("missing", "")],
        [("missing", ""), ("added", "c"), ("missing", ""), ("missing", "")],
        [("same", "d"), ("same", "d"), ("same", "d"), ("same", "d")],
    ]


def test_what_is_replaced():
    assert told("a b c d", "a x d") == [
        [("same", "a"), ("same", "a")],
        [("changed", "b"), ("changed", "x")],
        [("changed", "c"), ("removed", "")],
        [("same", "d"), ("same", "d")],
    ]
    assert told("a d", "x y z d")[1:] == [
        [("missing", ""), ("added", "y")],
        [("missing", ""), ("added", "z")],
        [("same", "d"), ("same", "d")],
    ]


def test_nothing_on_one_side():
    assert told("", "a b") == [[("missing", ""), ("added", "a")], [("missing", ""), ("added", "b")]]
    assert told("a", "") == [[("changed", "a"), ("removed", "")]]
    assert told("", "") == []


@pytest.mark.parametrize("others", [["a b x c", "y a c"], ["c b a"], ["", "a b c d e f"]])
def test_each_side_has_all_its_lines_in_order_and_numbered(others):
    lines = aligned(["a", "b", "c"], [each.split() for each in others])
    for side, text in enumerate(["a b c", *others]):
        cells = [line.cells[side] for line in lines if line.cells[side].number is not None]
        assert [each.text for each in cells] == text.split()
        assert [each.number for each in cells] == list(range(1, len(cells) + 1))


def test_json_in_one_line_is_laid_out():
    assert laid_out('{"a": [1]}') == ["{", '  "a": [', "    1", "  ]", "}"]
    assert laid_out("{not json") == ["{not json"]
    assert laid_out("[" * 100_000) == ["[" * 100_000]
    assert laid_out(None) == []
    assert laid_out("net(\n  a,\n)") == ["net(", "  a,", ")"]
