"""What holds for every page: accessible, quiet, readable without scripts and on a narrow screen."""

import random
from pathlib import Path

import pytest
from playwright.sync_api import expect

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
#: The first model of the site `shared`.
MODEL = f"/models/{random.Random(1_000_003).getrandbits(128):032x}"
#: Read by the tests of the pages that come later, too.
PAGES = {
    "start": "/",
    "models": "/models?limit=10",
    "filtered": "/models?limit=10&q=net&tag=best&columns=name,tags,metric.val_loss&sort=-metric.val_loss",
    "nothing": "/models?q=nothing-of-the-kind",
    "split": "/models?limit=10&view=split",
    "filters": "/models/filters",
    "columns": "/models/columns",
    "archive": "/archive?limit=10",
    "keys": "/keys",
    "general": MODEL,
    "snapshots": f"{MODEL}/snapshots",
    "network": f"{MODEL}/network",
    "labels": f"{MODEL}/labels",
    "metadata": f"{MODEL}/metadata",
    "lineage": f"{MODEL}/lineage",
    "scalars": f"{MODEL}/scalars?smooth=exponential",
    "plots": f"{MODEL}/plots",
    "task lineage": f"/tasks/{0:032x}/lineage",
    "tasks": "/tasks?limit=10",
    "task": f"/tasks/{0:032x}",
    "artifacts": f"/tasks/{0:032x}/artifacts",
    "compare": f"/compare?m={MODEL[8:]}&m={random.Random(1_000_004).getrandbits(128):032x}&show=design",
}


def violations(page):
    # Evaluated, and not put into the page: the pages allow no scripts but their own.
    page.evaluate(AXE.read_text())
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = {"runOnly": levels, "resultTypes": ["violations"]}
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found["violations"]]


def overflowing(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(shared, scheme):
    page = shared.tab("/", color_scheme=scheme)
    found = {}
    for name, path in PAGES.items():
        page.goto(shared.origin + path)
        if name == "models":
            page.locator("#all").check()
        found[name] = violations(page)
    page.goto(f"{shared.origin}/models?limit=10")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    found["help"] = violations(page)
    page.keyboard.press("Escape")
    page.click("#filters")
    expect(page.locator("#panel")).to_be_visible()
    found["panel"] = violations(page)
    page.keyboard.press("Escape")
    page.locator("button.more").first.click()
    found["menu"] = violations(page)
    assert {name: each for name, each in found.items() if each} == {}


def test_errors_and_an_empty_store(sites):
    site = sites("empty")
    page = site.tab("/")
    expect(page.locator("#line")).to_have_text("import autolog; autolog.init()")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy='#line']").click()
    expect(page.locator("[data-copy='#line']")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "import autolog; autolog.init()"
    assert violations(page) == []
    page.goto(f"{site.origin}/models")
    assert violations(page) == []
    said = len(site.said)
    page.goto(f"{site.origin}/nowhere")
    expect(page.locator("h1")).to_have_text("Nothing is here")
    assert violations(page) == []
    # The browser itself notes the status of such a page.
    assert all("404" in each for each in site.said[said:])
    del site.said[said:]


def test_the_theme(shared):
    page = shared.tab("/models", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    page.click("#theme")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.click("#theme")
    assert page.evaluate(ground) == light


@pytest.mark.parametrize("width", [1400, 800])
def test_nothing_overflows(shared, width):
    page = shared.tab("/", viewport={"width": width, "height": 900})
    for name, path in PAGES.items():
        page.goto(shared.origin + path)
        assert overflowing(page) <= 0, name
        cut = page.evaluate(
            """() => [...document.querySelectorAll('h1, h2, button, .button, .badge, dt, legend')]
                .filter((each) => each.offsetParent && !each.matches('.hidden'))
                .filter((each) => each.scrollWidth > each.clientWidth + 1)
                .map((each) => each.outerHTML.slice(0, 120))"""
        )
        assert cut == [], name


def test_long_names_and_many_tags(own):
    from autolog.store import edit

    page = own.tab("/models")
    model_id = page.locator("#table tbody tr").first.get_attribute("data-id")
    long = "a-name-without-any-place-to-break-it-" * 20
    tags = tuple(f"tag-number-{number}-{'x' * (number % 40)}" for number in range(200))
    edit(own.store, model_id, lambda record: {"name": long, "project": long, "comment": long, "tags": tags})
    entries = {long[:900]: 1, "short": 2}
    more = {"design": long, "labels": entries, "metadata": {**entries, "x": long}}
    edit(own.store, model_id, lambda record: more)
    for width in (1400, 800):
        page.set_viewport_size({"width": width, "height": 900})
        for path in (
            "/",
            "/models",
            f"/models?view=split&model={model_id}",
            *(f"/models/{model_id}{tab}" for tab in ("", "/snapshots", "/network", "/labels", "/metadata")),
            "/models/filters",
        ):
            page.goto(own.origin + path)
            assert overflowing(page) <= 0, path


def test_reading_without_javascript(shared):
    page = shared.tab("/models", java_script_enabled=False)
    expect(page.locator("#table tbody tr")).to_have_count(50)
    page.fill("#q", "bert")
    page.locator("#search button").click()
    assert all("bert" in each for each in page.locator("a.open").all_inner_texts())
    page.locator('th[data-key="name"] a.sort').click()
    expect(page.locator('th[data-key="name"]')).to_have_attribute("aria-sort", "ascending")
    page.click("#filters")
    page.get_by_label("PyTorch").check()
    page.fill('[name="to.metric.val_loss"]', "0.9")
    page.locator("form.filters button.main").click()
    assert "metric.val_loss=..0.9" in page.url
    assert "q=bert" in page.url
    page.goto(f"{shared.origin}/models")
    page.click("#next")
    expect(page.locator("#previous")).to_be_visible()
    page.locator("a.open").first.click()
    expect(page.locator("#model-head h1")).to_be_visible()


def test_only_who_has_the_token_comes_in(shared):
    page = shared.tab("/models")
    cookies = page.context.cookies()
    assert [(each["httpOnly"], each["sameSite"]) for each in cookies] == [(True, "Strict")]
    assert page.evaluate("Object.keys(localStorage)") == []
    page.context.clear_cookies()
    said = len(shared.said)
    page.goto(f"{shared.origin}/models")
    expect(page.locator("h1")).to_have_text("Open the address with its token")
    assert all("401" in each for each in shared.said[said:])
    del shared.said[said:]


def test_read_only(sites):
    page = sites("read-only", "--read-only", count=30).tab("/models")
    page.locator("#all").check()
    expect(page.locator("#selected")).to_have_text("30 models selected")
    assert page.locator("[data-action]").count() == 0
    offered = page.locator("#row-menu [data-row]").all_inner_texts()
    assert offered == ["Details", "Download", "Compare with the selected"]
