"""Which chunk of a version is taken for which of the one before."""

import difflib

import pytest

from autolog.content import to_recipe
from autolog.keeping.repack import _pairs

pytestmark = pytest.mark.core

FULL = 1 << 20


def chunk(version, name):
    return f"{version}{name}".encode().ljust(32, b".")


def recipe(version, *parts):
    """Of parts `(name, size)`, the digests of which are those of this version."""
    return to_recipe([(chunk(version, name), size) for name, size in parts])


def paired(before, after):
    found = _pairs(recipe("a", *before), recipe("b", *after))
    return {new.rstrip(b".").decode()[1:]: old.rstrip(b".").decode()[1:] for new, old in found.items()}


def layers(count, name="w"):
    return [(f"{name}{number}", FULL) for number in range(count)]


def test_the_same_sizes_are_the_same_places():
    found = paired([("h", 10), *layers(5)], [("h", 10), *layers(5)])
    assert found == {name: name for name in ("h", "w0", "w1", "w2", "w3", "w4")}


def test_what_came_in_the_middle_moves_what_is_behind_it():
    before = [("h", 10), *layers(3), ("n", 30), *layers(3, "v"), ("t", 20)]
    after = [("h", 10), *layers(3), ("n", 30), ("new", 40), *layers(3, "v"), ("t", 20)]
    assert paired(before, after) == {name: name for name, _ in before}
    assert paired(after, before) == {name: name for name, _ in before}


def test_another_header_changes_nothing_behind_it():
    found = paired([("h", 10), *layers(5)], [("h", 11), *layers(5)])
    assert found == {f"w{number}": f"w{number}" for number in range(5)}


def test_runs_between_what_changed_at_both_ends_are_found():
    before = [("h", 10), ("n", 30), *layers(2), ("m", 31), ("t", 20)]
    after = [("h", 11), ("x", 50), ("n", 30), *layers(2), ("m", 31), ("t", 21)]
    assert paired(before, after) == {name: name for name in ("n", "w0", "w1", "m")}


def test_chunks_that_did_not_change_are_left():
    same = [(chunk("a", "w"), FULL)]
    assert _pairs(to_recipe(same), to_recipe([(chunk("b", "h"), 10), *same])) == {}


@pytest.mark.parametrize("extra", [0, 30_000], ids=["another header", "and more at the end"])
def test_files_of_many_chunks_are_never_compared_each_with_each(monkeypatch, extra):
    """Thirty gigabytes: comparing all sizes with all others would take minutes for each pair of versions."""
    steps = 0

    class Counting(difflib.SequenceMatcher):
        def __init__(self, isjunk, a, b, **options):
            nonlocal steps
            steps += len(a) * len(b)
            assert steps < 1 << 24
            super().__init__(isjunk, a, b, **options)

    monkeypatch.setattr(difflib, "SequenceMatcher", Counting)
    count = 30_000
    found = paired([("h", 10), *layers(count)], [("h", 11), *layers(count), *layers(extra, "o"), ("t", 20)])
    assert found == {f"w{number}": f"w{number}" for number in range(count)}
