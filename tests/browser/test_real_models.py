"""The tabs of models that real runs have made: each says what the record says, and gives its bytes."""

import re

from downloads import downloaded
from playwright.sync_api import expect
from rows import covers_row

from autolog.shown import words

FACTS = """() => Object.fromEntries([...document.querySelectorAll('.facts > div')].map((each) => [
    each.querySelector('dt').textContent, each.querySelector('dd').innerText.trim(),
]))"""


def found(site, name):
    return site.store.model(site.store.find_model(name)[0])


def tab(page, name):
    page.get_by_role("navigation", name="About this model").get_by_role("link", name=name).click()
    expect(page.locator(".tabs [aria-current]")).to_have_text(name)


@covers_row("Model page", "header")
@covers_row("Model page", "General")
@covers_row("Model page", "Snapshots")
def test_facts_and_every_download(real):
    model = found(real, "digits classifier")
    newest = model.snapshots[-1]
    page = real.tab("/models?q=digits%20classifier")
    page.get_by_role("link", name="digits classifier", exact=True).click()
    expect(page.locator("h1")).to_have_text(model.name)
    expect(page.locator("#model-id")).to_have_text(model.id)
    expect(page.get_by_role("list", name="Tags").locator(".tag .clip")).to_have_text(["best", "digits"])
    facts = page.evaluate(FACTS)
    for key, text in (
        ("Description", model.comment),
        ("Created", words.moment(model.created)),
        ("Updated", words.moment(model.updated)),
        ("Framework", "PyTorch"),
        ("Status", "Draft"),
        ("Archived", "no"),
        ("Project", "vision"),
        ("Task", "fine-tune digits"),
        ("User", "ada"),
        ("URI", newest.uri),
        ("Digest", newest.digest),
        ("Format", "3,610 parameters"),
    ):
        assert text in facts[key], key
    expect(page.locator("#python")).to_contain_text(model.id)
    expect(page.locator("#command-2")).to_contain_text(f"autolog restore {model.id}:v5")
    head = page.locator("#model-head").get_by_role("link", name="Download")
    assert downloaded(page, head.click) == newest.digest
    kept = page.locator("#general").get_by_role("link", name="Download")
    assert downloaded(page, kept.click) == newest.digest
    tab(page, "Snapshots")
    rows = page.locator(".versions tbody tr")
    expect(rows).to_have_count(5)
    for row, record in zip(rows.all(), reversed(model.snapshots), strict=True):
        expect(row.locator("time")).to_have_attribute("title", words.moment(record.created))
        cells = [" ".join(each.split()) for each in row.locator("td").all_inner_texts()]
        is_newest = record is newest
        assert cells[0] == f"v{record.version}"
        assert cells[2:5] == [str(record.iteration), words.size(record.size), words.digest(record.digest)]
        assert cells[-2] == ("at its path kept" if is_newest else "kept")
        button = row.get_by_role("link", name=f"Download v{record.version}")
        assert downloaded(page, button.click) == record.digest
    page.get_by_role("link", name="v3", exact=True).click()
    expect(page.locator("#version-title")).to_have_text("Version 3")
    whole = page.locator("#version").get_by_role("link", name=re.compile("^Download"))
    assert downloaded(page, whole.click) == model.snapshots[2].digest
    tab(page, "General")
    page.get_by_role("link", name="fine-tune digits", exact=True).click()
    expect(page.get_by_role("navigation", name="About this task")).to_be_visible()


@covers_row("Model page", "Snapshots")
@covers_row("Model page", "Network")
@covers_row("Model page", "Labels")
@covers_row("Model page", "Metadata")
def test_metrics_tensors_labels_and_metadata(real):
    model = found(real, "digits in Keras - digits")
    page = real.tab(f"/models/{model.id}/snapshots")
    heads = page.locator(".versions thead th").all_inner_texts()
    for row, record in zip(page.locator(".versions tbody tr").all(), reversed(model.snapshots), strict=True):
        cells = dict(zip(heads, row.locator("td").all_inner_texts(), strict=True))
        for name in ("loss", "val_accuracy"):
            value = record.metrics.get(name)
            assert cells[name].strip() == ("" if value is None else f"{value:.6g}")
    expect(page.locator(".growth rect.size")).to_have_count(4)
    page.goto(f"{real.origin}/models/{found(real, 'train digits - best').id}/network")
    expect(page.locator("#design-text")).to_contain_text("Linear(in_features=64, out_features=48, bias=True)")
    expect(page.locator("#parameters")).to_have_text("3,610")
    page.get_by_role("button", name="Open all").click()
    leaves = page.locator(".tree .leaf")
    expect(leaves.locator(".shape")).to_have_text(["48 \u00d7 64", "48", "10 \u00d7 48", "10"])
    assert {each.lower() for each in leaves.locator(".dtype").all_inner_texts()} == {"float32"}
    shares = [float(each.removesuffix(" %")) for each in leaves.locator(".of .n").all_inner_texts()]
    assert abs(sum(shares) - 100) < 0.3
    assert shares[0] == round(100 * 48 * 64 / 3610, 1)
    page.goto(f"{real.origin}/models/{found(real, 'digits classifier').id}")
    tab(page, "Labels")
    cells = page.locator(".entries tbody tr").locator(".key, .value").all_inner_texts()
    assert cells == [each for number in range(10) for each in (str(number), str(number))]
    tab(page, "Metadata")
    cells = page.locator(".entries tbody tr").locator(".key, .kind, .value").all_inner_texts()
    assert cells == ["augmented", "truth value", "true", "data", "text", "sklearn's digits"]


@covers_row("Model page", "Lineage")
def test_lineage_leads_from_the_first_run_to_the_last(real):
    page = real.tab(f"/models/{found(real, 'train digits - best').id}/lineage")
    roles = page.locator(".uses tbody tr").locator("td:nth-child(-n+2)").all_inner_texts()
    assert sorted(zip(roles[::2], roles[1::2], strict=True)) == [
        ("fine-tune digits", "loaded v4"),
        ("train digits", "made it"),
    ]
    names = page.locator("svg a").evaluate_all("(all) => all.map((each) => each.getAttribute('aria-label'))")
    for wanted in (
        "Task train digits",
        "Task fine-tune digits",
        "Version of model digits classifier",
        "Task serve",
    ):
        assert any(each.startswith(wanted) for each in names), wanted
    page.locator("svg a[aria-label^='Task serve']").click()
    expect(page.locator("h1")).to_have_text("serve")
    expect(page.locator("svg a[aria-current]")).to_have_accessible_name(re.compile("^Task serve"))
