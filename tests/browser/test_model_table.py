"""The model table, through the page as a person would: one test for each thing that it is to do."""

import csv
import io
import re
import time

import pytest
from downloads import downloaded
from playwright.sync_api import expect
from rows import covers_row

from autolog.errors import NotFound
from autolog.shown import words
from autolog.store import edit, schema, series_of


def names(page):
    return page.locator("#table tbody a.open").all_inner_texts()


def heads(page):
    return [each.get_attribute("data-key") for each in page.locator("#table th[data-key]").all()]


def row(page, number):
    return page.locator("#table tbody tr").nth(number)


def head(page, key):
    return page.locator(f'#table th[data-key="{key}"]')


def choose(page, number):
    row(page, number).locator("input").click()


#: Of each row: its id, and the text and the title of each of its cells.
CELLS = """() => Object.fromEntries([...document.querySelectorAll('#table tbody tr')].map((row) => [
    row.dataset.id,
    [...row.querySelectorAll('td')].slice(1, -2).map((cell) => [
        cell.textContent.trim(), cell.querySelector('[title]')?.title ?? '',
    ]),
]))"""
USUAL = [
    *("id", "framework", "name", "tags", "status", "project", "user", "task", "updated"),
    *("versions", "size", "digest", "iteration", "parameters"),
]
ALL = [*USUAL, "description", "created", "metric.val_loss", "min.val_loss", "max.val_loss", "meta.data"]


def ids(page):
    return page.locator("#table tbody tr").evaluate_all("(all) => all.map((each) => each.dataset.id)")


def close_to(value):
    return "" if value is None else f"{value:.6g}"


@covers_row("Model table", "columns")
def test_columns_say_what_the_record_says(real):
    page = real.tab()
    assert heads(page) == USUAL
    expect(page.locator("#table thead #all")).to_be_visible()
    page.goto(f"{real.origin}/models?columns={','.join(ALL)}")
    shown = page.evaluate(CELLS)
    records = {each.id: real.store.model(each.id) for each in real.store.models() if not each.archived}
    assert set(shown) == set(records)
    for model_id, cells in shown.items():
        record, told = records[model_id], dict(zip(ALL, cells, strict=True))
        newest = record.snapshots[-1]
        series = {each.name: each.points for each in series_of(real.store, [model_id])}
        losses = [each.value for each in series.get("val_loss", ())]
        apart = ("id", "tags", "updated", "created")
        assert {key: text for key, (text, _) in told.items() if key not in apart} == {
            "framework": record.framework,
            "name": record.name,
            "status": record.status.capitalize(),
            "project": record.project,
            "user": "ada" if record.task_id else "",
            "task": record.task_name or "",
            "versions": str(record.versions),
            "size": words.size(newest.size),
            "digest": words.digest(newest.digest),
            "iteration": "" if newest.iteration is None else str(newest.iteration),
            "parameters": words.count(newest.contents.parameters),
            "description": record.comment,
            "metric.val_loss": close_to(losses[-1] if losses else None),
            "min.val_loss": close_to(min(losses, default=None)),
            "max.val_loss": close_to(max(losses, default=None)),
            "meta.data": record.metadata.get("data", ""),
        }
        titles = {key: title for key, (_, title) in told.items()}
        assert titles["id"] == model_id
        assert re.fullmatch(r"now|\d+ \w+ ago", told["updated"][0])
        assert titles["updated"] == words.moment(record.updated)
        assert titles["size"] == f"{newest.size:,} bytes"
        assert titles["digest"] == newest.digest
        assert titles["tags"] == ", ".join(record.tags)


