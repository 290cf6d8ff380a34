"""The lineage of a model in a browser: the graph by mouse and keyboard, the table, what is summed up."""

import re

import pytest
from playwright.sync_api import expect
from rows import covers_row
from test_everywhere import overflowing, violations


@pytest.fixture
def told(sites):
    """A site with a chain of tasks, and a model that 300 tasks have loaded; ids by name."""
    from histories import chain, fan

    site = sites("histories")
    if not hasattr(site, "ids"):
        site.ids = {**chain(site.store), "root": fan(site.store, 300)}
    return site


@covers_row("Model page", "Lineage")
def test_the_graph(told):
    page = told.tab(f"/models/{told.ids['tuned']}/lineage")
    current = page.locator("svg a[aria-current]")
    expect(current).to_have_count(1)
    expect(current).to_have_accessible_name(re.compile("tuned, v3 of 3"))
    # Behind its edges there is no box: what is in the middle of each is the box itself.
    covered = page.evaluate(
        """() => [...document.querySelectorAll('svg a rect')].filter((rect) => {
            const box = rect.getBoundingClientRect();
            const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            const link = document.querySelector('#graph').contains(found) && found.closest('a');
            return link && link !== rect.closest('a');
        }).length"""
    )
    assert covered == 0
    page.locator("svg a", has_text="encoder").click()
    expect(page.locator("h1")).to_have_text("encoder")
    page.go_back()
    # By keyboard alone: the graph, then its boxes from left to right.
    page.locator("#graph").focus()
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert first.startswith("Task prepare")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/lineage$"))
    assert not page.url.endswith(f"{told.ids['tuned']}/lineage")


def test_a_task_and_what_is_exported(told):
    page = told.tab(f"/tasks/{told.ids['distil']}/lineage")
    expect(page.locator("svg a[aria-current]")).to_have_accessible_name("Task distil, task · failed")
    for name, start in (("Graphviz", "digraph"), ("Mermaid", "flowchart LR")):
        page.click("summary")
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.path().read_text().startswith(start)


@covers_row("Model page", "Lineage")
def test_the_table(told):
    page = told.tab(f"/models/{told.ids['tuned']}/lineage")
    rows = page.locator(".uses tbody tr")
    expect(rows).to_have_count(6)
    page.fill("#uses-q", "evaluate")
    expect(rows).to_have_count(3)
    assert "q=evaluate" in page.url
    page.select_option("#uses-status", "failed")
    expect(page.locator("#uses")).to_contain_text("No task meets these filters")
    page.fill("#uses-q", "")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("distil")
    page.select_option("#uses-status", "")
    page.select_option("#uses-tag", "gpu")
    expect(rows).to_have_count(2)
    page.reload()
    expect(rows).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 3


def test_what_is_summed_up_leads_on(told):
    page = told.tab(f"/models/{told.ids['root']}/lineage")
    more = page.locator("svg a.more")
    expect(more).to_have_text(re.compile("288 more"))
    more.click()
    expect(page).to_have_url(re.compile("#tasks$"))
    page.locator("[rel=next]").click()
    expect(page.locator(".uses tbody tr")).to_have_count(50)


def test_accessible_and_narrow(told):
    page = told.tab("/keys", viewport={"width": 800, "height": 900})
    for name in ("tuned", "root"):
        page.goto(f"{told.origin}/models/{told.ids[name]}/lineage")
        assert overflowing(page) <= 0
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == []


def test_without_javascript(told):
    page = told.tab(f"/models/{told.ids['tuned']}/lineage", java_script_enabled=False)
    page.fill("#uses-q", "distil")
    page.locator("#task-filter button").click()
    expect(page.locator(".uses tbody tr")).to_have_count(1)
    page.locator("svg a", has_text="encoder").click()
    expect(page.locator("h1")).to_have_text("encoder")
