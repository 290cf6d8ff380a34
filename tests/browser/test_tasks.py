"""Tasks, through the pages as a person would, over what real runs have left."""

import re
import time

from downloads import downloaded
from playwright.sync_api import expect
from rows import covers_row
from sqlalchemy import insert, update

from autolog.shown import words
from autolog.store import ChangesRecord, Writer, artifacts_of, edit_task, schema


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


@covers_row("Task pages", "table")
def test_the_table_says_what_the_records_say(real):
    page = real.tab("/tasks")
    heads = page.locator("#table thead th .sort").all_inner_texts()
    assert heads == ["Name", "Project", "Status", "Started", "Duration", "User", "In", "Out", "Tags"]
    records = {each.id: real.store.task(each.id) for each in real.store.tasks()}
    for row in page.locator("#table tbody tr").all():
        record = records.pop(row.get_attribute("data-id"))
        cells = [each.strip() for each in row.locator("td").all_inner_texts()]
        assert cells[:3] == [record.name, record.project, record.status]
        assert row.locator("time").get_attribute("title") == words.moment(record.started)
        assert cells[4:6] == [words.duration(words.lasted(record)), "ada"]
        assert cells[6:8] == [str(len(each) or "") for each in (record.inputs, record.outputs)]
        assert row.locator(".tag").all_inner_texts() == list(record.tags)
    assert records == {}


@covers_row("Task pages", "table")
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


@covers_row("Task pages", "General")
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


@covers_row("Task pages", "General")
def test_general_tells_why_a_hook_did_not_apply_and_our_own_faults(sites):
    site = sites("model-page", count=5)
    task = f"{0:032x}"
    why = "its signature is another one here"
    edit_task(site.store, task, lambda _: {"hooks": {"torch.serialization:save": why}})
    fault = {"place": "record a save", "error": "OSError: no space left", "traceback": "Traceback of ours"}
    with site.store._writing() as connection:
        connection.execute(insert(schema.faults).values(task_id=task, time=time.time(), **fault))
    diff = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-lr = 1\n+lr = <b>2</b>\n"
    Writer(site.store).changes(task, ChangesRecord(diff))
    page = site.tab(f"/tasks/{task}", permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator("#changes .added")).to_contain_text("+lr = <b>2</b>")
    page.get_by_role("button", name="Copy the difference").click()
    expect(page.locator("#changes").get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(diff)
    refused = page.get_by_role("region", name="Hooks that did not apply").locator("tbody tr")
    expect(refused).to_have_text(f"torch.serialization:save{why}")
    ours = page.locator("section", has_text="Our own faults").locator(".cards li")
    expect(ours).to_contain_text("could not record a save")
    expect(ours).to_contain_text("no space left")
    ours.locator("summary").click()
    expect(ours.locator("pre")).to_have_text("Traceback of ours")


@covers_row("Task pages", "Output models")
@covers_row("Task pages", "Input models")
@covers_row("Task pages", "Other artifacts")
def test_artifacts_are_what_the_record_says(real):
    page = open_task(real, "fine-tune digits", "Artifacts")
    task = real.store.task(real.store.find_task("fine-tune digits"))
    (given,) = task.inputs
    entry = page.locator("section", has=page.locator("#inputs-title")).locator(".cards > li")
    expect(entry.locator("dd code").first).to_have_text(given.model_id)
    assert downloaded(page, entry.get_by_role("link", name=re.compile("^Download")).click) == given.digest
    made = page.locator("section", has=page.locator("#outputs-title")).locator(".cards > li")
    expect(made).to_have_count(len(task.outputs))
    for entry, output in zip(made.all(), task.outputs, strict=True):
        model = real.store.model(output.model_id)
        newest = model.snapshots[-1]
        expect(entry.locator(".entry")).to_have_text(output.name)
        expect(entry.locator("dd code").first).to_have_text(output.model_id)
        expect(entry).to_contain_text(newest.uri)
        assert (
            downloaded(page, entry.get_by_role("link", name=re.compile("^Download")).click) == newest.digest
        )
        if model.design:
            entry.get_by_text("Design").click()
            expect(entry.locator("pre")).to_have_text(model.design)
    kept = artifacts_of(real.store, task.id)
    others = page.locator("section", has=page.locator("#others-title")).locator(".cards > li")
    expect(others).to_have_count(len(kept))
    for entry, record in zip(others.all(), kept, strict=True):
        facts = entry.locator("dd")
        expect(facts.nth(0)).to_contain_text(record.path)
        expect(facts.nth(1).locator("span")).to_have_attribute("title", f"{record.size:,} bytes")
        expect(facts.nth(2)).to_have_text(record.digest)
        assert (
            downloaded(page, entry.get_by_role("link", name=re.compile("^Download")).click) == record.digest
        )
    made.first.locator(".entry").click()
    expect(page.locator("h1")).to_have_text(task.outputs[0].name)


@covers_row("Task pages", "Input models")
@covers_row("Task pages", "Other artifacts")
def test_artifacts(real):
    page = open_task(real, "fine-tune digits", "Artifacts")
    given = page.locator("section", has=page.locator("#inputs-title"))
    expect(given.get_by_role("link", name="train digits - best", exact=True)).to_be_visible()
    expect(given).to_contain_text("best.pt")
    given.get_by_text("Design").click()
    expect(given.locator("pre")).to_contain_text("Linear(in_features=64")
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
    given.get_by_role("link", name="train digits", exact=True).click()
    expect(page.locator("h1")).to_have_text("train digits")


def test_configuration(real):
    page = open_task(real, "fine-tune digits", "Configuration")
    expect(page.get_by_role("row", name="augment/noise 0.05")).to_be_visible()
    expect(page.locator("pre")).to_contain_text('"loss": "cross_entropy"')


@covers_row("Task pages", "inputs by hand")
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


@covers_row("Task pages", "inputs by hand")
def test_an_input_that_was_removed_comes_back_as_it_was(own_real):
    """How often it was loaded, from where and when: what nobody could write down again."""
    page = open_task(own_real, "fine-tune digits", "Artifacts")
    task = own_real.store.find_task("fine-tune digits")
    own = schema.inputs.c.task_id == task
    facts = {"path": "/mnt/shared/copy.pt", "count": 7, "also_made_by": ["abc:v1"]}
    with own_real.store._writing() as connection:
        connection.execute(update(schema.inputs).where(own).values(**facts, snapshot_id=None))
    before = own_real.store.task(task).inputs
    assert [(each.version, each.count) for each in before] == [(None, 7)]
    given = page.locator("section", has=page.locator("#inputs-title"))
    given.get_by_role("button", name=re.compile("^Remove")).click()
    expect(given).to_contain_text("It has loaded no model")
    page.locator(".toast", has_text="removed").get_by_role("button", name="Undo").click()
    expect(given).to_contain_text("/mnt/shared/copy.pt, 7 times")
    assert own_real.store.task(task).inputs == before


def test_a_comment_that_somebody_else_has_changed_meanwhile_stays(own_real):
    page = open_task(own_real, "forest")
    task = own_real.store.find_task("forest")
    page.locator("#describe").click()
    page.get_by_label("Comment", exact=True).fill("mine")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#general [data-text]").first).to_have_text("mine")
    edit_task(own_real.store, task, lambda record: {"comment": "somebody else's"})
    page.locator(".toast", has_text="Comment changed").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast.problem")).to_contain_text("changed to “somebody else's”")
    expect(page.locator("#general [data-text]").first).to_have_text("somebody else's")
    assert own_real.store.task_head(task).comment == "somebody else's"
    own_real.said[:] = [line for line in own_real.said if "status of 409" not in line]


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
