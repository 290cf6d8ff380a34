"""Models and versions beside each other."""

import csv
import io
import re
import struct

import pytest
from weights import import_versions, safetensors

from autolog.store import edit, report
from autolog.web import inside, tensor_changes

pytestmark = [pytest.mark.core, pytest.mark.slow]

SHAPES = {"a.weight": (4, 4), "a.bias": (4,), "gone": (2,), "wide": (2, 3)}
DESIGN = "Net(\n  (a): Linear(4, 4)\n  (b): ReLU()\n)"


def with_values(shapes, *numbers):
    """A file like `safetensors`, with one number in each tensor."""
    data = safetensors(shapes)
    head = len(data) - sum(4 * _count(shape) for shape in shapes.values())
    body = b"".join(
        struct.pack("<f", number) * _count(shape)
        for shape, number in zip(shapes.values(), numbers, strict=True)
    )
    return data[:head] + body


def _count(shape):
    found = 1
    for length in shape:
        found *= length
    return found


@pytest.fixture
def site(make_pages, home, tmp_path):
    """`first` with two versions, and `other` with one, in which tensors went, came and grew."""
    pages = make_pages(5)
    files = [with_values(SHAPES, 1, 1, 1, 1), with_values(SHAPES, 1, 3, 1, 1)]
    pages.first = import_versions(pages.store, home, tmp_path / "first.safetensors", files)
    shapes = {"a.weight": (4, 4), "a.bias": (4,), "wide": (2, 5), "new": (1,)}
    pages.path = tmp_path / "other.safetensors"
    pages.other = import_versions(
        pages.store, home, pages.path, [with_values(shapes, 1, 2, 1, 1)], keep=False
    )
    edit(
        pages.store, pages.first, lambda _: {"design": DESIGN, "labels": {"cat": 0}, "metadata": {"lr": 0.1}}
    )
    edit(
        pages.store,
        pages.other,
        lambda _: {
            "design": DESIGN.replace("Linear(4, 4)", "Linear(4, 8)"),
            "labels": {"cat": 0, "dog": 1},
            "metadata": {"lr": 0.2},
        },
    )
    for step in range(5):
        report(pages.store, pages.first, "loss", 1.0 - step / 10, step)
        report(pages.store, pages.other, "loss", 2.0 - step / 10, step)
    report(pages.store, pages.first, "loss", float("nan"), 5)
    report(pages.store, pages.other, "score", 7.5)
    pages.both = f"m={pages.first}:v1&m={pages.other}"
    return pages


def rows(text):
    """Each row of the tables: its heading, and the text of its cells."""
    found = {}
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL):
        cells = [
            " ".join(re.sub(r"<[^>]+>", "", each).split())
            for each in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
        ]
        found.setdefault(cells[0], cells[1:])
    return found


# -- details ----------------------------------------------------------------------------------------------


def test_details(site):
    text = site.html(f"/compare?{site.both}")
    found = rows(text)
    assert found["Parameters"] == ["28", "31"]
    assert found["Versions"] == ["2", "1"]
    assert found["cat"] == ["0", "0"]
    assert found["dog"] == ["", "1"]
    assert found["lr"] == ["0.1", "0.2"]
    assert text.count('<td class="differs">') >= 3
    hidden = rows(site.html(f"/compare?{site.both}&hide=1"))
    assert "cat" not in hidden
    assert "dog" in hidden


def test_the_base_comes_first(site):
    found = site.json(f"/compare.json?{site.both}&base={site.other}")
    assert [each["model_id"] for each in found["sides"]] == [site.other, site.first]
    assert found["groups"]["Metadata"]["lr"] == [0.2, 0.1]
    assert found["designs"][0][0] == "--- base"
    assert site.json(f"/compare.json?{site.both}&base=nobody")["sides"][0]["model_id"] == site.first


def test_names_versions_and_many_sides(site):
    first = site.store.head(site.first).name
    found = site.json(f"/compare.json?m={first}:v2&m={site.first[:10]}:v1&m={site.other}")
    assert [(each["model_id"], each["version"]) for each in found["sides"]] == [
        (site.first, 2), (site.first, 1), (site.other, 1),
    ]  # fmt: skip
    # There is no limit of ten.
    ids = [each["id"] for each in site.json("/models.json")["models"]]
    many = "&".join(f"m={each}" for each in [*ids, f"{site.first}:v1", f"{site.first}:v2"])
    assert len(site.json(f"/compare.json?{many}")["sides"]) == len(ids) + 2
    # The same one twice is one.
    assert len(site.json(f"/compare.json?m={site.first}&m={site.first}")["sides"]) == 1


def test_what_isnt_there_is_told(site):
    text = site.html(f"/compare?{site.both}&m=nobody&m={site.first}:v99")
    assert "no model is called &#39;nobody&#39;" in text
    assert "has no version v99" in text
    assert len(re.findall('<a class="clip" href="/models/', text)) >= 2
    assert site.get(f"/compare.json?{site.both}&m=nobody").status_code == 404
    assert site.get(f"/compare.csv?{site.both}&m=nobody").status_code == 404
    assert site.get("/compare?m=nobody").status_code == 404


