"""The page of a model: its header, its facts, and how it is changed."""

import json
import re

import pytest
from sqlalchemy import update
from weights import import_versions, safetensors

from autolog.store import alias, edit, publish, schema

pytestmark = [pytest.mark.core, pytest.mark.slow]

ORIGIN = "http://127.0.0.1:8265"
CONTROLS = [
    "data-begin",
    "data-act=",
    "data-untag",
    "data-unalias",
    "add-tag",
    "data-entry",
    "add-entry",
    "edit-design",
    "clear-design",
    "data-alias-of",
    "<textarea",
]
TABS = ("", "/snapshots", "/network", "/labels", "/metadata")


@pytest.fixture
def model_id(pages):
    """A draft of the 120 models, with three versions."""
    rows = pages.json("/models.json?status=draft&limit=200")["models"]
    return next(each["id"] for each in rows if each["versions"] == 3)


@pytest.fixture
def change(pages, model_id):
    """Changes the model, which has to be answered with this status."""

    def post(body, status=200, **headers):
        answer = pages.post(f"/models/{model_id}/edit", body, **headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return post


@pytest.mark.parametrize("tab", TABS)
def test_every_tab(pages, model_id, tab):
    page = pages.html(f"/models/{model_id}{tab}")
    record = pages.store.model(model_id)
    assert f'<h1 class="break" data-text>{record.name}</h1>' in page
    assert page.count('aria-current="page"') == 2
    twin = pages.json(f"/models/{model_id}{tab}.json")
    assert (twin["schema"], twin["id"]) == (1, model_id)
    for path in (f"/models/nobody{tab}", f"/models/nobody{tab}.json"):
        assert pages.get(path).status_code == 404


def test_general(pages, model_id):
    record = pages.store.model(model_id)
    page = pages.html(f"/models/{model_id}")
    newest = record.snapshots[-1]
    for text in (record.framework, record.project, record.task_name, newest.uri, newest.digest):
        assert text in page
    assert f"autolog.get(&#34;{model_id}&#34;" in page
    assert f"autolog restore {model_id}:v3" in page
    assert pages.json(f"/models/{model_id}.json")["user"] in page


def test_commands_lead_to_this_store(model_page_store, monkeypatch):
    page = model_page_store.html(f"/models/{model_page_store.model}")
    assert "--home" not in page
    monkeypatch.setenv("AUTOLOG_HOME", "/elsewhere")
    from autolog.web import usage

    usage._options.cache_clear()
    page = model_page_store.html(f"/models/{model_page_store.model}")
    usage._options.cache_clear()
    assert f"--home {model_page_store.home}" in page


@pytest.fixture
def model_page_store(make_pages, home, tmp_path):
    """Pages over one imported model with two kept versions: `.model` is its id, `.path` its file."""
    pages = make_pages()
    pages.home, pages.path = home, tmp_path / "net.safetensors"
    files = [safetensors({"a.weight": (4, 4)}, number) for number in (1, 2)]
    pages.model = import_versions(pages.store, home, pages.path, files)
    return pages


def test_an_imported_model(model_page_store):
    page = model_page_store.html(f"/models/{model_page_store.model}")
    assert "imported from" in page
    assert str(model_page_store.home / "content") in page


# -- changing it --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "column", "value"),
    [("name", "name", "resnet"), ("project", "project", "elsewhere"), ("description", "comment", "a\nb"),
     ("design", "design", "Net(\n)")],
)  # fmt: skip
def test_texts(pages, model_id, change, what, column, value):
    before = getattr(pages.store.head(model_id), column)
    answer = change({what: value})
    assert answer["changed"]
    assert getattr(pages.store.head(model_id), column) == value
    assert change({what: value}) == {**answer, "changed": False, "undo": {}, "undo_text": "{}"}
    change(answer["undo"])
    assert getattr(pages.store.head(model_id), column) == before


def test_a_text_that_is_another_one_by_now(pages, model_id, change):
    """Neither an undo nor who has read an older text takes away what somebody else has written."""
    for what, column in (("name", "name"), ("description", "comment"), ("design", "design")):
        undo = change({what: "mine"})["undo"]
        assert undo["was"] == "mine"
        edit(pages.store, model_id, lambda record, column=column: {column: "somebody else's"})
        for body in (undo, {what: "newer", "was": "mine"}):
            answer = change(body, 409)
            assert answer["now"] == "somebody else's"
            assert "somebody else's" in answer["error"]
        assert getattr(pages.store.head(model_id), column) == "somebody else's"
        # What it says already nobody takes anything from.
        assert not change({what: "somebody else's", "was": "mine"})["changed"]
        change({what: "newer", "was": "somebody else's"})
    change({"design": None})
    change({"design": "Net()", "was": ""})
    change({"description": "one\r\ntwo"})
    change({"description": "three", "was": "one\ntwo"})  # as a page shows it
    change({"name": "a\0"})
    change(change({"name": "another"})["undo"])
    for other in ({"tags": {"add": ["x"]}}, {"aliases": {"add": {"x": 1}}}, {}):
        change({**other, "was": "x"}, 400)


