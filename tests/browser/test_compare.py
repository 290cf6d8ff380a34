"""Comparing models and versions, through the page as a person would, over what real runs have left."""

import re

from playwright.sync_api import expect
from rows import covers_row
from weights import import_versions, safetensors


def address(site, *named, **more):
    ids = []
    for each in named:
        model_id, version = site.store.find_model(each)
        ids.append(model_id if version is None else f"{model_id}:v{version}")
    return "/compare?" + "&".join([*(f"m={each}" for each in ids), *(f"{k}={v}" for k, v in more.items())])


def tab(page, name):
    page.get_by_role("navigation", name="What is compared of them").get_by_role("link", name=name).click()


def test_from_the_table_of_models_to_the_tensors(real):
    page = real.tab("/models?q=digits&sort=name")
    for number in (0, 1):
        page.locator("#table tbody tr").nth(number).locator("input").click()
    page.locator("[data-compare]").click()
    expect(page.locator("h1")).to_have_text("Compare")
    expect(page.locator(".sides > li")).to_have_count(2)
    page.get_by_label("Another model or version").fill("fine-tune digits - tuned:v1")
    page.keyboard.press("Enter")
    expect(page.locator(".sides > li")).to_have_count(3)
    tab(page, "Tensors")
    expect(page.locator("#tensor-changes")).to_be_visible()
    assert page.url.count("m=") == 3


@covers_row("Compare", "details")
def test_details_hiding_and_the_base(real):
    page = real.tab(address(real, "train digits - best:v1", "digits classifier"))
    row = page.get_by_role("row", name=re.compile("^Framework"))
    expect(row.locator("td")).to_have_text(["PyTorch", "PyTorch"])
    page.locator("#hide-same").click()
    expect(row).to_have_count(0)
    expect(page.get_by_role("row", name=re.compile("^Task")).locator("td")).to_have_text(
        ["train digits", "fine-tune digits"]
    )
    page.get_by_role("link", name=re.compile("as base")).click()
    expect(page.locator(".sides > li").first).to_contain_text("digits classifier")
    expect(page.get_by_role("row", name=re.compile("^Task")).locator("td")).to_have_text(
        ["fine-tune digits", "train digits"]
    )
    # The address has it all.
    again = page.url.replace(real.origin, "")
    assert "base=" in again
    page = real.tab(again)
    expect(page.locator(".sides > li").first).to_contain_text("digits classifier")
    expect(row).to_have_count(0)
    # Another version, and one out.
    page.locator(".versions-menu summary").first.click()
    page.locator(".versions-menu").first.get_by_role("link", name="v3", exact=True).click()
    expect(page.locator(".sides > li").first).to_contain_text("v3")
    page.get_by_role("link", name=re.compile("^Leave train digits")).click()
    expect(page.locator(".empty")).to_contain_text("One more is needed")


@covers_row("Compare", "design")
def test_designs(own_real):
    from autolog.store import edit

    first, second = (
        own_real.store.find_model(each)[0] for each in ("digits classifier", "fine-tune digits - tuned")
    )
    lines = [f"({number}): Linear(8, 8)" for number in range(120)]
    edit(own_real.store, first, lambda _: {"design": "\n".join(lines)})
    lines[30], lines[90] = "(30): Linear(8, 9)", "(90): Tanh()"
    edit(own_real.store, second, lambda _: {"design": "\n".join(lines)})
    page = own_real.tab(address(own_real, first, second, show="design"))
    expect(page.locator("#designs tbody.difference")).to_have_count(2)
    page.locator("#next-difference").click()
    expect(page.locator("tbody.here")).to_contain_text("Linear(8, 9)")
    page.keyboard.press("n")
    expect(page.locator("tbody.here")).to_contain_text("Tanh()")
    expect(page.locator("tbody.here")).to_be_in_viewport()
    page.keyboard.press("p")
    expect(page.locator("#difference-at")).to_have_text("1 of ")
    assert page.get_by_text("(60): Linear").count() == 2
    page.locator("#hide-same").click()
    expect(page.get_by_text("(60): Linear")).to_have_count(0)
    expect(page.locator("#designs")).to_contain_text("lines the same")
    page.get_by_role("link", name="Tree", exact=True).click()
    expect(page.locator("#designs")).to_contain_text("118 parts the same")
    page.locator("#designs summary").first.click()
    page.locator("#previous-difference").click()
    expect(page.locator(".here")).to_contain_text("Tanh()")
    expect(page.locator(".here")).to_be_in_viewport()


