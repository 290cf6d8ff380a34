"""From the start page to a model's versions, selecting and publishing, and back: with keys alone."""

from downloads import downloaded
from playwright.sync_api import expect
from rows import covers_row


def go(page, selector, key="Tab"):
    """Press a key until what has the focus is what is wanted."""
    for _ in range(120):
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} doesn't lead to {selector}")


@covers_row("Model table", "keyboard")
@covers_row("Model page", "header")
def test_all_of_it_without_a_mouse(own_real):
    store = own_real.store
    page = own_real.tab("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.locator("h1")).to_have_text("Models")
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("digits")
    expect(page.locator("#total")).to_have_text("5")
    page.keyboard.press("Escape")
    # Sorted by name, by the head of the column.
    go(page, "th[data-key=name] a.sort")
    page.keyboard.press("Enter")
    expect(page.locator("th[data-key=name]")).to_have_attribute("aria-sort", "ascending")
    names = page.locator("#table a.open").all_inner_texts()
    assert names == sorted(names, key=str.lower)
    # The first and the third are chosen, and published.
    for keys in ("j", "x", "j", "j", "x"):
        page.keyboard.press(keys)
    expect(page.locator("#selected")).to_have_text("2 models selected")
    go(page, "#selection [data-action=publish]")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-title")).to_have_text("Publish 2 models?")
    go(page, "#ask-yes")
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="2 models published")).to_be_visible()
    assert [store.head(store.find_model(names[at])[0]).status for at in (0, 2)] == ["published"] * 2
    page.keyboard.press("Escape")
    expect(page.locator("#selection")).to_be_hidden()
    # A filter, through its panel.
    go(page, "#filters", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_visible()
    go(page, "#f-framework input[value=PyTorch]")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#total")).to_have_text("4")
    # One of its versions, and its bytes.
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(names[0])
    go(page, ".tabs a[href$='/snapshots']")
    page.keyboard.press("Enter")
    expect(page.locator("#version-title")).to_be_visible()
    go(page, ".versions tbody tr:nth-child(2) a")
    page.keyboard.press("Enter")
    model = store.model(store.find_model(names[0])[0])
    record = model.snapshots[-2]
    expect(page.locator("#version-title")).to_have_text(f"Version {record.version}")
    go(page, "#version a[href$='/file']")
    assert downloaded(page, lambda: page.keyboard.press("Enter")) == record.digest
    # Into the archive, by the model's own page; what opens is closed with Escape.
    go(page, "#model-actions [data-act=archive]", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".marks")).to_contain_text("Archived")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.locator("h1")).to_have_text("Archive")
    page.wait_for_load_state()
    # The menu of a row, and back by it.
    go(page, f"tr[data-id='{model.id}'] a.open", "j")
    go(page, f"tr[data-id='{model.id}'] button.more")
    page.keyboard.press("Enter")
    expect(page.locator("#row-menu")).to_be_visible()
    go(page, "[data-row=restore]", "ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(f"tr[data-id='{model.id}']")).to_have_count(0)
    assert not store.head(model.id).archived
    page.go_back()
    expect(page.locator("h1")).to_have_text(names[0])
