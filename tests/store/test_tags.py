"""Lists of tags with operators among them."""

import pytest

from autolog.errors import WhereError
from autolog.store.tags import tags_condition

pytestmark = pytest.mark.core


def shown(condition):
    """A condition as one would say it."""
    name = type(condition).__name__
    if name == "Tagged":
        return condition.tag
    if name == "Not":
        return f"not {shown(condition.inner)}"
    parts = f" {name.lower()} ".join(shown(part) for part in condition.parts)
    return f"({parts})"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a"], "a"),
        ("a", "a"),
        (["a", "b"], "(a or b)"),
        (["a", "b", "-c"], "(not c and (a or b))"),
        (["a", "__$not", "c"], "(not c and a)"),
        (["__$not", "c"], "not c"),
        (["__$all", "a", "b"], "(a and b)"),
        (["__$and", "a", "b", "__$not", "c"], "(a and b and not c)"),
        (["__$any", "a", "b"], "(a or b)"),
        (["__$or", "a", "__$not", "b"], "(a or not b)"),
        (["__$all", "a", "-b", "__$or", "c", "d"], "(a and not b and (c or d))"),
        (
            ["__$all", "a", "b", "c", "__$or", "d", "__$not", "e", "__$and", "__$or", "f", "g"],
            "(a and b and c and (d or not e) and (f or g))",
        ),
        (["-"], "-"),
    ],
)
def test_it_means(words, said):
    assert shown(tags_condition(words)) == said


def test_nothing_asks_for_nothing():
    assert tags_condition([]) is tags_condition(["__$all"]) is None


@pytest.mark.parametrize("words", [["__$xor", "a"], ["a", "__$not"], [""], [3]])
def test_what_means_nothing_is_refused(words):
    with pytest.raises(WhereError):
        tags_condition(words)
