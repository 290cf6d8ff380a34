"""Where two texts differ: the whole of both, in order, however long and alike they are."""

import random
import re

import pytest

from autolog.shown.aligning import aligned
from autolog.shown.differing import stretches, unified

pytestmark = pytest.mark.core


def same_lines(one, other):
    """How many lines are found to be the same; that the stretches are those of both texts is seen to."""
    at, to, same, was = 0, 0, 0, None
    for is_same, i, j, k, m in stretches(one, other):
        assert (i, k) == (at, to)
        assert is_same is not was
        if is_same:
            assert one[i:j] == other[k:m]
            same += j - i
        at, to, was = j, m, is_same
    assert (at, to) == (len(one), len(other))
    return same


def patched(one, difference):
    """What a difference in the unified form makes of a text."""
    found, at = [], 0
    for line in difference:
        if line.startswith("@@"):
            start = int(re.match(r"@@ -(\d+)", line)[1]) - 1
            found += one[at:start]
            at = start
        elif line[0] == "+":
            found.append(line[1:])
        else:
            assert one[at] == line[1:]
            found += [line[1:]] if line[0] == " " else []
            at += 1
    return found + one[at:]


def test_any_texts():
    chance = random.Random(5)
    for _ in range(1500):
        letters = "abcdefgh"[: chance.randint(1, 8)]
        one, other = ([chance.choice(letters) for _ in range(chance.randint(0, 14))] for _ in range(2))
        same_lines(one, other)
        assert patched(one, unified(one, other)) == other


def test_few_changes_are_found_as_such():
    assert same_lines(list("abcabba"), list("cbabac")) == 4
    assert list(unified(["a", "b", "c", "d"], ["a", "x", "c", "d"])) == [
        "@@ -1,3 +1,3 @@",
        " a",
        "-b",
        "+x",
        " c",
    ]


@pytest.mark.parametrize("lines", [("}", "{", "units: 64", "relu"), None], ids=["alike", "unique"])
def test_fifty_thousand_lines(lines):
    chance = random.Random(5)
    one = [chance.choice(lines) if lines else f"line {number}" for number in range(50_000)]
    other = list(one)
    other[100::200] = ["another"] * len(other[100::200])
    del other[25_000:25_010]
    assert same_lines(one, other) >= 49_500
    rows = aligned(one, [other])
    assert sum(not each.is_same for each in rows) <= 700


def test_nothing_alike():
    one, other = ([f"{name} {number}" for number in range(20_000)] for name in "ab")
    assert same_lines(one, other) == 0
    assert same_lines(one, one[::-1]) >= 1
