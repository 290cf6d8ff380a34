"""The language of conditions: what it reads, and what it says of what it can't read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolog.errors import WhereError
from autolog.store.where import And, Comparison, Field, Not, Or, Tagged, parse

pytestmark = pytest.mark.core

NAME = Field("column", "name", "text")
LOSS = Field("metric", "val_loss", "number")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("val_loss < 0.2", Comparison(LOSS, "<", (0.2,))),
        ("metric.name = 1", Comparison(Field("metric", "name", "number"), "=", (1,))),
        ("NAME == 'a\\'b'", Comparison(NAME, "=", ("a'b",))),
        ("name in ('a', \"b\")", Comparison(NAME, "in", ("a", "b"))),
        ("name not in ('a')", Not(Comparison(NAME, "in", ("a",)))),
        ("meta.data.set is not none", Comparison(Field("meta", "data.set", "any"), "is not none", ())),
        ("'best' in tags", Tagged("best")),
        ("not 'old' in tags", Not(Tagged("old"))),
        ("'old' not in tags", Not(Tagged("old"))),
        ("`Val - mAP@50` > 70", Comparison(Field("metric", "Val - mAP@50", "number"), ">", (70,))),
        ("`meta.a b` = 'x'", Comparison(Field("meta", "a b", "any"), "=", ("x",))),
        ("size > 1.5KiB", Comparison(Field("column", "size", "number"), ">", (1536.0,))),
        ("created >= 1970-01-02", Comparison(Field("column", "created", "time"), ">=", (86400.0,))),
        ("created < 2d ago", Comparison(Field("column", "created", "time"), "<", (1e6 - 172800,))),
        ("published = true", Comparison(Field("column", "published", "truth"), "=", (True,))),
        (
            "a < 1 or b < 2 and not (c < 3 or d < 4)",
            Or(
                (
                    Comparison(Field("metric", "a", "number"), "<", (1,)),
                    And(
                        (
                            Comparison(Field("metric", "b", "number"), "<", (2,)),
                            Not(
                                Or(
                                    (
                                        Comparison(Field("metric", "c", "number"), "<", (3,)),
                                        Comparison(Field("metric", "d", "number"), "<", (4,)),
                                    )
                                )
                            ),
                        )
                    ),
                )
            ),
        ),
    ],
)
def test_it_reads(text, read):
    assert parse(text, 1e6) == read


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 0, "there is no condition"),
        ("name =", 6, "a value is missing"),
        ("name = foo", 7, 'text stands in quotes: "foo"'),
        ('nmae = "x"', 7, "did you mean name or meta.nmae?"),
        ("name < 3", 7, "compared with a text"),
        ("size > 3 pounds", 9, "put `and` or `or`"),
        ("size > 3pounds", 8, "no unit"),
        ("name = 'x", 7, "never closed"),
        ("a < 1 b < 2", 6, "put `and` or `or`"),
        ("(a < 1", 6, ") is missing"),
        ("created > 2026-02-30", 10, "no date"),
        ("name $ 3", 5, "means nothing"),
        ("published > true", 12, "use = or !="),
        ("tags = 'x'", 0, '"best" in tags'),
        ("'x' in name", 0, "only as in"),
        ("iteration ~ '1*'", 10, "~ compares text"),
        ("__import__('os')", 10, "no operator"),
        ("(" * 60 + "a < 1" + ")" * 60, 50, "deeper"),
        ("a" * 20_000, 0, "10,000 characters"),
        (" or ".join(["a < 1"] * 301), 300 * 9, "300 values"),
        (f"a in ({','.join(['1'] * 301)})", 0, "300 values"),
    ],
)
def test_it_says_what_is_wrong_and_where(text, position, said):
    with pytest.raises(WhereError, match=r".") as caught:
        parse(text, 1e6)
    assert said in str(caught.value)
    assert caught.value.position == position


@given(st.text(alphabet="abname<>=!~()'\",.0123456789 notrigsadv\\\n\0é", max_size=60))
def test_whatever_is_written_it_is_read_or_refused(text):
    found = refused = None
    try:
        found = parse(text, 1e6)
    except WhereError as error:
        refused = error.position
    assert (found is None) == (refused is not None)
    assert 0 <= (refused or 0) <= len(text)