@covers_row("Model table", "customizing")
def test_customizing_columns(shared):
    page = shared.tab()
    assert "description" not in heads(page)
    page.click("#columns")
    page.locator("#panel").get_by_label("Description").check()
    page.locator("#panel").get_by_label("val_loss", exact=True).check()
    page.locator("#panel").get_by_role("checkbox", name="Digest").uncheck()
    page.locator("#panel button.main").click()
    expect(head(page, "metric.val_loss")).to_be_visible()
    assert heads(page)[-2:] == ["description", "metric.val_loss"]
    assert "digest" not in heads(page)
    assert "columns=" in page.url
    # reorder by dragging
    head(page, "size").drag_to(head(page, "framework"))
    expect(page.locator("#table th[data-key]").nth(1)).to_have_attribute("data-key", "size")
    assert "columns=id,size,framework" in page.url.replace("%2C", ",")
    # resize, kept when one comes again; a double click fits
    grip = head(page, "name").locator(".grip").bounding_box()
    page.mouse.move(grip["x"] + 4, grip["y"] + 10)
    page.mouse.down()
    page.mouse.move(grip["x"] + 124, grip["y"] + 10, steps=4)
    page.mouse.up()
    wide = head(page, "name").bounding_box()["width"]
    address = page.url
    # each project has its own
    page.goto(f"{shared.origin}/models?project=vision")
    assert abs(head(page, "name").bounding_box()["width"] - wide) > 5
    page.goto(address)
    assert abs(head(page, "name").bounding_box()["width"] - wide) < 2
    head(page, "name").locator(".grip").dblclick()
    assert abs(head(page, "name").bounding_box()["width"] - wide) > 5
    # The columns come back however the table is opened again; another project has its own.
    chosen, usual = heads(page), [*USUAL]
    assert set(chosen) == {*USUAL, "description", "metric.val_loss"} - {"digest"}
    page.locator("nav[aria-label=Pages] a", has_text="Models").click()
    all_heads = page.locator("#table th[data-key]")
    expect(all_heads).to_have_count(len(chosen))
    assert heads(page) == chosen
    page.click("#filters")
    page.locator("#panel #f-project").get_by_label("speech").check()
    page.locator("#panel button.main").click()
    expect(page.locator(".chip")).to_have_count(1)
    assert heads(page) == usual
    page.goto(f"{shared.origin}/models?project=speech&columns=name,size")
    assert heads(page) == ["name", "size"]
    page.click("#columns")
    page.locator("#panel #find-column").fill("accu")
    page.locator("#panel").get_by_label("accuracy (max)").check()
    page.locator("#panel button.main").click()
    expect(all_heads).to_have_count(3)
    page.locator(".chip a").click()
    expect(page.locator(".chip")).to_have_count(0)
    assert heads(page) == chosen
    page.go_back()
    expect(all_heads).to_have_count(3)
    page.goto(f"{shared.origin}/models?project=speech")
    expect(all_heads).to_have_count(3)
    assert heads(page) == ["name", "size", "max.accuracy"]
    page.click("#columns")
    page.locator("#panel").get_by_text("As at first").click()
    expect(all_heads).to_have_count(len(usual))
    page.reload()
    assert heads(page) == usual


@covers_row("Model table", "sort")
def test_sorting(shared):
    page = shared.tab("/models?columns=name,framework,size,updated")
    head(page, "name").locator("a.sort").click()
    expect(head(page, "name")).to_have_attribute("aria-sort", "ascending")
    shown = names(page)
    assert shown == sorted(shown, key=str.lower)
    head(page, "name").locator("a.sort").click()
    expect(head(page, "name")).to_have_attribute("aria-sort", "descending")
    head(page, "framework").locator("a.sort").click()
    expect(head(page, "framework")).to_have_attribute("aria-sort", "ascending")
    head(page, "size").locator("a.sort").click(modifiers=["Shift"])
    expect(head(page, "size").locator(".arrow")).to_have_text("▼2")
    assert page.url.endswith("sort=framework,-size")
    page.go_back()
    expect(head(page, "size")).not_to_have_attribute("aria-sort", "descending")


@covers_row("Model table", "sort")
def test_every_column_sorts(real):
    page = real.tab(f"/models?columns={','.join(ALL)}")
    there = sorted(ids(page))
    numbers = ("versions", "size", "iteration", "parameters")
    for at, key in enumerate(ALL):
        head(page, key).locator("a.sort").click()
        expect(head(page, key)).to_have_attribute("aria-sort", re.compile("ascending|descending"))
        assert sorted(ids(page)) == there
        cells = [cells[at] for cells in page.evaluate(CELLS).values() if cells[at][0]]
        if key in numbers:
            found = [int(re.sub(r"\D", "", title or text)) for text, title in cells]
        elif key in ("name", "project", "framework", "task"):
            found = [text.lower() for text, _ in cells]
        else:
            continue
        is_down = head(page, key).get_attribute("aria-sort") == "descending"
        assert found == sorted(found, reverse=is_down), key


