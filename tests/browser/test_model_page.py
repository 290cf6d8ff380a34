"""The page of a model, as a person would use it: one test for each thing that it is to do."""

import io
import itertools
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect
from rows import covers_row
from sqlalchemy import update
from test_everywhere import overflowing, violations
from weights import import_versions, many_tensors, safetensors

from autolog import config
from autolog.errors import NotFound
from autolog.keeping import at_hand, import_file
from autolog.store import Kept, alias, edit, publish, schema

numbers = itertools.count(1)


@pytest.fixture
def site(sites):
    """One site for all tests here; each makes models of its own in it."""
    return sites("model-page", count=5)


@pytest.fixture
def make(site, tmp_path):
    """Makes a model of these files, each a version; its id. More is set on its record."""

    def made(*files, published=False, keep=True, **columns):
        files = files or (safetensors({"a.weight": (8, 8)}),)
        path = tmp_path / f"net-{next(numbers)}.safetensors"
        model_id = import_versions(site.store, site.home, path, files, keep=keep)
        if columns:
            edit(site.store, model_id, lambda record: columns)
        if published:
            publish(site.store, model_id)
        return model_id

    return made


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


def toast(page, text):
    found = page.locator(".toast", has_text=text).last
    expect(found).to_be_visible()
    return found


def undo(page, text):
    toast(page, text).get_by_role("button", name="Undo").click()


def refused(site, status):
    """The browser itself notes the status of an answer that is no success: this one was to come."""
    noted = [line for line in site.said if f"status of {status} " in line]
    assert noted
    site.said[:] = [line for line in site.said if line not in noted]


def head(site, model_id):
    return site.store.head(model_id)


@covers_row("Model page", "header")
def test_renaming_and_copying_the_id(site, make):
    model_id = make()
    page = site.tab(f"/models/{model_id}", permissions=["clipboard-read", "clipboard-write"])
    old = page.locator("h1").inner_text()
    page.get_by_role("button", name="Rename").click()
    field = page.get_by_role("textbox", name="Name")
    expect(field).to_be_focused()
    field.fill("something else")
    field.press("Escape")
    expect(page.locator("h1")).to_have_text(old)
    expect(page.locator("#rename")).to_be_focused()
    page.keyboard.press("Enter")
    field.fill("<b>resnet</b>")
    field.press("Enter")
    expect(page.locator("h1")).to_have_text("<b>resnet</b>")
    expect(page).to_have_title("<b>resnet</b> · autolog")
    undo(page, "Name changed")
    expect(page.locator("h1")).to_have_text(old)
    page.get_by_role("button", name="Copy the id").click()
    assert clipboard(page) == model_id


@covers_row("Model page", "header")
def test_tags_and_aliases(site, make):
    model_id = make(safetensors({"a": (2,)}, 1), safetensors({"a": (2,)}, 2), tags=("old",))
    page = site.tab(f"/models/{model_id}/snapshots?version=1")
    page.click("#add-tag")
    page.keyboard.type("best")
    page.keyboard.press("Enter")
    tags = page.get_by_role("list", name="Tags")
    expect(tags).to_contain_text("best")
    page.get_by_role("button", name="Remove the tag old").click()
    expect(tags).not_to_contain_text("old")
    undo(page, "Tag removed")
    expect(tags).to_contain_text("old")
    page.click("#add-alias")
    page.keyboard.type("newest")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Aliases")).to_contain_text("@newest v2")
    page.locator("[data-alias-of='1']").click()
    page.keyboard.type("v9")
    page.keyboard.press("Enter")
    toast(page, "can't be an alias")
    refused(site, 400)
    page.locator("[data-alias-of='1']").click()
    page.keyboard.type("first")
    page.keyboard.press("Enter")
    expect(page.locator("#version")).to_contain_text("@first")
    page.get_by_role("button", name="Remove the alias newest").click()
    expect(page.get_by_role("list", name="Aliases")).not_to_contain_text("@newest")
    undo(page, "Alias removed")
    expect(page.get_by_role("list", name="Aliases")).to_contain_text("@newest v2")


@covers_row("Model page", "header")
def test_publishing_archiving_and_deleting(site, make):
    model_id = make()
    page = site.tab(f"/models/{model_id}")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#ask")).to_contain_text("can't be undone")
    page.keyboard.press("Escape")
    assert head(site, model_id).status == "draft"
    page.get_by_role("button", name="Publish").click()
    page.locator("#ask-yes").click()
    expect(page.locator(".marks .badge").first).to_have_text("Published")
    page.get_by_role("button", name="Archive").click()
    expect(page.locator(".marks")).to_contain_text("Archived")
    undo(page, "archived")
    expect(page.locator(".marks")).not_to_contain_text("Archived")
    page.get_by_role("button", name="Archive").click()
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("button", name="Archive")).to_be_visible()
    page.get_by_role("button", name="Archive").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_label("Also those that are published").check()
    page.locator("#ask-yes").click()
    page.wait_for_url("**/archive")
    with pytest.raises(NotFound):
        head(site, model_id)


