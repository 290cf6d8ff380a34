"""Tasks, through the pages as a person would, over what real runs have left."""

import re

import pytest
from playwright.sync_api import expect
from test_everywhere import overflowing, violations


def names(page):
    return page.locator("#table tbody a.open").all_inner_texts()


def head(page, key):
    return page.locator(f'#table th[data-key="{key}"]')


def open_task(site, name, tab=""):
    page = site.tab(f"/tasks?q={name.replace(' ', '%20')}")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("h1")).to_have_text(name)
    if tab:
        page.get_by_role("navigation", name="About this task").get_by_role("link", name=tab).click()
    return page


def test_the_table_sorts_filters_and_searches(real):
    page = real.tab("/tasks")
    assert len(names(page)) == 7
    head(page, "name").locator("a.sort").click()
    expect(head(page, "name")).to_have_attribute("aria-sort", "ascending")
    assert names(page) == sorted(names(page), key=str.lower)
    head(page, "status").locator("a.sort").click(modifiers=["Shift"])
    expect(head(page, "status").locator(".arrow")).to_have_text("▲2")
    head(page, "status").hover()
    head(page, "status").locator(".funnel").click()
    page.locator("#panel #f-status").get_by_label("failed").check()
    page.locator("#panel button.main").click()
    expect(page.locator("#total")).to_have_text("1")
    assert names(page) == ["forest, strictly"]
    page.locator(".chip a").click()
    expect(page.locator("#total")).to_have_text("7")
    page.keyboard.press("/")
    page.keyboard.type("digits")
    expect(page.locator("#total")).to_have_text("3")
    assert "q=digits" in page.url


def test_keys_lead_through_the_table(real):
    page = real.tab("/tasks?sort=name")
    shown = names(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")  # there is nothing to select
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(shown[1])
    page.wait_for_load_state()  # the keys are known then
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.locator("h1")).to_have_text("Tasks")
    page.wait_for_load_state()
    name = names(page)[3]
    page.locator("#table tbody tr").nth(3).locator("td").nth(3).dblclick()
    expect(page.locator("h1")).to_have_text(name)


def test_general_tells_how_it_ran_and_what_was_captured(real):
    page = open_task(real, "train digits")
    facts = page.locator(".facts")
    for part in ("train_network.py", "on main", "not committed", "torch 2", "python 3", "ada on"):
        expect(facts).to_contain_text(part)
    report = page.locator("section", has_text="What was captured")
    expect(report).to_contain_text("2 output models")
    expect(report.get_by_role("region", name="Seen, and left alone")).to_contain_text("batch.pt")
    report.locator("summary").first.click()
    expect(report.locator(".targets").first).to_contain_text("torch.serialization:save")
    page = open_task(real, "forest, strictly")
    expect(page.locator("#general .problem")).to_contain_text("too good to be true")
    expect(page.locator(".facts")).to_contain_text("--strictly")


def test_artifacts(real):
    page = open_task(real, "fine-tune digits", "Artifacts")
    given = page.locator("section", has=page.locator("#inputs-title"))
    expect(given.get_by_role("link", name="train digits - best", exact=True)).to_be_visible()
    expect(given).to_contain_text("best.pt")
    given.get_by_text("Design").click()
    expect(given.locator("pre")).to_contain_text("Linear(in_features=64")
    with page.expect_download() as download:
        given.get_by_role("link", name=re.compile("^Download")).click()
    made = download.value.path().read_bytes()
    assert made[:2] == b"PK"
    others = page.locator("section", has=page.locator("#others-title"))
    row = others.locator("li", has_text="notes")
    row.get_by_text("Preview").click()
    expect(row.locator("pre")).to_contain_text("<b>Not bold.</b>")
    row = others.locator("li", has_text="report.csv")
    row.get_by_text("Preview").click()
    expect(row.locator("th").first).to_have_text("epoch")
    row = others.locator("li", has_text="first digit.png")
    row.get_by_text("Preview").click()
    expect(row.locator("img")).to_have_js_property("naturalWidth", 96)
    with page.expect_download() as download:
        others.get_by_role("link", name="Download history").click()
    assert '"epochs"' in download.value.path().read_text()
    given.get_by_role("link", name="train digits", exact=True).click()
    expect(page.locator("h1")).to_have_text("train digits")