@covers_row("Model table", "filters")
def test_filters(shared):
    page = shared.tab()
    head(page, "framework").hover()
    head(page, "framework").locator(".funnel").click()
    panel = page.locator("#panel")
    panel.locator("#f-framework").get_by_label("PyTorch").check()
    panel.get_by_label("without debug").check()
    panel.get_by_label("metric.val_loss to").fill("0.5")
    panel.locator('[name="from.updated"]').fill("7d")
    panel.locator("button.main").click()
    expect(page.locator(".chip")).to_have_count(4)
    for part in ("framework=PyTorch", "tag=-debug", "metric.val_loss=..0.5", "updated=7d.."):
        assert part in page.url
    expect(page.locator("#filters")).to_have_class(re.compile("lit"))
    expect(head(page, "framework").locator(".funnel")).to_have_class(re.compile("lit"))
    frameworks = page.locator("#table tbody tr td:nth-child(3)").all_inner_texts()
    assert {each.strip() for each in frameworks} == {"PyTorch"}
    page.locator(".chip", has_text="PyTorch").locator("a").click()
    expect(page.locator(".chip")).to_have_count(3)
    page.click("#clear")
    expect(page.locator(".chip")).to_have_count(0)
    expect(page.locator("#total")).to_have_text("294")
    page.click("#filters")
    panel.locator("#find-task").fill("train-00003")
    expect(panel.locator("#f-task label")).to_have_count(1)
    panel.locator("#f-task input[type=checkbox]").check()
    panel.locator("#find-task").fill("train-0000")
    expect(panel.locator("#f-task label")).to_have_count(10)
    expect(panel.get_by_label("train-00003")).to_be_checked()
    panel.locator("details.ends summary", has_text="val_loss").click()
    panel.get_by_label("min.val_loss to").fill("0.9")
    panel.get_by_label("size from").fill("1MB")
    panel.locator("button.main").click()
    expect(page.locator(".chip")).to_have_count(3)
    assert "size=1MB..&min.val_loss=..0.9" in page.url
    expect(head(page, "size").locator(".funnel")).to_have_class(re.compile("lit"))
    page.click("#clear")
    tagged = [set(each.tags) for each in shared.store.models() if not each.archived]
    for together in (all, any):
        page.click("#filters")
        for tag in ("best", "nightly"):
            panel.get_by_label(f"with {tag}").check()
        panel.get_by_label(f"{together.__name__} of them").check()
        panel.locator("button.main").click()
        wanted = sum(together(tag in tags for tag in ("best", "nightly")) for tags in tagged)
        expect(page.locator("#total")).to_have_text(str(wanted))


@covers_row("Model table", "filters")
def test_every_set_of_values_filters(real):
    page = real.tab()
    for key, label in (
        ("framework", "Keras"),
        ("status", "Published"),
        ("project", "tabular"),
        ("user", "ada"),
        ("task", "boosted wines"),
        ("meta.data", "sklearn's digits"),
    ):
        page.click("#filters")
        place = page.locator(f"#panel [id='f-{key}']")
        if key.startswith("meta."):
            place.locator("summary").click()
        value = place.locator("label", has_text=label)
        count = value.locator(".dim").inner_text()
        value.locator("input").check()
        page.locator("#panel button.main").click()
        expect(page.locator(".chip")).to_have_count(1)
        expect(page.locator("#total")).to_have_text(count)
        assert len(names(page)) == int(count) > 0
        if key in USUAL:
            expect(head(page, key).locator(".funnel")).to_have_class(re.compile("lit"))
        page.click("#clear")
        expect(page.locator(".chip")).to_have_count(0)


