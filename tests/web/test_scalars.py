"""The scalars of a model: what the page says, and its twins."""

import csv
import io
import math
import re
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert

from autolog.store import report, schema, series_of

sys.path.insert(0, str(Path(__file__).parent))

from histories import History, scalars

pytestmark = [pytest.mark.core, pytest.mark.slow]


@pytest.fixture
def told(make_pages):
    pages = make_pages()
    history = History(pages.store)
    model_id = history.model("net", history.task("train"), 3)
    scalars(pages.store, model_id)
    return pages, f"/models/{model_id}/scalars", model_id


def test_the_page_without_a_script(told):
    pages, base, _ = told
    text = pages.html(base)
    assert text.count('class="plot-card"') == 3
    assert 'data-url="' + base + '.json?name=loss%2Ftrain&amp;name=loss%2Fval"' in text
    assert "Values of the whole model" in text
    assert "0.75" in text
    assert "1,190" in text
    assert "The last 100 of 120" in text
    assert "style=" not in text


def test_groups_and_search(told):
    pages, base, _ = told
    assert pages.html(f"{base}?group=none").count('class="plot-card"') == 4
    text = pages.html(f"{base}?q=LOSS")
    assert text.count('class="plot-card"') == 1
    assert "final/score" not in text
    assert "No metric has" in pages.html(f"{base}?q=nothing")
    chosen = pages.html(f"{base}?x=wall&smooth=gaussian&strength=20&y=log&group=bad")
    assert '<option value="wall" selected>' in chosen
    assert 'value="20"' in chosen
    assert 'value="60"' in pages.html(f"{base}?strength=1000")


def test_nothing_yet(make_pages):
    pages = make_pages()
    model_id = History(pages.store).model("net", None)
    assert "report_scalar" in pages.html(f"/models/{model_id}/scalars")
    found = pages.json(f"/models/{model_id}/scalars.json")
    assert found["series"] == []
    assert found["models"][0]["began"] is None


def test_json(told):
    pages, base, model_id = told
    found = pages.json(f"{base}.json")
    assert [each["name"] for each in found["series"]] == [
        "accuracy",
        "learning rate",
        "loss/train",
        "loss/val",
    ]
    val = found["series"][3]
    assert val["count"] == len(val["value"]) == len(val["time"]) == 120
    assert val["value"][49] is not None
    assert val["value"][50] is None
    assert found["single"][0]["name"] == "final/score"
    assert [(each["version"], each["iteration"]) for each in found["versions"]] == [
        (1, 100),
        (2, 200),
        (3, 300),
    ]
    assert found["models"][0]["id"] == model_id
    assert found["models"][0]["began"].endswith("Z")
    few = pages.json(f"{base}.json?name=loss/val&points=30")
    assert [each["name"] for each in few["series"]] == ["loss/val"]
    assert 10 < len(few["series"][0]["value"]) <= 40
    assert None in few["series"][0]["value"]


def test_csv(told):
    pages, base, _ = told
    lines = list(csv.DictReader(io.StringIO(pages.get(f"{base}.csv").text)))
    assert len(lines) == 4 * 120 + 1
    assert {each["name"] for each in lines} >= {"loss/train", "final/score"}
    single = next(each for each in lines if each["name"] == "final/score")
    assert (single["iteration"], single["value"]) == ("", "0.75")
    assert len(pages.get(f"{base}.csv?name=accuracy").text.splitlines()) == 121


def test_what_is_not_a_number(told):
    pages, base, model_id = told
    for name, value in (("odd", math.nan), ("odd", math.inf)):
        for step in (1, 2):
            report(pages.store, model_id, name, value if step == 2 else 1.0, step)
    report(pages.store, model_id, "nothing", math.nan, 1)
    report(pages.store, model_id, "=1+1<b>", 1.0, 1)
    assert pages.json(f"{base}.json?name=odd")["series"][0]["value"] == [1.0, "inf"]
    text = pages.html(base)
    assert "not a number" in text
    assert "=1+1&lt;b&gt;" in text
    assert "'=1+1<b>" in pages.get(f"{base}.csv").text


def test_series_of_several_models(told):
    pages, _, model_id = told
    other = History(pages.store).model("other", None)
    report(pages.store, other, "accuracy", 0.5, 3)
    found = series_of(pages.store, [other, model_id], ["accuracy"])
    assert [each.model_id for each in found] == [other, model_id]


def test_what_is_not_there(told):
    pages, base, _ = told
    for ending in ("", ".json", ".csv"):
        assert pages.get(f"/models/nobody/scalars{ending}").status_code == 404
    assert pages.post(base, {}).status_code == 405


def test_very_many_series_of_one_title(told):
    pages, base, model_id = told
    with pages.store._writing() as connection:
        rows = [{"model_id": model_id, "name": f"layer/w{n:05}", "iteration": 1, "value": 1.0, "time": 0.0}
                for n in range(40_000)]  # fmt: skip
        connection.execute(insert(schema.metrics), rows)
    text = pages.html(f"{base}?q=layer")
    assert text.count('class="plot-card"') == 1
    assert text.count("data-series=") == 60
    assert "39,940 more series of this title" in text
    (address,) = re.findall(r'data-url="([^"]+)"', text)
    assert len(address) < 4_000
    lines = list(csv.reader(io.StringIO(pages.get(f"{base}.csv?name=layer/w00001&name=loss/val").text)))
    assert [each[0] for each in lines[1:3]] == ["layer/w00001", "loss/val"]
