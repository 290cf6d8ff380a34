"""Regular expressions: what the database leaves out could not have been found."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from autolog.errors import BadValue
from autolog.store import Browsing, Filters, matching
from autolog.store.matching import Matching, needed_in
from autolog.store.schema import models

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("bert-0[12]", "%bert-0%"),
        (r"resnet\.pt$", "%re_net.pt%"),
        ("a_b%c", r"%a_b\%c%"),
        ("abc?de", "%ab%"),
        ("(abc)*defg", "%defg%"),
        ("x{2}yz", "%yz%"),
        ("ÄBcd", "%_bcd%"),
        ("abc|def", ""),
        ("(?x)a b c", ""),
        (r"\x41bc", ""),
        ("kiss", ""),
        (".*", ""),
    ],
)
def test_what_has_to_be_there(pattern, needed):
    assert needed_in(pattern) == needed


pieces = st.sampled_from(
    [*"abcDk1.é[]{}()*+?^$|,- ", r"\d", r"\.", "\\\\", r"\w", "[ab]", "[^c]", "{1,2}", "(a)"]
)
texts = st.text("abcdDkK1.é ,-\u017f\u212a(){}[]", max_size=12)


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@settings(max_examples=500, deadline=None)
@given(st.lists(pieces, max_size=8).map("".join), texts)
def test_nothing_that_is_found_is_left_out(pattern, text):
    try:
        found = re.search(pattern, text, re.IGNORECASE)
    except re.error:
        return
    needed = needed_in(pattern)
    if found and needed:
        inner = needed[1:-1].replace("\\%", "%").replace("\\\\", "\\")
        like = "".join("." if each == "_" else re.escape(each) for each in inner)
        assert re.search(like, text.lower(), re.DOTALL), (pattern, text, needed)


def test_names_ids_and_descriptions(store, task):
    run = task("Träin_100%")
    for stem in ("resnet", "BERT-01", "bert-02", "unet"):
        run.save(f"/x/{stem}.pt", stem)
    every = store.models()
    for pattern in ("bert-0[12]", "BERT", r"_100% - u", "^tr.in", "net$", every[0].id[4:12], "no|way"):
        found = Browsing(store).matching(Filters(), pattern)
        expected = {e.id for e in every if re.search(pattern, e.name, re.I) or re.search(pattern, e.id, re.I)}
        assert set(found.ids) == expected, pattern
        assert Browsing(store).count(found) == len(expected)


def test_what_takes_for_ever_stops_and_what_was_found_counts(store, task, monkeypatch):
    run = task()
    for stem in ("first", "second", "third", "a" * 60):
        run.save(f"/x/{stem}.pt", stem)
    monkeypatch.setattr(matching, "_AT_A_TIME", 3)
    slow = "ir|(a|a)*z$"  # no id has a z
    with store._writing() as connection:
        # Looked at last: it was changed first.
        connection.execute(update(models).where(models.c.name.contains("aaa")).values(updated=0.0))
    search = Matching()
    with store._reading() as connection:
        found = search(connection, Filters(), slow, seconds=1.5)
        assert not found.is_all
        names = [store.head(each).name for each in found.ids]
        assert names == ["train - third", "train - first"]
        # The process that was ended is no longer asked.
        assert search(connection, Filters(), "first").is_all
        with pytest.raises(BadValue, match="simpler"):
            search(connection, Filters(text="aaa"), slow, seconds=0.5)


def test_the_database_itself_is_stopped(store, task):
    run = task()
    for number in range(30):
        run.save(f"/x/m{number}.pt", f"d{number}")
    with store._reading() as connection, pytest.raises(BadValue, match="simpler"):
        Matching()(connection, Filters(), "^m[0-9]", seconds=0.0)
    assert Browsing(store).count(Browsing(store).matching(Filters(), "m[0-9]$")) == 10