@covers_row("Model table", "search")
def test_search(real):
    page = real.tab()
    everything = page.locator("#total").inner_text()
    page.locator("#q").press_sequentially("DIGITS", delay=15)
    expect(page.locator("#total")).not_to_have_text(everything)
    assert all("digits" in each for each in names(page))
    assert page.locator("#q").evaluate("each => each === document.activeElement")
    best = real.store.find_model("train digits - best")[0]
    for text, name in ((best[:12], "train digits - best"), ("snapshot TUNED", "digits classifier")):
        page.locator("#q").fill(text)
        expect(page.locator("#table a.open")).to_have_text([name])
    page.locator("#q").fill("^digits (classifier|in)")
    expect(page.locator("#total")).to_have_text("0")
    page.locator("#re").check()
    expect(page.locator("#total")).to_have_text("2")
    assert "re=1" in page.url


@covers_row("Model table", "views")
def test_views(shared):
    page = shared.tab()
    name = names(page)[2]
    page.click("#as-split")
    expect(page.locator("#beside")).to_contain_text("Select a model")
    row(page, 2).locator("td").nth(2).click()
    expect(page.locator("#beside h2")).to_have_text(name)
    for tab, part in (
        ("Snapshots", "#versions tbody tr"),
        ("Scalars", ".plot[data-drawn]"),
        ("General", "dl.facts"),
    ):
        page.locator("#beside nav a", has_text=tab).click()
        expect(page.locator(f"#beside {part}").first).to_be_visible()
        expect(page.locator("#beside nav [aria-current]")).to_have_text(tab)
    page.go_back()
    expect(page.locator("#beside .plot[data-drawn]").first).to_be_visible()
    assert "tab=scalars" in page.url
    row(page, 2).locator("td").nth(2).dblclick()
    expect(page.locator("#model-head h1")).to_have_text(name)
    assert "/models/" in page.url
    page.go_back()
    page.click("#as-table")
    row(page, 1).locator("td").nth(3).dblclick()
    expect(page.locator("#model-head h1")).to_be_visible()


@covers_row("Model table", "customizing")
def test_the_columns_of_the_split_view_are_nobodys_choice(shared):
    page = shared.tab("/models?view=split")
    assert heads(page) == ["framework", "name", "status", "updated"]
    head(page, "status").drag_to(head(page, "framework"))
    # Its widths may be set all the same, and that makes its order no choice either.
    grip = head(page, "name").locator(".grip").bounding_box()
    page.mouse.move(grip["x"] + 4, grip["y"] + 10)
    page.mouse.down()
    page.mouse.move(grip["x"] + 64, grip["y"] + 10, steps=4)
    page.mouse.up()
    head(page, "name").drag_to(head(page, "framework"))
    assert heads(page) == ["framework", "name", "status", "updated"]
    assert "columns" not in page.url
    page.click("#as-table")
    expect(page.locator("#table th[data-key]")).to_have_count(len(USUAL))
    page.goto(f"{shared.origin}/models")
    assert heads(page) == USUAL
    # Those that somebody has chosen are chosen there, too.
    page.goto(f"{shared.origin}/models?view=split&columns=id,name,size")
    head(page, "size").drag_to(head(page, "id"))
    expect(page.locator("#table th[data-key]").first).to_have_attribute("data-key", "size")
    page.goto(f"{shared.origin}/models")
    expect(page.locator("#table th[data-key]")).to_have_count(3)