def test_too_few(site):
    assert "Select two or more models" in site.html("/compare")
    assert "One more is needed" in site.html(f"/compare?m={site.first}")
    assert site.json("/compare.json")["sides"] == []
    assert site.get("/compare.csv").status_code == 404
    assert site.get(f"/compare?m={site.first}&show=nonsense").status_code == 200
    assert site.post("/compare", {}).status_code == 405


def test_models_without_versions_or_anything(site):
    from autolog.store import NewModel, create_model

    empty = create_model(site.store, NewModel("empty", "p"))
    for section in ("details", "design", "scalars", "tensors"):
        text = site.html(f"/compare?m={site.first}&m={empty}&show={section}")
        assert "empty" in text
        assert site.get(f"/compare.json?m={site.first}&m={empty}&show={section}").status_code == 200
        assert site.get(f"/compare.csv?m={site.first}&m={empty}&show={section}").status_code == 200
    text = site.html(f"/compare?m={site.first}&m={empty}&show=tensors")
    assert "one of them has no version" in text


# -- designs ----------------------------------------------------------------------------------------------


def test_designs(site):
    text = site.html(f"/compare?{site.both}&show=design")
    assert "1 difference" in text
    assert re.search(r'<td class="changed"><span[^>]*>2</span><code[^>]*>  \(a\): Linear\(4, 8\)', text)
    hidden = site.html(f"/compare?m={site.first}:v1&m={site.first}:v2&show=design&hide=1")
    assert "The designs are the same" in hidden
    assert "4 lines the same" in hidden


def test_designs_as_a_tree(site):
    first = "Net(\n  (a): Linear(4, 8)\n  (old): ReLU()\n  (<i>b</i>): Block(\n    (0): Tanh()\n  )\n)"
    second = first.replace("4, 8", "4, 9").replace("(old)", "(new)")
    edit(site.store, site.first, lambda _: {"design": first})
    edit(site.store, site.other, lambda _: {"design": second})
    address = f"/compare?{site.both}&show=design&as=tree"
    text = site.html(address)
    assert "3 differences" in text
    assert re.search(
        r'Linear\(4, 8\)</code> <span class="became"><span class="badge mark changed">changed', text
    )
    assert "badge mark added" in text
    assert "badge mark removed" in text
    assert "&lt;i&gt;b&lt;/i&gt;" in text
    hidden = site.html(f"{address}&hide=1")
    assert "2 parts the same" in hidden
    assert "Tanh" not in hidden
    found = {each["path"]: each["values"] for each in site.json(address.replace("?", ".json?"))["tree"]}
    assert (found["a"], found["new"]) == (["Linear(4, 8)", "Linear(4, 9)"], [None, "ReLU()"])
    lines = site.get(address.replace("?", ".csv?")).text.splitlines()
    assert 'a,"Linear(4, 8)",same,"Linear(4, 9)",changed' in lines
    assert "&amp;as=tree" in text


def test_long_designs_show_what_differs(site):
    lines = [f"  ({number}): Linear(4, 4)" for number in range(300)]
    edit(site.store, site.first, lambda _: {"design": "\n".join(lines)})
    lines[200] = "  (200): Linear(4, 5)"
    edit(site.store, site.other, lambda _: {"design": "\n".join(lines)})
    text = site.html(f"/compare?{site.both}&show=design&hide=1")
    assert "198 lines the same" in text
    assert "Linear(4, 5)" in text
    assert "(150)" not in text


# -- scalars ----------------------------------------------------------------------------------------------


def test_scalars(site):
    text = site.html(f"/compare?{site.both}&show=scalars")
    found = rows(text)
    assert found["loss"][0].startswith("NaN")
    assert "0.6" in found["loss"][0]
    assert "1.6" in found["loss"][1]
    assert found["score"] == ["", "7.5"]
    # The lowest of all is the first one's, the highest the other's.
    assert [cell.count("the lowest") for cell in found["loss"]] == [1, 0]
    assert [cell.count("the highest") for cell in found["loss"]] == [0, 1]
    assert 'aria-label="Line plot of loss"' in text
    assert 'aria-label="Line plot of score"' not in text
    looked = site.html(f"/compare?{site.both}&show=scalars&x=wall&smooth=gaussian&strength=7&y=<b>")
    assert '<option value="wall" selected>' in looked
    assert "&amp;x=wall&amp;" in looked
    assert site.json(f"/compare/scalars.json?{site.both}&name=score")["series"] == []
    lines = site.json(f"/compare/scalars.json?{site.both}")
    assert [each["id"] for each in lines["models"]] == [site.first, site.other]
    series = {each["model_id"]: each for each in lines["series"]}
    assert (series[site.first]["iteration"][:2], series[site.first]["value"][:2]) == ([0, 1], [1.0, 0.9])
    assert series[site.first]["value"][-1] is None
    assert (series[site.first]["count"], lines["left_out"]) == (6, [])
    summed = site.json(f"/compare.json?{site.both}")["scalars"]["loss"]
    assert summed[1] == {"last": 1.6, "lowest": [1.6, 4], "highest": [2.0, 0], "points": 5}