@covers_row("Compare", "scalars")
def test_scalars(real):
    page = real.tab(address(real, "digits classifier", "digits in Keras - digits", show="scalars"))
    expect(page.get_by_role("row", name=re.compile("^accuracy")).locator(".extreme")).to_have_count(2)
    card = page.locator(".plot-card", has=page.locator("b", has_text=re.compile("^accuracy$")))
    expect(card.locator("canvas")).to_be_visible()
    # What is told at a place of the plot names both, until one is hidden.
    card.locator(".u-over").hover(position={"x": 3, "y": 40})
    expect(card.locator(".at")).to_contain_text("digits classifier")
    expect(card.locator(".at")).to_contain_text("digits in Keras - digits")
    page.locator(".legend").get_by_role("button", name="digits in Keras - digits").click()
    card.locator(".u-over").hover(position={"x": 6, "y": 40})
    expect(card.locator(".at")).not_to_contain_text("digits in Keras")
    page.get_by_label("Smoothing").select_option("exponential")
    page.get_by_label("Across").select_option("wall")
    expect(page).to_have_url(re.compile(r"m=.*show=scalars.*x=wall.*smooth=exponential&strength=60"))
    expect(card.locator("canvas")).to_be_visible()
    page.set_viewport_size({"width": 800, "height": 900})
    expect(card.locator(".uplot")).to_have_js_property(
        "offsetWidth", card.locator(".plot").evaluate("e => e.clientWidth")
    )


@covers_row("Compare", "tensors")
def test_tensors(real):
    page = real.tab(address(real, "train digits - best", "fine-tune digits - tuned", show="tensors"))
    rows = page.locator("#tensor-changes tbody tr")
    expect(rows).to_have_count(4)
    frozen = page.get_by_role("row", name=re.compile("^0.weight"))
    expect(frozen).to_contain_text("unchanged")
    page.locator("#hide-same").click()
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="norm", exact=True).click()
    expect(rows.first).to_contain_text("3.weight")
    assert float(rows.first.locator("td.n").first.inner_text()) > 0
    with page.expect_download() as download:
        page.locator("summary", has_text="Export").click()
        page.get_by_role("link", name="CSV of this table").click()
    assert "3.weight" in download.value.path().read_text()
    page = real.tab(address(real, "train digits - best", "digits in Keras - digits", show="tensors"))
    expect(page.locator("#tensor-changes .kind.removed")).to_have_count(4)
    expect(page.locator("#tensor-changes .kind.added")).to_have_count(4)
    # Wherever it lies, and whatever it is called there.
    page = real.tab(address(real, "digits classifier", "fine-tune digits - tuned", show="tensors"))
    expect(page.get_by_text("are the same bytes")).to_be_visible()


@covers_row("Compare", "tensors")
def test_kinds_of_changes(sites, tmp_path):
    site = sites("model-page", count=5)
    files = [
        safetensors({"longer": (4, 4), "other": (3,), "gone": (2,)}, 1),
        safetensors({"longer": (4, 5), "other": (3,), "new": (2,)}, 2),
    ]
    model_id = import_versions(site.store, site.home, tmp_path / "net.safetensors", files)
    page = site.tab(f"/compare?m={model_id}:v1&m={model_id}:v2&show=tensors")
    for name, kind in (("longer", "reshaped"), ("other", "changed"), ("gone", "removed"), ("new", "added")):
        expect(page.get_by_role("row", name=re.compile(f"^{name}")).locator(".kind")).to_have_text(kind)


@covers_row("Compare", "labels and metadata")
def test_labels_and_metadata(real):
    page = real.tab(address(real, "digits classifier", "train digits - best"))
    for group, names in (("Labels", [str(each) for each in range(10)]), ("Metadata", ["augmented", "data"])):
        body = page.locator("#details tbody", has=page.locator(".group", has_text=re.compile(f"^{group}")))
        assert [each.strip() for each in body.locator("th.fact").all_inner_texts()] == names
    expect(page.get_by_role("row", name=re.compile("^7 ")).locator("td")).to_have_text(["7", ""])
    expect(page.get_by_role("row", name=re.compile("^data")).locator("td")).to_have_text(
        ["sklearn's digits", ""]
    )


@covers_row("Compare", "many")
def test_more_than_ten(real):
    versions = [
        f"{each.id}:v{version}" for each in real.store.models() for version in range(1, each.versions + 1)
    ]
    page = real.tab(f"/compare?{'&'.join(f'm={each}' for each in versions)}")
    assert len(versions) > 20
    expect(page.locator(".sides > li")).to_have_count(len(versions))
    expect(page.locator("#details thead th")).to_have_count(len(versions) + 1)
    page.get_by_role("link", name=re.compile("as base")).last.click()
    expect(page.locator(".sides > li").first).to_contain_text(f"v{versions[-1].rpartition('v')[2]}")
    assert f"base={versions[-1]}" in page.url