@covers_row("Model table", "selection")
def test_selection_and_its_bar(own):
    page = own.tab("/models?sort=name")
    assert page.locator('[data-action="delete"]').count() == 0
    # Nothing is kept of these, and there are no files.
    row(page, 0).locator("button.more").click()
    download = page.locator("#row-menu [data-row=download]")
    expect(download).to_have_attribute("title", re.compile("no bytes were kept"))
    expect(download).not_to_have_attribute("href", re.compile("."))
    page.keyboard.press("Escape")
    choose(page, 1)
    row(page, 4).locator("input").click(modifiers=["Shift"])
    expect(page.locator("#selected")).to_have_text("4 models selected")
    page.click("#next")
    expect(page.locator("#previous")).to_have_attribute("rel", "prev")
    choose(page, 0)
    expect(page.locator("#selected")).to_have_text("5 models selected")
    expect(page.locator('[data-action="archive"] .n')).to_have_text("(5)")
    page.click('[data-action="tag"]')
    page.locator("#ask-field input").fill("chosen")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("5 models tagged")
    with page.expect_response("**/actions/untag"):
        page.locator(".toast button", has_text="Undo").click()
    page.goto(f"{own.origin}/models?tag=chosen")
    expect(page.locator("#total")).to_have_text("0")
    page.goto(f"{own.origin}/models?framework=PyTorch")
    total = int(page.locator("#total").inner_text())
    choose(page, 0)
    page.click("#matching")
    expect(page.locator("#selected")).to_have_text(f"{total} models selected")
    page.click('[data-action="move"]')
    page.locator("#ask-field input").fill("elsewhere")
    page.click("#ask-yes")
    expect(page.locator(".toast")).to_contain_text(f"{total} models moved")
    page.click('[data-action="publish"]')
    page.click("#ask-yes")
    expect(page.locator("#selection [data-action=publish]")).to_be_disabled()
    page.goto(f"{own.origin}/models?project=elsewhere&status=published")
    expect(page.locator("#total")).to_have_text(str(total))
    page.locator("#all").check()
    page.click('[data-select="none"]')
    expect(page.locator("#selection")).to_be_hidden()


@covers_row("Model table", "selection")
def test_all_that_match_are_those_that_were_counted(own):
    page = own.tab("/models?q=resnet&sort=name&limit=10")
    before = int(page.locator("#total").inner_text())
    # Where they can't be counted, nothing is selected but what one sees.
    away = {"schema": 1, "status": 503, "error": "the store is locked"}
    page.route("**/touched.json*", lambda route: route.fulfill(status=503, json=away))
    choose(page, 0)
    page.click("#matching")
    expect(page.locator(".toast.problem")).to_contain_text("the store is locked")
    expect(page.locator("#selected")).to_have_text("1 model selected")
    expect(page.locator('[data-action="archive"] .n')).to_have_text("(1)")
    page.unroute("**/touched.json*")
    page.locator(".toast.problem").get_by_role("button", name="Close").click()
    page.click("#matching")
    expect(page.locator("#selected")).to_have_text(f"{before} models selected")
    # Others come to match before it is confirmed: nobody publishes what nobody has seen.
    drafts = [each for each in own.store.models() if not each.archived and each.status == "draft"]
    others = [each for each in drafts if "resnet" not in each.name and "resnet" not in each.comment][:3]
    for each in others:
        edit(own.store, each.id, lambda record: {"name": f"resnet {record.name}"})
    page.click('[data-action="publish"]')
    expect(page.locator("#ask-title")).to_have_text(f"Publish {before} models?")
    page.click("#ask-yes")
    expect(page.locator(".toast.problem")).to_contain_text(f"{before + 3} models match by now, not {before}")
    assert {own.store.head(each.id).status for each in others} == {"draft"}
    expect(page.locator("#selected")).to_have_text(f"{before + 3} models selected")
    expect(page.locator("#total")).to_have_text(str(before + 3))
    page.click('[data-action="publish"]')
    expect(page.locator("#ask-title")).to_have_text(f"Publish {before + 3} models?")
    page.click("#ask-yes")
    expect(page.locator(".toast", has_text=f"{before + 3} models published")).to_be_visible()
    noted = [line for line in own.said if "status of 503" in line or "status of 409" in line]
    assert len(noted) == 2
    own.said[:] = [line for line in own.said if line not in noted]


@covers_row("Model table", "selection")
def test_a_row_that_its_menu_has_dealt_with_is_not_selected_any_more(own):
    page = own.tab("/models?sort=name&limit=10")
    first, second = ids(page)[:2]
    choose(page, 0)
    choose(page, 1)
    row(page, 0).locator("button.more").click()
    page.locator('#row-menu [data-row="archive"]').click()
    expect(page.locator("#selected")).to_have_text("1 model selected")
    page.click('[data-action="tag"]')
    page.locator("#ask-field input").fill("chosen")
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="1 model tagged")).to_be_visible()
    tagged = {each.id for each in own.store.models() if "chosen" in each.tags}
    assert tagged == {second}
    # All that match are counted anew.
    page.click("#matching")
    total = int(page.locator("#total").inner_text())
    row(page, 0).locator("button.more").click()
    page.locator('#row-menu [data-row="archive"]').click()
    expect(page.locator("#selected")).to_have_text(f"{total - 1} models selected")
    page.goto(f"{own.origin}/archive?sort=name")
    chosen = ids(page).index(first)
    choose(page, chosen)
    choose(page, 0 if chosen else 1)
    row(page, chosen).locator("button.more").click()
    page.locator('#row-menu [data-row="restore"]').click()
    expect(page.locator("#selected")).to_have_text("1 model selected")


