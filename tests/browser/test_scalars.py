"""Scalars and figures in a browser: what is drawn, how one looks at it, and what stays without drawing."""

import json
import re
import time

import pytest
from playwright.sync_api import expect
from rows import covers_row
from test_everywhere import LONG, overflowing, violations

from autolog.store import figures_of, report, series_of

#: Of a canvas: how many of its pixels are painted.
PAINTED = """(canvas) => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let found = 0;
    for (let at = 3; at < pixels.length; at += 4) if (pixels[at]) found += 1;
    return found;
}"""


@pytest.fixture
def told(sites):
    """A site with a model that has scalars and figures; `base` is its address."""
    from histories import History, figures, scalars

    site = sites("scalars")
    if not hasattr(site, "base"):
        history = History(site.store)
        model_id = history.model("net", history.task("train"), 3)
        scalars(site.store, model_id)
        figures(site.store, model_id)
        site.base = f"/models/{model_id}"
    return site


@covers_row("Model page", "Scalars")
def test_line_plots(told):
    page = told.tab(f"{told.base}/scalars")
    loss = page.locator(".plot-card", has=page.locator("h2", has_text="loss"))
    loss.scroll_into_view_if_needed()
    expect(loss.locator(".plot[data-drawn]")).to_be_visible()
    plain = loss.locator("canvas").evaluate(PAINTED)
    assert plain > 1000
    # What is under the pointer is told in words.
    box = loss.locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 60)
    expect(loss.locator(".at")).to_contain_text("train")
    # Smoothed, with the original behind; the address says so.
    page.select_option('[name="smooth"]', "exponential")
    expect(page.locator("#strength output")).to_have_text("0.60")
    expect(page).to_have_url(re.compile("smooth=exponential&strength=60"))
    page.locator('[name="strength"]').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#strength output")).to_have_text("0.61")
    assert loss.locator("canvas").evaluate(PAINTED) > plain
    page.select_option('[name="x"]', "time")
    page.select_option('[name="y"]', "log")
    page.reload()
    assert page.locator('[name="x"]').input_value() == "time"
    page.select_option('[name="group"]', "none")
    expect(page.locator(".plot-card")).to_have_count(4)
    assert "smooth=exponential" in page.url


@covers_row("Model page", "Scalars")
def test_every_way_to_look(real):
    model_id = real.store.find_model("digits classifier")[0]
    page = real.tab(f"/models/{model_id}/scalars")
    loss = page.locator(".plot-card", has=page.locator("h2", has_text="loss"))
    expect(loss.locator(".plot[data-drawn]")).to_be_visible()
    pictures = set()
    for smooth in ("none", "exponential", "average", "gaussian"):
        page.select_option('[name="smooth"]', smooth)
        for x in ("iteration", "time", "wall"):
            page.select_option('[name="x"]', x)
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            pictures.add(loss.locator("canvas").evaluate("(each) => each.toDataURL()"))
    assert len(pictures) == 12
    # The values, newest first, beside each other by their iteration.
    loss.locator("summary").click()
    rows = loss.locator(".values tbody tr")
    points = {each.name: each.points for each in series_of(real.store, [model_id])}
    assert rows.count() == len(points["loss/train"]) == 75
    last = [points["loss/train"][-1], points["loss/validation"][-1]]
    expect(rows.first.locator("td")).to_have_text(["74", *(f"{each.value:.6g}" for each in last)])
    expect(rows.nth(1).locator("td").last).to_have_text("")


def test_a_series_can_be_hidden_and_a_plot_zoomed(told):
    page = told.tab(f"{told.base}/scalars?q=loss")
    expect(page.locator(".plot[data-drawn]")).to_be_visible()
    both = page.locator("canvas").evaluate(PAINTED)
    button = page.get_by_role("button", name="val")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert page.locator("canvas").evaluate(PAINTED) < both
    before = page.locator("canvas").evaluate("(each) => each.toDataURL()")
    box = page.locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 80, steps=4)
    page.mouse.up()
    page.mouse.move(0, 0)
    zoomed = page.locator("canvas").evaluate("(each) => each.toDataURL()")
    assert zoomed != before
    page.mouse.dblclick(box["x"] + 100, box["y"] + 80)
    page.mouse.move(0, 0)
    assert page.locator("canvas").evaluate("(each) => each.toDataURL()") == before