def test_configuration(real):
    page = open_task(real, "fine-tune digits", "Configuration")
    expect(page.get_by_role("row", name="augment/noise 0.05")).to_be_visible()
    expect(page.locator("pre")).to_contain_text('"loss": "cross_entropy"')


def test_changing_a_task(own_real):
    page = open_task(own_real, "forest")
    page.locator("#rename").click()
    page.get_by_label("Name", exact=True).fill("a forest of wines")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("a forest of wines")
    page.locator(".toast", has_text="Name changed").get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_have_text("forest")
    page.locator("#describe").click()
    page.get_by_label("Comment", exact=True).fill("To be looked at.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#general [data-text]").first).to_have_text("To be looked at.")
    page.locator("#add-tag").click()
    page.locator("#ask-field input").fill("looked at")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Tags")).to_contain_text("looked at")
    page.get_by_role("button", name="Remove the tag baseline").click()
    expect(page.get_by_role("list", name="Tags")).not_to_contain_text("baseline")
    page.locator("#archive").click()
    expect(page.locator("#archive")).to_have_text("Restore")
    page.goto(f"{own_real.origin}/tasks")
    assert "forest" not in names(page)
    page.locator("#as-archive").click()
    expect(page.locator("h1")).to_have_text("Archived tasks")
    assert names(page) == ["forest"]
    # Inputs by hand.
    page.locator("#table a.open").click()
    page.get_by_role("link", name="Artifacts", exact=True).click()
    page.locator("#connect").click()
    page.locator("#ask-field input").fill("digits classifier:v2")
    page.keyboard.press("Enter")
    given = page.locator("section", has=page.locator("#inputs-title"))
    expect(given.get_by_role("link", name="digits classifier", exact=True)).to_be_visible()
    expect(given).to_contain_text("v2")
    given.get_by_role("button", name=re.compile("^Remove digits")).click()
    expect(given).to_contain_text("It has loaded no model")
    page.locator(".toast", has_text="removed").get_by_role("button", name="Undo").click()
    expect(given).to_contain_text("v2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_and_nothing_overflows(real, scheme):
    page = real.tab("/tasks", color_scheme=scheme)
    task = real.store.find_task("fine-tune digits")
    other = real.store.find_task("forest, strictly")
    paths = ["/tasks", "/tasks?archived=1", "/tasks?status=failed&tag=-x", "/tasks/filters"]
    paths += [f"/tasks/{task}{tab}" for tab in ("", "/artifacts", "/configuration")] + [f"/tasks/{other}"]
    found = {}
    for path in paths:
        page.set_viewport_size({"width": 1400, "height": 900})
        page.goto(real.origin + path)
        for each in page.locator("details:not(.menu) summary").all():
            each.click()
        found[path] = violations(page)
        for width in (1400, 800):
            page.set_viewport_size({"width": width, "height": 900})
            assert overflowing(page) <= 0, (path, width)
    assert {path: each for path, each in found.items() if each} == {}


def test_reading_without_javascript(real):
    page = real.tab("/tasks", java_script_enabled=False)
    page.fill("#q", "forest")
    page.locator("#search button").click()
    assert sorted(names(page)) == ["forest", "forest, strictly"]
    page.locator("#filters").click()
    page.get_by_label("completed").check()
    page.locator("form.filters button.main").click()
    assert names(page) == ["forest"]
    page.locator("#table a.open").click()
    expect(page.locator("h1")).to_have_text("forest")
    expect(page.locator("#archive")).to_be_hidden()