@covers_row("Model table", "row menu")
def test_row_menu_archive_and_undo(own_real):
    page = own_real.tab("/models?q=digits&sort=name")
    name = names(page)[0]

    def menu(item):
        row(page, 0).locator("button.more").click()
        page.locator(f'#row-menu [data-row="{item}"]').click()

    menu("tag")
    page.locator("#ask-field input").fill("mine")
    page.click("#ask-yes")
    expect(row(page, 0).locator('.tags[title*="mine"]')).to_be_visible()
    menu("archive")
    expect(row(page, 0)).not_to_contain_text(name)
    page.locator(".toast", has_text="archived").get_by_text("Undo").click()
    expect(row(page, 0)).to_contain_text(name)
    menu("publish")
    expect(page.locator("#ask-title")).to_have_text("Publish 1 model?")
    page.keyboard.press("Escape")
    expect(page.locator("#row-menu [data-row=delete]")).to_have_count(0)
    menu("move")
    page.locator("#ask-field input").fill("elsewhere")
    page.click("#ask-yes")
    expect(row(page, 0).locator("td").nth(6)).to_have_text("elsewhere")
    model = own_real.store.model(row(page, 0).get_attribute("data-id"))
    assert downloaded(page, lambda: menu("download")) == model.snapshots[-1].digest
    choose(page, 1)
    menu("compare")
    expect(page.locator(".sides > li")).to_have_count(2)
    page.go_back()
    menu("open")
    expect(page.locator("#model-head h1")).to_have_text(name)


@covers_row("Model table", "archive")
@covers_row("Model table", "row menu")
def test_the_archive_and_deleting(own_real):
    def kept():
        return sum(each.stat().st_size for each in own_real.home.rglob("*.pack"))

    page = own_real.tab("/models?project=tabular&sort=name,framework")
    used = own_real.store.find_model("forest, strictly - forest")[0]
    assert len(names(page)) == 3
    page.locator("#all").check()
    page.click('[data-action="archive"]')
    expect(page.locator("#total")).to_have_text("0")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Archive").click()
    expect(page.locator("#total")).to_have_text("4")
    forest = page.locator("#table tbody tr", has=page.get_by_text("forest - forest", exact=True))
    forest.locator("button.more").click()
    page.locator('#row-menu [data-row="restore"]').click()
    expect(page.locator("#total")).to_have_text("3")
    page.locator("#all").check()
    expect(page.locator('[data-action="delete"] .n')).to_have_text("(3)")
    before = kept()
    page.click('[data-action="delete"]')
    expect(page.locator("#ask-list")).to_have_text("forest, strictly - forest was loaded by serve")
    page.click("#ask-yes")
    expect(page.locator(".toast.problem")).to_contain_text("has been loaded by serve")
    expect(page.locator("#total")).to_have_text("1")
    assert ids(page) == [used]
    # The bytes of the others are gone, too.
    assert kept() < before
    page.locator(".toast.problem").get_by_role("button", name="Close").click()
    row(page, 0).locator("button.more").click()
    page.locator('#row-menu [data-row="delete"]').click()
    page.locator("#ask-check input").check()
    page.click("#ask-yes")
    expect(page.locator(".toast.problem")).to_contain_text("its versions are gone; the record stays")
    assert own_real.store.model(used).snapshots == ()
    with pytest.raises(NotFound):
        own_real.store.find_model("boosted wines - wines")
    page.goto(f"{own_real.origin}/models?project=tabular")
    assert names(page) == ["forest - forest"]