@covers_row("Model page", "General")
def test_general(site, make):
    model_id = make(comment="old words")
    page = site.tab(f"/models/{model_id}", permissions=["clipboard-read", "clipboard-write"])
    page.click("#describe")
    field = page.get_by_role("textbox", name="Description")
    field.fill("two\nlines")
    field.press("Control+Enter")
    expect(page.locator("#general [data-text]").first).to_have_text("two\nlines")
    undo(page, "Description changed")
    expect(page.locator("#general [data-text]").first).to_have_text("old words")
    page.click("#move")
    page.get_by_role("combobox", name="Project").fill("elsewhere")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="elsewhere")).to_be_visible()
    page.get_by_role("button", name="Copy the Python lines").click()
    assert f'autolog.get("{model_id}"' in clipboard(page)
    page.get_by_role("button", name="Copy the command").last.click()
    assert f"autolog restore {model_id}:v1" in clipboard(page)
    page.get_by_role("button", name="Copy the URI").click()
    assert clipboard(page) == site.store.model(model_id).snapshots[-1].uri
    with page.expect_download() as got:
        page.locator("#general").get_by_role("link", name="Download").click()
    assert Path(got.value.path()).read_bytes() == safetensors({"a.weight": (8, 8)})


@covers_row("Model page", "Snapshots")
def test_snapshots(site, make):
    files = [safetensors({"a": (200, number)}, number) for number in range(1, 7)]
    model_id = make(*files)
    alias(site.store, model_id, "best", 2)
    page = site.tab(f"/models/{model_id}", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("link", name="Snapshots").click()
    rows = page.locator(".versions tbody tr")
    expect(rows).to_have_count(6)
    expect(rows.nth(0)).to_contain_text("at its path")
    expect(rows.nth(4)).to_contain_text("kept")
    expect(page.locator(".growth rect.size")).to_have_count(6)
    with page.expect_download() as got:
        page.get_by_role("link", name="Download v3").click()
    assert got.value.suggested_filename.endswith(".safetensors")
    assert Path(got.value.path()).read_bytes() == files[2]
    page.get_by_role("button", name="Copy restore command of v2").click()
    assert f"autolog restore {model_id}:v2" in clipboard(page)
    rows.nth(4).get_by_role("link", name="v2", exact=True).click()
    expect(page.locator("#version-title")).to_have_text("Version 2")
    expect(page.locator("#version")).to_contain_text("@best")
    assert violations(page) == []
    page.set_viewport_size({"width": 800, "height": 900})
    assert overflowing(page) <= 0
    page.get_by_role("link", name="with v1").click()
    page.wait_for_url(f"**/compare?m={model_id}:v1&m={model_id}:v2")
    # Nothing was kept of this one: it says what became of its files, and offers none.
    model_id = make(*(safetensors({"b": (3, number)}, number) for number in (1, 2)), keep=False)
    with site.store._writing() as connection:
        table = schema.snapshots
        connection.execute(
            update(table).where(table.c.model_id == model_id, table.c.version == 2).values(state="gone")
        )
    page.goto(f"{site.origin}/models/{model_id}/snapshots")
    for number, state in ((0, "gone"), (1, "overwritten")):
        expect(rows.nth(number).locator(".badge")).to_have_text(state)
        expect(rows.nth(number).get_by_role("link", name=re.compile("^Download"))).to_have_count(0)


def test_a_damaged_download_fails(site, make, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", str(tmp_path / "plain"))
    data = safetensors({"a": (1000, 1000)}, 1)
    model_id = make(data)
    (kept,) = (tmp_path / "plain").rglob("*.safetensors")
    kept.chmod(0o644)
    with kept.open("r+b") as file:
        file.seek(-1, io.SEEK_END)
        file.write(b"x")
    page = site.tab(f"/models/{model_id}/snapshots")
    with page.expect_download() as got:
        page.get_by_role("link", name="Download v1").click()
    assert got.value.failure()
    kept.unlink()
    page.get_by_role("link", name="Download v1").click()
    expect(page.locator("h1")).to_have_text(re.compile("These bytes|The place of these bytes"))
    site.said.clear()


@covers_row("Model page", "Snapshots")
def test_a_version_of_several_files(site, tmp_path):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    contents = {"config.json": b"{}", "model.safetensors": safetensors({"a": (3,)})}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    settings, kept = config.load(home=str(site.home)), Kept(site.store)
    with at_hand(str(folder), settings) as at:
        model_id = import_file(at, site.store, kept, settings, chosen={}, keep=True).model_id
    kept.close()
    page = site.tab(f"/models/{model_id}/snapshots")
    with page.expect_download() as got:
        page.get_by_role("link", name=re.compile("All files as a zip")).click()
    with zipfile.ZipFile(io.BytesIO(Path(got.value.path()).read_bytes())) as archive:
        assert archive.namelist() == ["checkpoint/config.json", "checkpoint/model.safetensors"]
    with page.expect_download() as got:
        page.get_by_role("link", name="Download config.json").click()
    assert Path(got.value.path()).read_bytes() == b"{}"


@covers_row("Model page", "Network")
def test_the_design(site, make):
    text = "Net(\n" + "".join(f"  (layer{number}): Linear()\n" for number in range(60)) + ")"
    model_id = make(design=text)
    page = site.tab(f"/models/{model_id}/network", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("searchbox", name="Search the design").fill("LINEAR")
    expect(page.locator("#found")).to_have_text("1 of 60")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_have_text("2 of 60")
    page.get_by_role("button", name="Previous match").click()
    expect(page.locator("mark.here")).to_have_count(1)
    page.locator("#design").get_by_role("button", name="Copy").click()
    assert clipboard(page) == text
    page.get_by_role("searchbox", name="Search the design").fill("nowhere")
    expect(page.locator("#found")).to_have_text("nothing")
    page.get_by_role("button", name="Edit").click()
    field = page.get_by_role("textbox", name="Design")
    assert field.input_value() == text
    field.fill("Another()")
    page.locator("#design-form").get_by_role("button", name="Save").click()
    expect(page.locator("#design-text")).to_have_text("Another()")
    undo(page, "Design saved")
    expect(page.locator("#design-text")).to_contain_text("layer59")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#no-design")).to_be_visible()
    undo(page, "Design cleared")
    expect(page.locator("#design-text")).to_contain_text("layer59")
    # Somebody publishes it while this page is open: what is written then is refused, and says why.
    page.get_by_role("button", name="Edit").click()
    publish(site.store, model_id)
    page.get_by_role("textbox", name="Design").fill("too late")
    page.get_by_role("textbox", name="Design").press("Control+Enter")
    toast(page, "is published")
    refused(site, 409)
    page.reload()
    expect(page.locator("#design")).to_contain_text("doesn't change any more")
    expect(page.locator("#edit-design")).to_have_count(0)


@covers_row("Model page", "Network")
@pytest.mark.parametrize("scripts", [True, False])
def test_five_hundred_tensors(site, make, scripts):
    model_id = make(safetensors(many_tensors()))
    page = site.tab(f"/models/{model_id}/network", java_script_enabled=scripts)
    tree = page.locator(".tree")
    expect(page.locator("#tensors")).to_contain_text("499 tensors")
    seen = page.locator(".tree li").filter(visible=True).count()
    assert 60 < seen < 90
    tree.get_by_text("61.attention").click()
    tree.locator("summary:visible", has_text="query").last.click()
    expect(tree.locator(".leaf:visible", has_text="8 \u00d7 8").last).to_be_visible()
    page.get_by_role("searchbox", name="Search names of tensors").fill("layer.61.")
    page.keyboard.press("Enter")
    expect(page.locator(".leaf:visible")).to_have_count(8)
    if scripts:
        page.get_by_role("button", name="Close all").click()
        expect(page.locator(".leaf:visible")).to_have_count(0)
        page.get_by_role("button", name="Open all").click()
        expect(page.locator(".leaf:visible")).to_have_count(8)
        assert violations(page) == []
        page.set_viewport_size({"width": 800, "height": 900})
        assert overflowing(page) <= 0


def entry(page, *values):
    """Fill the row that is being edited, as it is tabbed through."""
    fields = page.locator("tr.editing input, tr.editing select, tr.editing textarea")
    for field, value in zip(fields.all(), values, strict=True):
        if field.evaluate("each => each.localName") == "select":
            field.select_option(value)
        else:
            field.fill(value)
    page.keyboard.press("Control+Enter")


def test_the_heads_of_tensors_stand_above_them(site, make):
    """Also where there is little room: `Name` and `Shape` were written over each other."""
    page = site.tab(f"/models/{make()}/network", viewport={"width": 400, "height": 800})
    page.locator("[data-unfold='1']").click()
    heads, cells = (page.locator(f".tree {each} > *") for each in (".heads", ".leaf .cells"))
    at = [[each.bounding_box()["x"] for each in those.all()] for those in (heads, cells)]
    assert len(at[0]) == len(at[1]) == 5
    # The name is set in by how deep it is.
    assert at[0][1:] == pytest.approx(at[1][1:], abs=2)
    assert at[0][1] - at[0][0] > 80


@covers_row("Model page", "Labels")
def test_labels(site, make):
    model_id = make()
    page = site.tab(f"/models/{model_id}/labels")
    expect(page.locator("#no-entries")).to_be_visible()
    for name, number in (("dog", "1"), ("cat", "0")):
        page.click("#add-entry")
        entry(page, name, number)
        expect(page.locator(f"tr[data-key={name}]")).to_be_visible()
    assert page.locator("td.key").all_inner_texts() == ["cat", "dog"]
    for name, number, why in (("", "1", "empty"), ("bird", "1.5", "whole number"), ("cat", "5", "already")):
        page.click("#add-entry")
        entry(page, name, number)
        toast(page, why).get_by_role("button", name="Close").click()
        page.keyboard.press("Escape")
        page.locator("tr.editing [data-cancel]").click()
    refused(site, 400)
    page.get_by_role("button", name="Edit cat").click()
    assert violations(page) == []
    entry(page, "kitten", "7")
    expect(page.locator("td.key")).to_have_text(["dog", "kitten"])
    page.get_by_role("button", name="Remove dog").click()
    expect(page.locator("td.key")).to_have_text(["kitten"])
    undo(page, "dog removed")
    expect(page.locator("td.key")).to_have_text(["dog", "kitten"])
    assert head(site, model_id).labels == {"dog": 1, "kitten": 7}
    publish(site.store, model_id)
    page.reload()
    expect(page.locator("#add-entry")).to_have_count(0)


@covers_row("Model page", "Metadata")
def test_editing_changes_what_was_edited_and_nothing_else(site, make):
    """Line breaks, numbers that a browser hasn't, and what comes in texts from elsewhere."""
    values = {
        "config": "lr: 0.1\nlayers:\n  - 3\n",
        "log": "one\r\ntwo",
        "seeds": [9007199254740993, 1.0, {"a": 2.0}],
        "whole": 9007199254740993,
        "part": 1.0,
        "none": float("nan"),
    }
    model_id = make(metadata=values, labels={"cat": (1 << 62) + 1})

    def kept():
        found = head(site, model_id).metadata
        return {name: repr(value) for name, value in found.items()}

    page = site.tab(f"/models/{model_id}/metadata")
    for name in values:
        page.get_by_role("button", name=f"Edit {name}").click()
        page.get_by_role("textbox", name="Key").fill(f"{name}2")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(f"tr[data-key={name}2]")).to_be_visible()
    assert kept() == {f"{name}2": repr(value) for name, value in values.items()}
    undo(page, "Value saved")
    expect(page.locator("tr[data-key=none]")).to_be_visible()
    for name in ("seeds2", "whole2", "part2", "log2"):
        page.get_by_role("button", name=f"Remove {name}").click()
        expect(page.locator(f"tr[data-key={name}]")).to_have_count(0)
        undo(page, f"{name} removed")
        expect(page.locator(f"tr[data-key={name}]")).to_be_visible()
    assert kept() == {f"{name}2".replace("none2", "none"): repr(value) for name, value in values.items()}
    # What is edited is what was written.
    page.get_by_role("button", name="Edit config2").click()
    field = page.get_by_role("textbox", name="Value")
    assert field.input_value() == values["config"]
    field.press("Control+End")
    page.keyboard.type("  - 4")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.locator("tr[data-key=config2]")).to_contain_text("- 4")
    page.get_by_role("button", name="Edit seeds2").click()
    field.fill('[9007199254740993, 1.0, {"a": 2.0}, 3.0]')
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tr[data-key=seeds2]")).to_contain_text("3.0")
    page.reload()  # the notices are gone then
    page.get_by_role("button", name="Edit whole2").click()
    field.fill("+09007199254740995")
    field.press("Enter")
    expect(page.locator("tr[data-key=whole2]")).to_contain_text("9007199254740995")
    found = kept()
    assert found["config2"] == repr(values["config"] + "  - 4\n")
    assert found["seeds2"] == "[9007199254740993, 1.0, {'a': 2.0}, 3.0]"
    assert found["whole2"] == "9007199254740995"
    page.click("#add-entry")
    entry(page, "wrong", "JSON", "[1e999]")
    toast(page, "too large")
    page.goto(f"{site.origin}/models/{model_id}/labels")
    page.get_by_role("button", name="Edit cat").click()
    page.get_by_role("textbox", name="Label").fill("kitten")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-key=kitten]")).to_be_visible()
    assert head(site, model_id).labels == {"kitten": (1 << 62) + 1}