def test_smoothing_keeps_gaps(told):
    page = told.tab(f"{told.base}/scalars")
    given = [1, None, 3, "inf", 5, 5, 5]
    found = page.evaluate(
        """async (given) => {
            const { smooth } = await import('/static/smoothing.js');
            return ['none', 'exponential', 'average', 'gaussian'].map((kind) => smooth(kind, 2, given));
        }""",
        given,
    )
    assert found[0] == given
    for smoothed in found[1:]:
        assert [each is None for each in smoothed] == [each is None or each == "inf" for each in given]
        assert smoothed[-1] == pytest.approx(5, abs=0.2)
    assert found[2] == [1, None, 2, None, 4, 5, 5]


def test_scalars_without_javascript(told):
    page = told.tab(f"{told.base}/scalars", java_script_enabled=False)
    expect(page.locator(".plot").first).to_be_hidden()
    card = page.locator(".plot-card", has=page.locator("h2", has_text="loss"))
    card.locator("summary").click()
    expect(card.locator(".values tbody tr")).to_have_count(100)
    page.fill('[name="q"]', "accuracy")
    page.locator("#look button").click()
    expect(page.locator(".plot-card")).to_have_count(1)


@covers_row("Model page", "Plots")
def test_figures(told):
    page = told.tab(f"{told.base}/plots?q=o")
    expect(page.locator(".figure[data-drawn] .main-svg").first).to_be_visible(timeout=LONG)
    confusion = page.locator(".figure-card", has=page.locator("h2", has_text="Confusion"))
    expect(confusion.locator(".heatmaplayer text").first).to_be_visible()
    texts = confusion.locator(".heatmaplayer text").all_text_contents()
    assert sorted(texts) == ["3", "4", "43", "50"]
    # It says more of what is under the pointer.
    box = confusion.locator(".nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    expect(confusion.locator(".hoverlayer")).to_contain_text("50")
    page.goto(f"{told.origin}{told.base}/plots")
    page.select_option('[name="at"]', "0")
    expect(page.locator(".figure-card")).to_have_count(1)
    page.locator(".figure-card h2 a").click()
    expect(page.locator(".figure.large[data-drawn] .bars path").last).to_be_visible(timeout=LONG)
    # Nothing offers to take a figure elsewhere.
    assert "Share" not in " ".join(
        page.locator(".modebar-btn").evaluate_all("all => all.map((a) => a.outerHTML)")
    )
    page.locator("nav.others a", has_text="20").click()
    expect(page.locator(".data tbody tr").first).to_contain_text("20")
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    assert json.loads(download.value.path().read_text())["title"] == "Moving"


@covers_row("Model page", "Plots")
def test_a_figure_of_a_run(real):
    model_id = real.store.find_model("digits classifier")[0]
    page = real.tab(f"/models/{model_id}/plots")
    card = page.locator(".figure-card")
    expect(card.locator("h2")).to_have_text("confusion validation")
    expect(card.locator(".heatmaplayer text").first).to_be_visible(timeout=LONG)
    drawn = [int(each) for each in card.locator(".heatmaplayer text").all_text_contents()]
    (figure,) = figures_of(real.store, model_id, drawn=True)
    assert sorted(drawn) == sorted(value for row in figure.figure["data"][0]["z"] for value in row)
    assert sum(drawn) == 297


def test_figures_without_javascript(told):
    page = told.tab(f"{told.base}/plots", java_script_enabled=False)
    page.get_by_role("link", name="its data as a table").first.click()
    expect(page.locator(".data tbody tr")).to_have_count(2)


@covers_row("Model page", "Scalars")
def test_newer_values_are_told_until_one_looks_at_them(sites):
    """A change is shown at once, and doesn't make the plots any newer."""
    from histories import History

    site = sites("scalars of a running task")
    history = History(site.store)
    task_id = history.task("train", status="running", finished=None, heartbeat=time.time())
    model_id = history.model("net", task_id)
    report(site.store, model_id, "loss", 0.5, 1)
    page = site.tab(f"/models/{model_id}/scalars")
    report(site.store, model_id, "accuracy", 0.9, 1)
    expect(page.locator("#live")).to_contain_text("New values, show", timeout=LONG)
    page.click("#add-tag")
    page.locator("#ask-field input").fill("best")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Tags")).to_contain_text("best")
    # It asks once more before we look.
    with page.expect_response("**/news.json*", timeout=LONG):
        pass
    expect(page.locator("#live")).to_contain_text("New values, show")
    page.click("#show-news")
    expect(page.locator(".plot-card h2", has_text="accuracy")).to_be_visible()


def test_accessible_and_narrow(told):
    page = told.tab("/keys", color_scheme="dark", viewport={"width": 800, "height": 900})
    for tab, drawn in (("scalars?smooth=average", ".plot"), ("plots", ".figure")):
        page.goto(f"{told.origin}{told.base}/{tab}")
        expect(page.locator(f"{drawn}[data-drawn]").first).to_be_visible(timeout=LONG)
        assert overflowing(page) <= 0
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == []
        page.emulate_media(color_scheme="dark")


def test_a_hostile_figure_stays_a_picture(told):
    from autolog.store import NewFigure, report_figure

    hit = "window.hit=1"
    evil = f"<img src=x onerror='{hit}'><script>{hit}</script><a href='javascript:{hit}'>x</a>"
    figure = {
        "data": [
            {
                "type": "scatter",
                "x": [1, 2],
                "y": [1, 2],
                "mode": "text+markers",
                "name": evil,
                "text": [evil] * 2,
            }
        ],
        "layout": {
            "title": {"text": evil},
            "showlegend": True,
            "annotations": [{"text": evil, "x": 1, "y": 1}],
            "images": [{"source": "https://example.org/x.png", "x": 0, "y": 1, "sizex": 1, "sizey": 1}],
        },
    }
    model_id = told.base.rsplit("/", 1)[1]
    shown = report_figure(told.store, model_id, NewFigure(evil, evil, "figure", figure, 10))
    told.said.clear()
    page = told.tab(f"{told.base}/plots/{shown.id}")
    expect(page.locator(".figure[data-drawn] .main-svg").first).to_be_visible(timeout=LONG)
    assert page.evaluate("window.hit") is None
    hidden = "[...document.querySelectorAll('.figure img, .figure script, a[*|href^=javascript]')].length"
    assert page.evaluate(hidden) == 0


#: Notes how far each text that is written to a canvas reaches beyond its left edge, in pixels.
NOTE_TEXTS = """() => {
    window.written = [];
    const original = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function fillText(text, x, y) {
        const { actualBoundingBoxLeft: left } = this.measureText(text);
        const at = this.getTransform().transformPoint({ x, y });
        window.written.push([text, left - at.x]);
        return original.apply(this, arguments);
    };
}"""


@pytest.mark.parametrize("scale", [1e8, 1e-7, -123456.0, 1e300, 1.0])
def test_numbers_beside_a_plot_are_whole(sites, scale):
    """However many digits there are: `80,000,000` was written as `000000`."""
    from histories import History

    site = sites("axes")
    history = History(site.store)
    model_id = history.model(f"net {scale}", history.task(f"train {scale}"), 1)
    for step in range(6):
        report(site.store, model_id, "loss", scale * (1 + step / 7), step)
    page = site.tab("/keys")
    page.add_init_script(f"({NOTE_TEXTS})()")
    page.goto(f"{site.origin}/models/{model_id}/scalars")
    expect(page.locator(".plot[data-drawn]").first).to_be_visible()
    page.wait_for_timeout(200)
    written = page.evaluate("window.written")
    assert len(written) > 6
    assert [each for each in written if each[1] > 0] == []