def test_names_that_are_none(pages, model_id, change):
    for body in ({"name": " "}, {"project": ""}, {"name": 3}, {"name": None}, {"name": "x" * 5000}):
        assert change(body, 400)["error"]
    change({"name": "  resnet "})
    assert pages.store.head(model_id).name == "resnet"
    hostile = "<script>alert(1)</script>"
    change({"name": hostile})
    change({"tags": {"add": [hostile]}})
    for tab in TABS:
        assert hostile not in pages.html(f"/models/{model_id}{tab}")


def test_tags(pages, model_id, change):
    edit(pages.store, model_id, lambda record: {"tags": ("old", "debug")})
    undo = change({"tags": {"add": [" best ", "debug"], "remove": ["old", "nowhere"]}})["undo"]
    assert pages.store.head(model_id).tags == ("debug", "best")
    change(undo)
    assert set(pages.store.head(model_id).tags) == {"debug", "old"}
    for tags in ({"add": [""]}, {"add": [3]}, {"add": "best"}, {"remove": [3]}, {}, [], {"put": []}):
        change({"tags": tags}, 400)


def test_aliases(pages, model_id, change):
    change({"aliases": {"add": {"best": 2}}})
    undo = change({"aliases": {"add": {"best": None}}})["undo"]
    assert pages.store.head(model_id).aliases == {"best": 3}
    change(undo)
    assert pages.store.head(model_id).aliases == {"best": 2}
    undo = change({"aliases": {"remove": ["best"]}})["undo"]
    assert pages.store.head(model_id).aliases == {}
    change(undo)
    assert "@best" in pages.html(f"/models/{model_id}")
    assert change({"aliases": {"remove": ["nowhere"]}}, 404)
    for name, version in (("v3", 1), ("best", 1.5), ("", 1), ("best", True)):
        change({"aliases": {"add": {name: version}}}, 400)
    change({"aliases": {"add": {"best": 99}}}, 404)


def test_labels(pages, model_id, change):
    change({"labels": {"add": {"cat": 0, "dog": 1}}})
    assert "already" in change({"labels": {"add": {"cat": 5}}}, 400)["error"]
    undo = change({"labels": {"remove": ["cat"], "add": {"kitten": 7}}})["undo"]
    assert pages.store.head(model_id).labels == {"dog": 1, "kitten": 7}
    change(undo)
    assert pages.store.head(model_id).labels == {"dog": 1, "cat": 0}
    for name, number in (("", 1), (" ", 1), ("x", "1"), ("x", 1.0), ("x", True), ("x", None), ("x", 1 << 63)):
        change({"labels": {"add": {name: number}}}, 400)
    change({"labels": {"remove": ["dog"], "add": {"cat": 3}}}, 400)
    assert pages.store.head(model_id).labels == {"dog": 1, "cat": 0}
    assert pages.get(f"/models/{model_id}/labels.csv").text == "label,id\r\ncat,0\r\ndog,1\r\n"


@pytest.mark.parametrize("what", ["labels", "metadata"])
def test_entries_that_are_others_by_now(pages, model_id, change, what):
    def kept():
        return {name: getattr(pages.store.head(model_id), what).get(name) for name in ("one", "two")}

    undo = change({what: {"add": {"one": 1}}})["undo"]
    edit(pages.store, model_id, lambda record: {what: {**getattr(record, what), "one": 5}})
    for body in (undo, {what: {"remove": ["one"], "add": {"two": 2}}, "was": {"one": 1}}):
        assert change(body, 409)["now"] == {"one": 5}
    assert "removed" in change({what: {"remove": ["three"]}, "was": {"three": 3}}, 409)["error"]
    assert kept() == {"one": 5, "two": None}
    change({what: {"remove": ["one"], "add": {"two": 2}}, "was": {"one": 5}})
    assert kept() == {"one": None, "two": 2}
    change({what: {"add": {"one": 1}}, "was": [1]}, 400)


