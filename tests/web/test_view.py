"""What an address says, and what is made of it."""

import pytest

from autolog.errors import BadValue
from autolog.web.view import View, join_list, split_list, tag_name, tag_value

pytestmark = pytest.mark.core


def view(*pairs):
    return View.of("/models", pairs)


def test_what_is_empty_or_unknown_is_dropped():
    found = view(("q", ""), ("framework", "PyTorch"), ("colour", "red"), ("page", "x"))
    assert found.url == "/models?framework=PyTorch&page=x"
    assert not found.is_canonical


def test_the_two_ends_of_a_range_become_one_value():
    found = view(("from.metric.val_loss", ""), ("to.metric.val_loss", "0.2"), ("from.updated", "7d"))
    assert found.url == "/models?metric.val_loss=..0.2&updated=7d.."
    assert not found.is_canonical
    assert View.of("/models", found.pairs).is_canonical


def test_another_view_begins_at_the_first_page():
    assert view(("page", "n1"), ("q", "a")).but(sort="name").url == "/models?q=a&sort=name"
    assert view(("page", "n1"), ("tag", "a"), ("tag", "b")).without("tag", "a").url == "/models?tag=b"
    assert view(("q", "a"), ("tag", "b"), ("sort", "name")).cleared.url == "/models?sort=name"


def test_sorting():
    first = view().sorted_by("name")
    assert first.order == [("name", False)]
    assert first.sorted_by("name").order == [("name", True)]
    both = first.sorted_by("size", adds=True, down=True)
    assert both.order == [("name", False), ("size", True)]
    assert both.sorted_by("name", adds=True).order == [("name", True), ("size", True)]
    assert both.sorted_by("size").order == [("size", False)]


def test_names_with_commas_and_signs():
    words = ["metric.a,b", "-metric.50%", "x"]
    assert split_list(join_list(words)) == words
    for tag in ("plain", "-minus", "+plus", "-", "+"):
        assert tag_name(tag_value(tag)) == tag
        found = view(("tag", tag_value(tag))).filters(0.0)
        assert found.tags_any == (tag,)
        assert found.tags_not == ()


def test_filters():
    found = view(
        ("tag", "a"),
        ("tag", "-b"),
        ("tags", "all"),
        ("metric.x", "1..2"),
        ("min.y", "..3"),
        ("meta.k", "v"),
        ("updated", "2026-01-31..2026-01-31"),
        ("task", "(none)"),
    ).filters(0.0)
    assert (found.tags_all, found.tags_any, found.tags_not) == (("a",), (), ("b",))
    assert found.measures == {"metric.x": (1.0, 2.0), "min.y": (None, 3.0)}
    assert found.metadata == {"k": ("v",)}
    assert found.facets == {"task": ("",)}
    low, high = found.updated
    assert round(high - low) == 86_400


@pytest.mark.parametrize(
    "pair",
    [
        ("metric.x", "a..b"),
        ("metric.x", "nan"),
        ("updated", "yesterday"),
        ("updated", "2026-13-01"),
        ("updated", "2026-01-31 or so"),
    ],
)
def test_what_cant_be_read_is_said(pair):
    with pytest.raises(BadValue):
        view(pair).filters(0.0)


@pytest.mark.parametrize(
    "text", ["2026-01-31T14:00:00+02:00..", "2026-01-31T12:00:00Z..", "2026-01-31T12:00.."]
)
def test_times_of_other_places(text):
    low, high = view(("updated", text)).filters(0.0).updated
    assert (low, high) == (1769860800.0, None)


def test_a_bound_on_what_an_address_may_say():
    found = view(*((f"meta.k{number}", "a") for number in range(500)), ("q", "x"), ("meta.k0", "b"))
    assert len(found.values) == 100
    assert found.all("meta.k0") == ("a", "b")