@covers_row("Model page", "header")
def test_what_somebody_else_has_changed_meanwhile_stays(site, make):
    model_id = make(metadata={"lr": 0.1}, design="Net()", comment="old words")
    page = site.tab(f"/models/{model_id}")

    def rename(name):
        page.get_by_role("button", name="Rename").click()
        page.get_by_role("textbox", name="Name").fill(name)
        page.keyboard.press("Enter")

    # An undo takes back one's own change only.
    rename("mine")
    expect(page.locator("h1")).to_have_text("mine")
    edit(site.store, model_id, lambda record: {"name": "somebody else's"})
    undo(page, "Name changed")
    toast(page, "meanwhile the name was changed to “somebody else's”").get_by_text("Close").click()
    expect(page.locator("h1")).to_have_text("somebody else's")
    # Who writes over a newer text is told, and keeps what was written.
    edit(site.store, model_id, lambda record: {"name": "newer", "comment": "new words"})
    rename("newest")
    toast(page, "changed to “newer”. Save again to replace that.")
    assert head(site, model_id).name == "newer"
    page.get_by_role("textbox", name="Name").press("Enter")
    expect(page.locator("h1")).to_have_text("newest")
    page.goto(f"{site.origin}/models/{model_id}/network")
    edit(site.store, model_id, lambda record: {"design": "Other()"})
    page.get_by_role("button", name="Clear").click()
    toast(page, "meanwhile the design was changed to “Other()”")
    expect(page.locator("#design-text")).to_have_text("Other()")
    page.goto(f"{site.origin}/models/{model_id}/metadata")
    page.get_by_role("button", name="Edit lr").click()
    edit(site.store, model_id, lambda record: {"metadata": {"lr": 0.3}})
    entry(page, "rate", "number", "0.2")
    toast(page, "“lr” was changed to “0.3”")
    assert head(site, model_id).metadata == {"lr": 0.3}
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tr[data-key=rate]")).to_be_visible()
    edit(site.store, model_id, lambda record: {"metadata": {"rate": 0.5}})
    undo(page, "Value saved")
    toast(page, "“rate” was changed to “0.5”")
    assert head(site, model_id).metadata == {"rate": 0.5}
    refused(site, 409)