@pytest.mark.parametrize("what", ["labels", "metadata"])
def test_renaming_entries(pages, model_id, change, what):
    values = {"a": 9007199254740993, "b": 2, "c": 3}
    edit(pages.store, model_id, lambda record: {what: values})
    undo = change({what: {"rename": {"a": " d "}}})["undo"]
    assert getattr(pages.store.head(model_id), what) == {"d": 9007199254740993, "b": 2, "c": 3}
    # What has become of the value meanwhile stays.
    edit(pages.store, model_id, lambda record: {what: {"d": 4, "b": 2, "c": 3}})
    change(undo)
    assert getattr(pages.store.head(model_id), what) == {"a": 4, "b": 2, "c": 3}
    undo = change({what: {"remove": ["c"], "rename": {"a": "b", "b": "c"}, "add": {"a": 1}}})["undo"]
    assert getattr(pages.store.head(model_id), what) == {"b": 4, "c": 2, "a": 1}
    change(undo)
    assert getattr(pages.store.head(model_id), what) == {"a": 4, "b": 2, "c": 3}
    change({what: {"rename": {"nowhere": "x"}}}, 404)
    for renamed in ({"a": "b"}, {"a": "x", "b": "x"}, {"a": ""}, {"a": 3}, ["a"], "a"):
        change({what: {"rename": renamed}}, 400)
    assert getattr(pages.store.head(model_id), what) == {"a": 4, "b": 2, "c": 3}