@covers_row("Model table", "CSV")
def test_csv(shared):
    page = shared.tab("/models?framework=PyTorch&framework=Keras&sort=name&columns=name,size")
    total = int(page.locator("#total").inner_text())
    found = {}
    for label in ("this page", "all"):
        page.click("summary")
        with page.expect_download() as download:
            page.locator(".menu a", has_text=f"CSV, {label}").click()
        text = download.value.path().read_text()
        found[label] = list(csv.reader(io.StringIO(text)))
    assert found["this page"][0] == ["name", "size"]
    assert [each[0] for each in found["this page"][1:]] == names(page)
    assert len(found["all"]) == total + 1


@covers_row("Model table", "keyboard")
def test_keyboard(shared):
    page = shared.tab("/models?sort=name")
    shown = names(page)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    expect(page.locator("#keys")).to_contain_text("next row")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    expect(row(page, 1)).to_have_class(re.compile("cursor"))
    page.keyboard.press("x")
    expect(page.locator("#selected")).to_have_text("1 model selected")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    page.keyboard.press("Escape")
    expect(page.locator("#selection")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator("#model-head h1")).to_have_text(shown[3])
    page.wait_for_load_state()  # the keys are known then
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.locator("h1")).to_contain_text("Archive")


def test_new_versions_announce_themselves(own):
    page = own.tab()
    before = names(page)
    edit(own.store, row(page, 5).get_attribute("data-id"), lambda record: {"comment": "edited"})
    with own.store._writing() as connection:
        found = connection.execute(schema.models.select().limit(3)).mappings().all()
        for number, each in enumerate(found):
            connection.execute(
                schema.snapshots.insert().values(
                    model_id=each["id"],
                    version=50,
                    event_id=f"new-{number}",
                    size=1,
                    state="at_path",
                    reason="",
                    function="torch.save",
                    metrics={},
                    created=time.time(),
                )
            )
            connection.execute(
                schema.models.update().where(schema.models.c.id == each["id"]).values(updated=time.time())
            )
    expect(page.locator("#live")).to_contain_text("3 new versions, show")
    assert names(page) == before
    page.click("#show-news")
    expect(row(page, 0)).not_to_contain_text(before[0])
    assert {each["name"] for each in found} & set(names(page)[:3])


def test_paging(shared):
    page = shared.tab("/models?sort=-size,name")
    seen = [names(page)]
    while page.locator("#next").count():
        before = page.url
        page.click("#next")
        page.wait_for_url(lambda url, before=before: url != before)
        seen.append(names(page))
    flat = [each for some in seen for each in some]
    assert len(flat) == len(set(flat)) == 294
    page.click("#previous")
    expect(page.locator("#table tbody a.open").first).to_have_text(seen[-2][0])


@covers_row("Model table", "scale")
def test_a_hundred_thousand(sites):
    from filling import multiply

    site = sites("large", count=1_000)
    multiply(site.store, 100)
    page = site.tab("/models")
    expect(page.locator("#total")).to_have_text("98,000")
    seen = set(ids(page))
    for _ in range(3):
        before = page.url
        page.click("#next")
        page.wait_for_url(lambda url, before=before: url != before)
        seen |= set(ids(page))
    assert len(seen) == 200
    head(page, "name").locator("a.sort").click()
    expect(head(page, "name")).to_have_attribute("aria-sort", "ascending")
    shown = names(page)
    assert shown == sorted(shown, key=str.lower)
    page.click("#filters")
    page.locator("#panel #f-framework").get_by_label("Keras").check()
    page.locator("#panel button.main").click()
    expect(page.locator(".chip")).to_have_count(1)
    total = page.locator("#total").inner_text()
    page.locator("#all").check()
    page.click("#matching")
    expect(page.locator("#selected")).to_have_text(f"{total} models selected")
    expect(page.locator('[data-action="archive"] .n')).to_have_text(f"({total})")
    expect(page.locator("[data-compare]")).to_be_disabled()
    page.locator("#q").fill("-00099")
    expect(page.locator("#total")).not_to_have_text(total)
    assert all("-00099" in each for each in names(page))
