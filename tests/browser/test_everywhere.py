"""What holds for every page: accessible, quiet, the same without scripts, and nothing too wide."""

import contextlib
from pathlib import Path

import pytest
from addresses import page_routes, route_of
from playwright.sync_api import TimeoutError, expect

from autolog.store import ChangesRecord, Writer, edit, edit_task, figures_of

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
#: Plotly is five megabytes of script, in milliseconds.
LONG = 20_000
_SIDES = "m={best}:v1&m={model}&m={keras}&m={wines}"
#: Every page there is, over what real runs have left; `many` is over a store with 300 models.
PAGES = {
    "tables": {
        "start": "/",
        "keys": "/keys",
        "models": "/models",
        "filtered": "/models?q=digits&tag=best&columns=name,tags,metric.loss,meta.data&sort=-metric.loss",
        "nothing": "/models?q=nothing-of-the-kind",
        "split": "/models?view=split&model={model}",
        "filters": "/models/filters?framework=PyTorch",
        "columns": "/models/columns",
        "values": "/models/values?of=tag",
        "archive": "/archive",
        "archive filters": "/archive/filters",
        "archive columns": "/archive/columns",
        "archive values": "/archive/values?of=project",
    },
    "many": {
        "models": "/models?limit=10",
        "filtered": "/models?limit=10&q=net&tag=best&columns=name,tags,metric.val_loss&sort=-metric.val_loss",
        "archive": "/archive?limit=10",
    },
    "a model": {
        "general": "/models/{model}",
        "snapshots": "/models/{model}/snapshots?version=2",
        "network": "/models/{model}/network",
        "labels": "/models/{model}/labels",
        "metadata": "/models/{model}/metadata",
        "lineage": "/models/{model}/lineage",
        "scalars": "/models/{model}/scalars?smooth=exponential",
        "plots": "/models/{model}/plots",
        "figure": "/models/{model}/plots/{figure}",
        "published": "/models/{keras}/network",
        "no labels": "/models/{keras}/labels",
        "no plots": "/models/{keras}/plots",
    },
    "tasks": {
        "tasks": "/tasks",
        "filtered": "/tasks?status=failed&tag=-x",
        "archived": "/tasks?archived=1",
        "filters": "/tasks/filters",
        "task": "/tasks/{task}",
        "failed": "/tasks/{failed}",
        "artifacts": "/tasks/{task}/artifacts",
        "configuration": "/tasks/{task}/configuration",
        "lineage": "/tasks/{task}/lineage",
    },
    "compare": {
        "nothing": "/compare",
        "one": "/compare?m={model}",
        **{each: f"/compare?{_SIDES}&show={each}" for each in ("details", "design", "scalars", "tensors")},
        "hidden": f"/compare?{_SIDES}&show=details&hide=1",
        "tree": f"/compare?{_SIDES}&show=design&as=tree",
    },
}
#: What somebody reads in the page: its headings, the tables, and facts; a time as it stands in its title.
READ = """() => {
    const isSeen = (each) => each.checkVisibility({ visibilityProperty: true });
    const all = (from, selector) => [...from.querySelectorAll(selector)].filter(isSeen);
    const words = (each) => each.querySelector('time')?.title ?? each.textContent;
    const text = (each) => words(each).trim().replace(/\\s+/g, ' ');
    const main = document.querySelector('main');
    return {
        headings: all(main, 'h1, h2, h3').map(text),
        tables: all(main, 'table:not(.u-legend)').map(
            (table) => all(table, 'tr').map((row) => [...row.cells].map(text))),
        facts: all(main, 'dt, dd, li > a').map(text),
    };
}"""
OPEN = "for (const each of document.querySelectorAll('main details:not(.menu)')) each.open = true"
#: What is cut off by its own box.
CUT = """() => [...document.querySelectorAll('h1, h2, button, .button, .badge, dt, legend, .sides > li')]
    .filter((each) => each.offsetParent && !each.matches('.hidden'))
    .filter((each) => each.scrollWidth > each.clientWidth + 1)
    .map((each) => each.outerHTML.slice(0, 120))"""
#: What can be pressed, but not by keys. A menu is gone through with arrows.
NO_KEYS = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter((each) => each.checkVisibility() && !each.disabled && each.tabIndex < 0)
    .filter((each) => !each.closest('[role=menu]'))
    .map((each) => each.outerHTML.slice(0, 120))"""
#: What is drawn by a script and in sight.
DRAWN = """() => [...document.querySelectorAll('.plot, .figure')]
    .filter((each) => each.getBoundingClientRect().top < innerHeight)
    .every((each) => each.dataset.drawn)"""


def named(store):
    """What stands in the addresses of PAGES for a store that real runs have filled."""
    names = {
        "model": "digits classifier",
        "best": "train digits - best",
        "keras": "digits in Keras - digits",
        "wines": "boosted wines - wines",
    }
    found = {key: store.find_model(name)[0] for key, name in names.items()}
    found["task"], found["failed"] = store.find_task("fine-tune digits"), store.find_task("forest, strictly")
    diff = (
        f"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n-a = 1\n+a = 2\n+{'wide ' * 100}\n"
    )
    Writer(store).changes(found["task"], ChangesRecord(diff, ("b.png",), ("notes.txt",), read=1.0))
    return {**found, "figure": figures_of(store, found["model"], drawn=False)[0].id}


def violations(page):
    # Evaluated, and not put into the page: the pages allow no scripts but their own.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = {"runOnly": levels, "resultTypes": ["violations"]}
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found["violations"]]


def overflowing(page):
    """How much wider the page is than its window, once its plots have taken the window's new width."""
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    with contextlib.suppress(TimeoutError):
        # A function: an expression would be evaluated in the page each time, which the pages don't allow.
        page.wait_for_function(f"() => {wide} <= 0", timeout=3_000)
    return page.evaluate(wide)


