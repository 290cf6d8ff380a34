"""What people don't do on purpose: a server that was stopped, things that are pressed twice."""

from playwright.sync_api import expect
from test_everywhere import named


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
