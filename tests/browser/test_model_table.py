"""The model table, through the page as a person would: one test for each thing that it is to do."""

import csv
import io
import re
import time

from playwright.sync_api import expect

from autolog.store import edit, schema


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


def test_columns_say_what_there_is(shared):
    page = shared.tab(
        "/models?columns=name,versions,size,digest,iteration,parameters,metric.val_loss,min.val_loss,meta.epochs,updated"
    )
    first = row(page, 0)
    expect(first.locator("td").nth(3)).to_have_text(re.compile(r"^\s*[\d.]+ (kB|MB|GB)\s*$"))
    expect(first.locator("td").nth(4)).to_have_text(re.compile(r"^\s*[0-9a-f]{12}\s*$"))
    expect(first.locator("time")).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\d "))


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
    page.reload()
    assert abs(head(page, "name").bounding_box()["width"] - wide) < 2
    head(page, "name").locator(".grip").dblclick()
    assert abs(head(page, "name").bounding_box()["width"] - wide) > 5


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


def test_search(shared):
    page = shared.tab()
    page.locator("#q").press_sequentially("BERT-0000", delay=15)
    expect(page.locator("#total")).not_to_have_text("294")
    assert all("bert-0000" in each for each in names(page))
    assert page.locator("#q").evaluate("each => each === document.activeElement")
    page.locator("#q").fill("bert-0000[12]")
    expect(page.locator("#total")).to_have_text("0")
    page.locator("#re").check()
    expect(page.locator("#total")).not_to_have_text("0")
    assert "re=1" in page.url


def test_views(shared):
    page = shared.tab()
    name = names(page)[2]
    page.click("#as-split")
    expect(page.locator("#beside")).to_contain_text("Select a model")
    row(page, 2).locator("td").nth(2).click()
    expect(page.locator("#beside h2")).to_have_text(name)
    row(page, 2).locator("td").nth(2).dblclick()
    expect(page.locator("#model-head h1")).to_have_text(name)
    assert "/models/" in page.url
    page.go_back()
    page.click("#as-table")
    row(page, 1).locator("td").nth(3).dblclick()
    expect(page.locator("#model-head h1")).to_be_visible()


def test_selection_and_its_bar(own):
    page = own.tab("/models?sort=name")
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
    mine = row(page, 0).locator('.tag[title*="chosen"]')
    expect(mine).to_have_count(1)
    page.locator(".toast button", has_text="Undo").click()
    expect(mine).to_have_count(0)
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


def test_row_menu_archive_and_undo(own):
    page = own.tab("/models?sort=name")
    name = names(page)[0]

    def menu(item):
        row(page, 0).locator("button.more").click()
        page.locator(f'#row-menu [data-row="{item}"]').click()

    menu("tag")
    page.locator("#ask-field input").fill("mine")
    page.click("#ask-yes")
    expect(row(page, 0).locator('.tag[title*="mine"]')).to_be_visible()
    menu("archive")
    expect(row(page, 0)).not_to_contain_text(name)
    page.locator(".toast", has_text="archived").get_by_text("Undo").click()
    expect(row(page, 0)).to_contain_text(name)
    menu("publish")
    expect(page.locator("#ask-title")).to_have_text("Publish 1 model?")
    page.keyboard.press("Escape")
    menu("open")
    expect(page.locator("#model-head h1")).to_have_text(name)


def test_the_archive_and_deleting(own):
    page = own.tab("/archive?sort=name")
    total = int(page.locator("#total").inner_text())
    assert total == 2
    first, second = names(page)
    used = row(page, 0).get_attribute("data-id")
    with own.store._writing() as connection:
        connection.execute(
            schema.inputs.insert().values(
                task_id=f"{5:032x}",
                model_id=used,
                name="x",
                framework="x",
                function="x",
                own=False,
                also_made_by=[],
                count=1,
                first_loaded=1.0,
            )
        )
    page.locator("#all").check()
    expect(page.locator('[data-action="delete"] .n')).to_have_text("(2)")
    page.click('[data-action="delete"]')
    expect(page.locator("#ask-list")).to_contain_text("was loaded by train-00005")
    page.click("#ask-yes")
    expect(page.locator(".toast.problem")).to_contain_text("has been loaded by train-00005")
    expect(page.locator("#total")).to_have_text("1")
    assert names(page) == [first]
    row(page, 0).locator("button.more").click()
    page.locator('#row-menu [data-row="restore"]').click()
    expect(page.locator("#total")).to_have_text("0")
    page.goto(f"{own.origin}/models?q={used}")
    assert names(page) == [first]
    assert second


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