def test_no_page_is_left_out():
    dummies = {"figure": 1, **dict.fromkeys(("model", "best", "keras", "wines", "task", "failed"), "0" * 32)}
    seen = {route_of(each.format(**dummies)) for room in PAGES.values() for each in room.values()}
    assert sorted(set(page_routes()) - seen) == [], "add it to PAGES"


@pytest.mark.parametrize("room", PAGES)
def test_every_page(request, room):
    site = request.getfixturevalue("shared" if room == "many" else "real")
    places = {} if room == "many" else named(site.store)
    page = site.tab("/keys", viewport={"width": 800, "height": 900})
    plain = site.tab("/keys", java_script_enabled=False, viewport={"width": 800, "height": 900})
    found = {}
    for name, path in PAGES[room].items():
        address = site.origin + path.format(**places)
        page.set_viewport_size({"width": 800, "height": 900})
        page.goto(address)
        page.wait_for_function(DRAWN, timeout=LONG)
        plain.goto(address)
        read = page.evaluate(READ)
        assert read["headings"], name
        assert plain.evaluate(READ) == read, name
        assert plain.locator(".needs-script:visible").count() == 0, name
        page.evaluate(OPEN)
        assert page.evaluate(NO_KEYS) == [], name
        for width in (800, 1400):
            page.set_viewport_size({"width": width, "height": 900})
            assert overflowing(page) <= 0, (name, width)
            assert page.evaluate(CUT) == [], (name, width)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            found[name, scheme] = violations(page)
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("room", PAGES)
def test_every_page_fits_a_telephone(request, room):
    """It is read without moving it sideways; what is wide inside of it has a bar of its own."""
    site = request.getfixturevalue("shared" if room == "many" else "real")
    places = {} if room == "many" else named(site.store)
    page = site.tab("/keys", viewport={"width": 400, "height": 800})
    wide = {}
    for name, path in PAGES[room].items():
        page.goto(site.origin + path.format(**places))
        page.wait_for_function(DRAWN, timeout=LONG)
        wide[name] = overflowing(page)
        assert page.locator("#help").bounding_box()["y"] < 30, name
    assert {name: each for name, each in wide.items() if each > 0} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_is_accessible(shared, scheme):
    found = {}
    page = shared.tab("/models?limit=10", color_scheme=scheme)
    page.locator("#all").check()
    found["selection"] = violations(page)
    page.keyboard.press("Escape")
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


def test_what_is_printed_is_dark_on_white(real):
    """A browser leaves the dark ground away, and light letters on paper can't be read."""
    page = real.tab(f"/models/{named(real.store)['model']}", viewport={"width": 700, "height": 900})
    page.click("#theme")
    page.click("#theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.emulate_media(media="print", color_scheme="dark")
    ink = "[...getComputedStyle(document.body).color.matchAll(/\\d+/g)].map(Number)"
    assert max(page.evaluate(ink)) < 60
    expect(page.locator("main button:visible, main .button:visible")).to_have_count(0)
    expect(page.locator("header.top")).to_be_hidden()
    is_cut = "each => each.scrollWidth > each.clientWidth + 1"
    assert page.evaluate(f"[...document.querySelectorAll('pre')].filter({is_cut}).length") == 0


def test_long_names_and_many_tags(own):
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


#: Where words of a page begin: how far from the left, in pixels.
LEFT_OF = """([place, words]) => {
    const all = document.createTreeWalker(document.querySelector(place), NodeFilter.SHOW_TEXT);
    for (let node = all.nextNode(); node; node = all.nextNode()) {
        const at = node.data.indexOf(words);
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + words.length);
        return range.getBoundingClientRect().left;
    }
}"""


def test_names_from_right_to_left_leave_the_rest_where_it_is(own_real):
    """Numbers changed places with such a name, and a text that turns around turned what came behind it."""
    store = own_real.store
    task, model_id = store.find_task("serve"), store.find_model("digits classifier")[0]
    edit_task(store, task, lambda _: {"name": "שירות", "project": "ראייה", "user": "דנה"})
    edit(store, model_id, lambda _: {"project": "\u202eturned"})
    page = own_real.tab("/")
    card = f"li:has(a[href='/tasks/{task}'])"
    count = f"{len(store.task(task).inputs)} models in"
    left = [page.evaluate(LEFT_OF, [card, words]) for words in ("ראייה", "דנה", count, "0 out")]
    assert left == sorted(left)
    page.goto(f"{own_real.origin}/models/{model_id}")
    place = "[data-edit=project]"
    assert page.evaluate(LEFT_OF, [place, "turned"]) < page.evaluate(LEFT_OF, [place, "Move"])
