"""Figures: which are shown how, their data as tables, and images that can do nothing."""

import base64
import csv
import io
import sys
from pathlib import Path

import pytest

from autolog.store import NewFigure, report_figure
from autolog.web.figures import image_of, rows_of

sys.path.insert(0, str(Path(__file__).parent))

from histories import History, figures

pytestmark = [pytest.mark.core, pytest.mark.slow]

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"not really").decode()


@pytest.fixture
def drawn(make_pages):
    pages = make_pages()
    model_id = History(pages.store).model("net", None)
    figures(pages.store, model_id)
    return pages, f"/models/{model_id}/plots", model_id


def image(source):
    return {"data": [], "layout": {"title": {"text": "Image"}, "images": [{"source": source}]}}


def add(pages, model_id, figure, title="Image", kind="figure"):
    return report_figure(pages.store, model_id, NewFigure(title, "s", kind, figure, 1)).id


def test_the_page(drawn):
    pages, base, _ = drawn
    answer = pages.get(base)
    text = answer.text
    assert text.count('class="figure-card"') == 8
    assert text.count('class="figure needs-script"') == 7
    assert "&lt;b&gt;second&lt;/b&gt;" in text
    assert "<b>second</b>" not in text
    assert "iteration 20, one of 2" in text
    assert "style=" not in text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert pages.html(f"{base}?q=SURF").count('class="figure-card"') == 1
    assert "No figure meets these" in pages.html(f"{base}?q=nothing")
    early = pages.html(f"{base}?at=0")
    assert early.count('class="figure-card"') == 1
    assert "iteration 0, one of 2" in early


def test_nothing_yet(make_pages):
    pages = make_pages()
    model_id = History(pages.store).model("net", None)
    assert "report_confusion_matrix" in pages.html(f"/models/{model_id}/plots")


def test_one_figure(drawn):
    pages, base, _ = drawn
    every = pages.json(f"{base}.json")["figures"]
    assert len(every) == 9
    for each in every:
        one = pages.json(each["url"])
        assert one["figure"]["data"]
        assert one["kind"] == each["kind"]
        text = pages.html(each["url"].removesuffix(".json"))
        assert "Data" in text
        assert 'aria-current="page"' in text
    (confusion,) = [each for each in every if each["kind"] == "confusion_matrix"]
    lines = list(csv.reader(io.StringIO(pages.get(f"{base}/{confusion['id']}.csv").text)))
    assert lines == [
        ["series", "", "cat", "dog"],
        ["test", "cat", "50", "3"],
        ["test", "dog", "4", "43"],
    ]


def test_images(drawn):
    pages, base, model_id = drawn
    number = add(pages, model_id, image(f"data:image/png;base64,{PIXEL}"))
    assert f'<img class="drawn-image" src="{base}/{number}/image"' in pages.html(base)
    answer = pages.get(f"{base}/{number}/image")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "source",
    [
        "https://example.org/x.png",
        "javascript:alert(1)",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:text/html;base64,PGI+",
        "data:image/png;base64,PGh0bWw+",
        "data:image/png;base64,%%%",
        None,
        {"a": 1},
    ],
)
def test_what_only_says_that_it_is_an_image(drawn, source):
    pages, base, model_id = drawn
    number = add(pages, model_id, image(source))
    assert image_of(image(source)) is None
    assert pages.get(f"{base}/{number}/image").status_code == 404
    assert pages.get(base).status_code == 200
    assert pages.get(f"{base}/{number}").status_code == 200


@pytest.mark.parametrize(
    "figure",
    [
        {},
        {"data": None, "layout": None},
        {"data": [1, None, "x", []], "layout": {"images": "x"}},
        {"data": [{"type": "table", "header": 1, "cells": {"values": [1, [2], None]}}]},
        {"data": [{"type": "table", "header": {"values": [["a", "b"], None]}, "cells": {}}]},
        {"data": [{"z": [[1], 2, [3, 4]], "x": ["a"], "y": 3, "name": 5}]},
        {"data": [{"x": [1, 2, 3], "y": [{"a": None}], "text": ["<script>alert(1)</script>"]}]},
    ],
)
def test_figures_of_any_shape(drawn, figure):
    pages, base, model_id = drawn
    number = add(pages, model_id, figure, title="<script>alert(1)</script>")
    for address in (base, f"{base}/{number}", f"{base}/{number}.csv", f"{base}/{number}.json"):
        answer = pages.get(address)
        assert answer.status_code == 200, address
        if "html" in answer.headers["content-type"]:
            assert "<script>alert" not in answer.text
    rows_of(figure)


def test_what_is_not_there(drawn):
    pages, base, model_id = drawn
    for ending in ("", ".json", "/1", "/1.json", "/1.csv", "/1/image"):
        assert pages.get(f"/models/nobody/plots{ending}").status_code == 404
    for ending in ("999", "x", "-1", "9" * 30):
        assert pages.get(f"{base}/{ending}").status_code == 404
    # Of another model it isn't found either.
    other = History(pages.store).model("other", None)
    number = add(pages, other, image("x"))
    assert pages.get(f"{base}/{number}.json").status_code == 404
    assert pages.post(base, {}).status_code == 405
    assert model_id


def test_a_figure_of_very_many_traces(drawn):
    pages, base, model_id = drawn
    traces = [{"type": "scatter", "name": f"t{n}", "x": [1, 2], "y": [3, 4]} for n in range(500)]
    number = add(pages, model_id, {"data": traces, "layout": {}}, title="Many")
    text = pages.html(f"{base}/{number}")
    assert text.count("<h3>") == 20
    assert "480 series more" in text
    assert len(list(csv.reader(io.StringIO(pages.get(f"{base}/{number}.csv").text)))) == 1_500
    cells = {"type": "table", "header": {"values": ["a"]}, "cells": {"values": [["x"]]}}
    add(pages, model_id, {"data": [cells] * 500, "layout": {}}, title="Tables")
    assert pages.html(f"{base}?q=tables").count('class="scroll data"') == 20
