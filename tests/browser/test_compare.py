"""Comparing models and versions, through the page as a person would, over what real runs have left."""

import re

import pytest
from playwright.sync_api import expect
from test_everywhere import overflowing, violations


def address(site, *named, **more):
    ids = []
    for each in named:
        model_id, version = site.store.find_model(each)
        ids.append(model_id if version is None else f"{model_id}:v{version}")
    return "/compare?" + "&".join([*(f"m={each}" for each in ids), *(f"{k}={v}" for k, v in more.items())])


def tab(page, name):
    page.get_by_role("navigation", name="What is compared of them").get_by_role("link", name=name).click()


def test_from_the_table_of_models_to_the_tensors(real):
    page = real.tab("/models?q=digits&sort=name")
    for number in (0, 1):
        page.locator("#table tbody tr").nth(number).locator("input").click()
    page.locator("[data-compare]").click()
    expect(page.locator("h1")).to_have_text("Compare")
    expect(page.locator(".sides > li")).to_have_count(2)
    page.get_by_label("Another model or version").fill("fine-tune digits - tuned:v1")
    page.keyboard.press("Enter")
    expect(page.locator(".sides > li")).to_have_count(3)
    tab(page, "Tensors")
    expect(page.locator("#tensor-changes")).to_be_visible()
    assert page.url.count("m=") == 3


def test_details_hiding_and_the_base(real):
    page = real.tab(address(real, "train digits - best:v1", "digits classifier"))
    row = page.get_by_role("row", name=re.compile("^Framework"))
    expect(row.locator("td")).to_have_text(["PyTorch", "PyTorch"])
    page.locator("#hide-same").click()
    expect(row).to_have_count(0)
    expect(page.get_by_role("row", name=re.compile("^Task")).locator("td")).to_have_text(
        ["train digits", "fine-tune digits"]
    )
    page.get_by_role("link", name=re.compile("as base")).click()
    expect(page.locator(".sides > li").first).to_contain_text("digits classifier")
    expect(page.get_by_role("row", name=re.compile("^Task")).locator("td")).to_have_text(
        ["fine-tune digits", "train digits"]
    )
    # The address has it all.
    again = page.url.replace(real.origin, "")
    assert "base=" in again
    page = real.tab(again)
    expect(page.locator(".sides > li").first).to_contain_text("digits classifier")
    expect(row).to_have_count(0)
    # Another version, and one out.
    page.locator(".versions-menu summary").first.click()
    page.locator(".versions-menu").first.get_by_role("link", name="v3", exact=True).click()
    expect(page.locator(".sides > li").first).to_contain_text("v3")
    page.get_by_role("link", name=re.compile("^Leave train digits")).click()
    expect(page.locator(".empty")).to_contain_text("One more is needed")


def test_designs(own_real):
    from autolog.store import edit

    first, second = (
        own_real.store.find_model(each)[0] for each in ("digits classifier", "fine-tune digits - tuned")
    )
    lines = [f"({number}): Linear(8, 8)" for number in range(120)]
    edit(own_real.store, first, lambda _: {"design": "\n".join(lines)})
    lines[30], lines[90] = "(30): Linear(8, 9)", "(90): Tanh()"
    edit(own_real.store, second, lambda _: {"design": "\n".join(lines)})
    page = own_real.tab(address(own_real, first, second, show="design"))
    expect(page.locator("#designs tbody.difference")).to_have_count(2)
    page.locator("#next-difference").click()
    expect(page.locator("tbody.here")).to_contain_text("Linear(8, 9)")
    page.keyboard.press("n")
    expect(page.locator("tbody.here")).to_contain_text("Tanh()")
    expect(page.locator("tbody.here")).to_be_in_viewport()
    page.keyboard.press("p")
    expect(page.locator("#difference-at")).to_have_text("1 of ")
    assert page.get_by_text("(60): Linear").count() == 2
    page.locator("#hide-same").click()
    expect(page.get_by_text("(60): Linear")).to_have_count(0)
    expect(page.locator("#designs")).to_contain_text("lines the same")


def test_scalars(real):
    page = real.tab(address(real, "digits classifier", "digits in Keras - digits", show="scalars"))
    expect(page.get_by_role("row", name=re.compile("^accuracy")).locator(".extreme")).to_have_count(2)
    figure = page.locator("figure[data-metric=accuracy]")
    expect(figure.locator("canvas")).to_be_visible()
    expect(figure.locator(".u-legend")).to_contain_text("digits classifier")
    expect(figure.locator(".u-legend")).to_contain_text("digits in Keras - digits")
    # The lines of both are there.
    strokes = (
        "[...document.querySelectorAll('figure[data-metric=accuracy] .u-marker')].map((m) => m.style.border)"
    )
    assert len(set(page.evaluate(strokes))) >= 2
    page.set_viewport_size({"width": 800, "height": 900})
    expect(figure.locator(".uplot")).to_have_js_property(
        "offsetWidth", figure.locator(".canvas").evaluate("e => e.clientWidth")
    )


def test_tensors(real):
    page = real.tab(address(real, "train digits - best", "fine-tune digits - tuned", show="tensors"))
    rows = page.locator("#tensor-changes tbody tr")
    expect(rows).to_have_count(4)
    frozen = page.get_by_role("row", name=re.compile("^0.weight"))
    expect(frozen).to_contain_text("unchanged")
    page.locator("#hide-same").click()
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="norm", exact=True).click()
    expect(rows.first).to_contain_text("3.weight")
    assert float(rows.first.locator("td.n").first.inner_text()) > 0
    with page.expect_download() as download:
        page.locator("summary", has_text="Export").click()
        page.get_by_role("link", name="CSV of this table").click()
    assert "3.weight" in download.value.path().read_text()
    page = real.tab(address(real, "train digits - best", "digits in Keras - digits", show="tensors"))
    expect(page.locator("#tensor-changes .kind.removed")).to_have_count(4)
    expect(page.locator("#tensor-changes .kind.added")).to_have_count(4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_and_nothing_overflows(real, scheme):
    page = real.tab("/compare", color_scheme=scheme)
    named = (
        "train digits - best:v1",
        "digits classifier",
        "digits in Keras - digits",
        "boosted wines - wines",
    )
    found = {}
    for section in ("", "details", "design", "scalars", "tensors"):
        path = address(real, *(named if section else named[:1]), show=section)
        page.set_viewport_size({"width": 1400, "height": 900})
        page.goto(real.origin + path)
        found[section] = violations(page)
        for width in (1400, 800):
            page.set_viewport_size({"width": width, "height": 900})
            assert overflowing(page) <= 0, (section, width)
    assert {name: each for name, each in found.items() if each} == {}