@covers_row("Model page", "Metadata")
def test_metadata(site, make):
    model_id = make(published=True)
    page = site.tab(f"/models/{model_id}/metadata")
    for row in (("data", "text", "v3"), ("lr", "number", "0.1"), ("done", "truth value", "true"),
                ("sizes", "JSON", "[1, 2]")):  # fmt: skip
        page.click("#add-entry")
        entry(page, *row)
        expect(page.locator(f"tr[data-key={row[0]}]")).to_be_visible()
    assert head(site, model_id).metadata == {"data": "v3", "lr": 0.1, "done": True, "sizes": [1, 2]}
    page.click("#add-entry")
    entry(page, "wrong", "number", "many")
    toast(page, "no number").get_by_role("button", name="Close").click()
    page.locator("tr.editing [data-cancel]").click()
    page.get_by_role("button", name="Edit lr").click()
    entry(page, "rate", "number", "0.2")
    expect(page.locator("tr[data-key=rate]")).to_contain_text("0.2")
    page.get_by_role("button", name="Remove done").click()
    undo(page, "done removed")
    expect(page.locator("tr[data-key=done]")).to_be_visible()
    assert violations(page) == []


def test_read_only(sites):
    site = sites("read-only", "--read-only", count=30)
    page = site.tab("/models")
    page.locator("a.open").first.click()
    for tab in ("General", "Snapshots", "Network", "Labels", "Metadata"):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.locator(".tabs [aria-current]")).to_have_text(tab)
        buttons = page.locator("main button:visible").all_inner_texts()
        assert {each.strip() for each in buttons} <= {"Copy", "Copy restore", "↑", "↓", "Show", "Search"}


def test_going_through_the_tabs_with_keys(site, make):
    model_id = make()
    page = site.tab(f"/models/{model_id}")
    page.get_by_role("link", name="General").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#design-title")).to_be_visible()
    page.go_back()
    expect(page.locator("#usage-title")).to_be_visible()