def test_an_undo_as_text_is_exact(pages, model_id, change):
    values = {"part": 1.0, "whole": (1 << 53) + 1, "endless": float("inf")}
    edit(pages.store, model_id, lambda record: {"metadata": values})
    told = change({"metadata": {"remove": [*values]}})["undo_text"]
    answer = pages.client.post(
        f"/models/{model_id}/edit",
        content=told,
        headers={"origin": ORIGIN, "x-csrf-token": pages.options.csrf, "content-type": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    assert repr(pages.store.head(model_id).metadata) == repr(values)


def test_what_is_no_number_is_not_changed_meanwhile(pages, model_id, change):
    edit(pages.store, model_id, lambda record: {"metadata": {"loss": float("nan")}})
    headers = {"origin": ORIGIN, "x-csrf-token": pages.options.csrf, "content-type": "application/json"}
    body = '{"metadata": {"remove": ["loss"], "add": {"loss": 1}}, "was": {"loss": NaN}}'
    answer = pages.client.post(f"/models/{model_id}/edit", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert pages.store.head(model_id).metadata == {"loss": 1}


def test_a_design_that_begins_with_a_line_break_is_shown_whole(pages, model_id):
    edit(pages.store, model_id, lambda record: {"design": "\nSequential()\n"})
    # The line break that follows a <pre> is none of its text.
    assert re.search(
        r'<pre id="design-text"[^>]*>\n\nSequential\(\)\n</pre>', pages.html(f"/models/{model_id}/network")
    )


def test_metadata(pages, model_id, change):
    values = {
        "lr": 0.1,
        "sizes": [1, {"a": None}],
        "done": True,
        "note": "=1+1",
        "nothing": None,
        "n": 1 << 62,
    }
    change({"metadata": {"add": values}})
    assert pages.json(f"/models/{model_id}/metadata.json")["metadata"].items() >= values.items()
    page = pages.html(f"/models/{model_id}/metadata")
    assert all(f">{kind}</td>" in page for kind in ("number", "list", "truth value", "text", "nothing"))
    assert "note,text,'=1+1" in pages.get(f"/models/{model_id}/metadata.csv").text
    undo = change({"metadata": {"remove": ["lr"], "add": {"rate": 0.2}}})["undo"]
    assert "lr" not in pages.store.head(model_id).metadata
    change(undo)
    assert pages.store.head(model_id).metadata["lr"] == 0.1
    assert change({"metadata": {"add": {"lr": 3}}}, 400)
    assert change({"metadata": {"add": {"long": "x" * 1_000_001}}}, 400)
    deep: list = []
    for _ in range(101):
        deep = [deep]
    assert change({"metadata": {"add": {"deep": deep}}}, 400)
    change({"metadata": {"add": {"deep": deep[0]}}})


def test_what_is_published_stays_as_it_is(pages, model_id, change):
    publish(pages.store, model_id)
    for body in ({"design": "x"}, {"design": None}, {"labels": {"add": {"cat": 0}}}):
        assert "published" in change(body, 409)["error"]
    change({"name": "another"})
    change({"metadata": {"add": {"still": 1}}})
    alias(pages.store, model_id, "best", 1)
    for tab, control in (("network", "edit-design"), ("labels", "add-entry")):
        page = pages.html(f"/models/{model_id}/{tab}")
        assert f'id="{control}"' not in page
        assert "Published: the " in page
    assert 'id="add-entry"' in pages.html(f"/models/{model_id}/metadata")
    assert 'data-act="publish"' not in pages.html(f"/models/{model_id}")


@pytest.mark.parametrize("body", [[], {}, 3, {"nothing": 1}, {"name": "a", "project": "b"}, {"id": "x"}])
def test_what_means_nothing(change, body):
    change(body, 400)


def test_who_may_not_change_it(pages, model_id, change):
    body = {"name": "x"}
    change(body, 403, **{"x-csrf-token": "wrong"})
    change(body, 403, origin="http://elsewhere.example")
    assert pages.get(f"/models/{model_id}/edit").status_code == 405
    assert pages.post("/models/nobody/edit", body).status_code == 404
    assert pages.store.head(model_id).name != "x"


def test_read_only_shows_no_controls(make_pages):
    pages = make_pages(20, read_only=True)
    model_id = pages.json("/models.json?status=draft")["models"][0]["id"]
    edit(
        pages.store, model_id, lambda record: {"tags": ("best",), "labels": {"cat": 0}, "metadata": {"a": 1}}
    )
    alias(pages.store, model_id, "best", 1)
    for tab in TABS:
        page = pages.html(f"/models/{model_id}{tab}")
        for control in CONTROLS:
            assert control not in page, (tab, control)
    assert pages.post(f"/models/{model_id}/edit", {"name": "x"}).status_code == 403


def test_archived(pages, model_id):
    pages.act("archive", ids=[model_id])
    page = pages.html(f"/models/{model_id}")
    assert 'data-act="restore"' in page
    assert 'data-act="delete"' in page
    assert 'data-act="archive"' not in page


def test_many_tags_and_metadata(pages, model_id):
    tags = tuple(f"tag-{number}" for number in range(100))
    edit(pages.store, model_id, lambda record: {"tags": tags, "metadata": {"long": "x" * 20_000}})
    page = pages.html(f"/models/{model_id}")
    assert "88 more" in page
    assert all(f'data-untag="tag-{number}"' in page for number in range(100))
    assert 'data-entry="edit"' not in pages.html(f"/models/{model_id}/metadata")


@pytest.mark.parametrize("text", ["\ud800", "\0", "\u202e" * 20, "é" * 900, "{{ 7 * 7 }}", "' OR 1=1 --"])
def test_texts_of_every_kind(pages, model_id, change, text):
    for body in (
        {"name": f"a{text}"},
        {"design": text},
        {"description": text},
        {"tags": {"add": [f"a{text}"]}},
        {"labels": {"add": {f"a{text}": 1}}},
        {"metadata": {"add": {f"a{text}": [text, {text: text}]}}},
    ):
        answer = pages.client.post(
            f"/models/{model_id}/edit",
            content=json.dumps(body),
            headers={
                "origin": ORIGIN,
                "x-csrf-token": pages.options.csrf,
                "content-type": "application/json",
            },
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["changed"]
    for tab in TABS:
        assert "49" not in pages.html(f"/models/{model_id}{tab}").partition("<h1")[2].partition("</h1>")[0]
        assert pages.get(f"/models/{model_id}{tab}.json").status_code == 200
    for tab in ("labels", "metadata"):
        assert pages.get(f"/models/{model_id}/{tab}.csv").status_code == 200


def test_a_store_that_means_harm(pages, model_id):
    long, task_id = "x" * 1_000_000, pages.store.head(model_id).task_id
    with pages.store._writing() as connection:
        own = schema.models.c.id == model_id
        facts = {"name": long, "project": long, "framework": long, "comment": long, "design": long * 2}
        many = {f"l{number}": number for number in range(200_000)}
        tags = [long, *(f"t{number}" for number in range(2_000))]
        connection.execute(
            update(schema.models).where(own).values(**facts, labels=many, tags=tags, metadata={long: long})
        )
        connection.execute(update(schema.tasks).values(name=long, user=long, script=long, argv=[long]))
    tabs = ("", "/snapshots", "/network", "/labels", "/metadata", "/lineage", "/scalars", "/plots")
    for path in (
        *(f"/models/{model_id}{tab}" for tab in tabs),
        f"/tasks/{task_id}",
        f"/models?view=split&model={model_id}",
    ):
        assert len(pages.html(path)) < 4_000_000, path
    assert 'id="edit-design"' not in pages.html(f"/models/{model_id}/network")
    assert pages.html(f"/models/{model_id}").count("data-untag=") == 500
    lines = pages.get(f"/models/{model_id}/labels.csv").text
    assert lines.count("\r\n") == 200_001
    assert lines.endswith("l199999,199999\r\n")