# -- tensors ----------------------------------------------------------------------------------------------


def kinds(site, query):
    lines = csv.DictReader(io.StringIO(site.get(f"/compare.csv?show=tensors&{query}").text))
    return {each["tensor"]: each["kind"] for each in lines}


def test_tensors(site):
    assert kinds(site, site.both) == {
        "a.bias": "changed", "a.weight": "unchanged", "gone": "removed", "new": "added", "wide": "reshaped",
    }  # fmt: skip
    found = site.json(f"/compare.json?show=tensors&m={site.first}:v1&m={site.first}:v2")["tensors"][0]
    (changed,) = [each for each in found["changes"] if each["kind"] == "changed"]
    # Four elements went from 1 to 3.
    assert (changed["name"], changed["norm"], changed["relative"]) == ("a.bias", 4.0, 2.0)
    assert (changed["largest"], changed["share"]) == (2.0, 1.0)
    text = site.html(f"/compare?show=tensors&m={site.first}:v1&m={site.first}:v2&hide=1")
    assert "4 tensors, 3 the same" in text
    assert list(rows(text))[-1] == "a.bias"
    assert "100.0 %" in text


def test_tensors_of_several(site):
    text = site.html(f"/compare?show=tensors&{site.both}&m={site.first}:v2&order=norm")
    found = rows(text)
    assert found["a.bias"][1:] == ["changed", "2", "1", "1", "100.0 %", "changed", "4", "2", "2", "100.0 %"]
    # What came, went or grew is before what only changed.
    assert list(found).index("gone") < list(found).index("a.bias") < list(found).index("a.weight")


def test_the_same_bytes(site):
    text = site.html(f"/compare?show=tensors&m={site.first}:v2&m={site.first}")
    assert "are the same bytes" in text
    assert "4 tensors, 4 the same" in text


def test_bytes_that_are_gone(site):
    site.path.write_bytes(b"something else")
    tensor_changes._found.clear()
    text = site.html(f"/compare?show=tensors&{site.both}")
    assert 'role="alert"' in text
    assert kinds(site, site.both) == {
        "a.bias": "unseen", "a.weight": "unseen", "gone": "removed", "new": "added", "wide": "reshaped",
    }  # fmt: skip


def test_large_models_are_compared_when_somebody_says_so(site, monkeypatch):
    tensor_changes._found.clear()
    monkeypatch.setattr(tensor_changes, "_AT_ONCE", 100)
    text = site.html(f"/compare?show=tensors&{site.both}")
    assert "Compare the numbers" in text
    assert kinds(site, site.both)["a.bias"] == "unseen"
    assert kinds(site, f"{site.both}&go=1")["a.bias"] == "changed"
    tensor_changes._found.clear()
    monkeypatch.setattr(tensor_changes, "_MOST", 100)
    text = site.html(f"/compare?show=tensors&{site.both}&go=1")
    assert f"autolog diff {site.first}:v1 {site.other}" in text
    assert kinds(site, f"{site.both}&go=1")["a.bias"] == "unseen"


# -- addresses --------------------------------------------------------------------------------------------


def test_each_link_of_the_page_works(site):
    for section in ("details", "design", "scalars", "tensors"):
        text = site.html(f"/compare?{site.both}&m={site.first}:v2&show={section}")
        links = {each.replace("&amp;", "&") for each in re.findall(r'href="(/compare[^"]*)"', text)}
        assert len(links) > 10
        for link in links:
            assert site.get(link).status_code == 200, link


def test_the_table_of_models_offers_it(site):
    assert 'data-compare="/compare"' in site.html("/models")
    assert 'data-row="compare"' in site.html("/models")


def test_hostile_text_stays_text(site):
    nasty = "<script>alert(1)</script>"
    edit(
        site.store,
        site.first,
        lambda _: {"name": nasty, "design": nasty, "labels": {nasty: 1}, "metadata": {nasty: nasty}},
    )
    report(site.store, site.first, nasty, 1.0, 1)
    for section in ("details", "design", "scalars", "tensors"):
        text = site.html(f"/compare?{site.both}&show={section}")
        assert nasty not in text
    assert nasty not in site.html(f"/compare?{site.both}&m={nasty}")


def test_versions_that_no_database_has(site):
    (first, *_) = site.json("/models.json")["models"]
    for version in ("9" * 12, "9" * 20, "9" * 5_000):
        for path in ("/compare", "/compare.json", "/compare.csv"):
            assert site.get(f"{path}?m={first['id']}:v{version}").status_code == 404


def test_what_is_known_waits_for_nobody(site):
    """The pages that need no work are there while somebody else's is done."""
    query = f"m={site.first}:v1&m={site.first}:v2&show=tensors"
    before = site.html(f"/compare?{query}")
    with tensor_changes._working, inside._reading:
        assert site.html(f"/compare?{query}") == before
        assert site.get(f"/models/{site.first}/network").status_code == 200
