"""What people don't do on purpose: a server that was stopped, things that are pressed twice."""

from playwright.sync_api import expect
from test_everywhere import named

from autolog.store import edit


def away(page):
    """Whatever is asked from now on, nobody answers."""
    page.context.set_offline(True)


def quieted(site):
    """The browser itself notes what it couldn't fetch: that was to come."""
    assert site.said
    site.said[:] = [line for line in site.said if "Failed to load resource" not in line]


def test_a_server_that_was_stopped(own_real):
    """Each part of a page says so in words, and not in the browser's own."""
    model_id = own_real.store.find_model("digits classifier")[0]
    page = own_real.tab(f"/models/{model_id}")
    plots = own_real.tab(f"/models/{model_id}/scalars", viewport={"width": 600, "height": 300})
    task = own_real.tab(f"/tasks/{own_real.store.find_task('serve')}/artifacts")
    for each in (page, plots, task):
        away(each)
    page.click("#add-tag")
    page.fill("#ask-field input", "late")
    page.keyboard.press("Enter")
    expect(page.locator(".toast.problem")).to_contain_text("The server doesn't answer.")
    task.get_by_role("button", name="Remove").first.click()
    expect(task.locator(".toast.problem")).to_contain_text("The server doesn't answer.")
    plots.locator(".plot").last.scroll_into_view_if_needed()
    expect(plots.locator(".plot").last).to_have_text("The server doesn't answer.")
    quieted(own_real)


def test_a_part_of_a_page_that_the_server_refuses_says_why(own_real):
    model_id = own_real.store.find_model("digits classifier")[0]
    page = own_real.tab(f"/models/{model_id}/scalars", viewport={"width": 600, "height": 300})
    page.context.clear_cookies()
    page.locator(".plot").last.scroll_into_view_if_needed()
    expect(page.locator(".plot").last).to_contain_text("prints an address that ends with a token")
    quieted(own_real)


def test_an_error_is_not_copied_for_what_it_stands_for(own_real):
    page = own_real.tab(
        f"/tasks/{named(own_real.store)['task']}", permissions=["clipboard-read", "clipboard-write"]
    )
    page.evaluate("navigator.clipboard.writeText('before')")
    page.context.clear_cookies()
    page.get_by_role("button", name="Copy the difference").click()
    expect(page.locator(".toast.problem")).to_contain_text("The server answered 401.")
    assert page.evaluate("navigator.clipboard.readText()") == "before"
    quieted(own_real)


def double_click(page, target):
    """As a hand does it: a page that is quick has changed by the second click."""
    target.hover()
    box = target.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for count in (1, 2):
        page.mouse.down(click_count=count)
        page.mouse.up(click_count=count)
        page.wait_for_timeout(300)


def slow(page):
    """Answers to writes take their time; how many there were is counted."""
    sent = []

    def wait(route):
        sent.append(route.request.post_data)
        page.wait_for_timeout(200)
        route.continue_()

    page.route("**/edit", wait)
    return sent


def test_a_double_click_takes_away_one_thing(own_real):
    model_id = own_real.store.find_model("digits classifier")[0]
    four = {name: number for number, name in enumerate("abcd")}
    edit(own_real.store, model_id, lambda _: {"tags": tuple(four), "labels": four, "metadata": four})
    page = own_real.tab(f"/models/{model_id}/labels")
    double_click(page, page.get_by_role("button", name="Remove the tag a"))
    double_click(page, page.get_by_role("button", name="Remove a", exact=True))
    page.goto(f"{own_real.origin}/models/{model_id}/metadata")
    double_click(page, page.get_by_role("button", name="Remove a", exact=True))
    found = own_real.store.head(model_id)
    assert found.tags == ("b", "c", "d")
    assert list(found.labels) == list(found.metadata) == ["b", "c", "d"]
    task = own_real.store.find_task("serve")
    page.goto(f"{own_real.origin}/tasks/{task}")
    double_click(page, page.locator("#archive"))
    expect(page.locator("#archive")).to_have_text("Restore")
    assert own_real.store.task(task).archived


def test_a_double_click_on_what_is_selected_is_told_once_and_taken_back(own):
    page = own.tab("/models")
    before = page.locator("#view").get_attribute("data-total")
    for row in (0, 1):
        page.locator("#table tbody input").nth(row).check()
    double_click(page, page.locator("#selection [data-action=archive]"))
    expect(page.locator(".toast")).to_have_count(1)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#view")).to_have_attribute("data-total", before)


def test_a_double_click_opens_a_question_and_leaves_it_open(own_real):
    model_id = own_real.store.find_model("digits classifier")[0]
    page = own_real.tab(f"/models/{model_id}")
    double_click(page, page.get_by_role("button", name="Publish"))
    expect(page.locator("#ask")).to_be_visible()
    # A click beside it closes it, as ever.
    page.wait_for_timeout(600)
    page.mouse.click(5, 400)
    expect(page.locator("#ask")).to_be_hidden()


def test_what_is_saved_twice_is_saved_once(own_real):
    model_id = own_real.store.find_model("digits classifier")[0]
    page = own_real.tab(f"/models/{model_id}")
    sent = slow(page)
    page.click("#rename")
    page.get_by_role("textbox", name="Name").fill("twice")
    for _ in range(2):
        page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("twice")
    page.goto(f"{own_real.origin}/models/{model_id}/metadata")
    page.click("#add-entry")
    page.get_by_role("textbox", name="Key").fill("rate")
    page.get_by_role("textbox", name="Value").fill("0.1")
    page.get_by_role("button", name="Save").dblclick()
    expect(page.locator("tr[data-key=rate]")).to_be_visible()
    page.goto(f"{own_real.origin}/models/{model_id}/network")
    page.click("#edit-design")
    page.fill("#design-new", "Linear()")
    page.locator("#design-form button.main").dblclick()
    expect(page.locator("#design-text")).to_have_text("Linear()")
    page.wait_for_timeout(500)
    assert len(sent) == 3
    expect(page.locator(".toast.problem")).to_have_count(0)


def test_what_is_copied_twice_says_so_for_a_while(own_real):
    model_id = own_real.store.find_model("digits classifier")[0]
    page = own_real.tab(f"/models/{model_id}", permissions=["clipboard-read", "clipboard-write"])
    copy = page.get_by_role("button", name="Copy the id")
    copy.dblclick()
    expect(copy).to_have_text("Copied")
    page.wait_for_timeout(2_000)
    expect(copy).to_have_text("Copy")
