"""The table of models: what it shows, and that its page, JSON and CSV are of one mind."""

import csv
import io
import json
import math
import re
import subprocess
import sys
import threading
from collections import Counter
from urllib.parse import parse_qsl, urlencode

import pytest
from sqlalchemy import insert, update

from autolog.store import Browsing, Filters, NewModel, create_model, edit, facets, matching, report, schema
from autolog.web.view import View

pytestmark = [pytest.mark.core, pytest.mark.slow]


def rows(text):
    return re.findall(r'<tr data-id="(\w+)"', text)


def test_page_json_and_csv_show_the_same(pages):
    query = (
        "?sort=-size,name&framework=PyTorch&framework=Keras&columns=name,size,metric.val_loss,meta.optimizer"
    )
    found = pages.json(f"/models.json{query}")
    assert rows(pages.html(f"/models{query}")) == [each["id"] for each in found["models"]]
    lines = list(csv.DictReader(io.StringIO(pages.get(f"/models.csv{query}").text)))
    assert list(lines[0]) == ["name", "size", "metric.val_loss", "meta.optimizer"]
    assert [each["name"] for each in lines] == [each["name"] for each in found["models"]]
    assert [int(each["size"]) for each in lines] == [each["snapshots"][0]["size"] for each in found["models"]]
    numbers = [each["numbers"]["metric.val_loss"] for each in found["models"]]
    assert [float(each["metric.val_loss"]) for each in lines] == numbers
    assert {each["framework"] for each in found["models"]} == {"PyTorch", "Keras"}


def test_all_that_match(pages):
    total = pages.json("/models.json")["total"]
    assert total == 118
    assert len(pages.json("/models.json?all=1")) == total
    assert len(list(csv.reader(io.StringIO(pages.get("/models.csv?all=1").text)))) == total + 1
    assert pages.json("/models.json?q=nothing-of-the-kind&all=1") == []


SORTS = [
    "-updated",
    "name",
    "-name",
    "framework,-updated",
    "project,-size",
    "user,task",
    "-task",
    "tags,-name",
    "status",
    "description,id",
    "-id",
    "-created",
    "-versions,name",
    "size",
    "digest",
    "-iteration",
    "-parameters",
    "-metric.val_loss",
    "min.accuracy",
    "-max.accuracy",
    "meta.epochs,-meta.optimizer",
    "meta.nothing",
    "metric.nothing,-name",
]


@pytest.mark.parametrize("sort", SORTS)
def test_going_through_the_pages_and_back(pages, sort):
    there, cursors, at = [], [], ""
    while at is not None:
        found = pages.json(f"/models.json?sort={sort}&limit=50&page={at}")
        there.append([each["id"] for each in found["models"]])
        cursors.append(found["previous"])
        at = found["next"]
    flat = [each for page in there for each in page]
    assert len(flat) == len(set(flat)) == 118
    assert [len(each) for each in there] == [50, 50, 18]
    for number in (2, 1):
        found = pages.json(f"/models.json?sort={sort}&limit=50&page={cursors[number]}")
        assert [each["id"] for each in found["models"]] == there[number - 1]
    assert found["previous"] is None


def test_what_isnt_there_comes_last(pages):
    for sort in ("tags", "-tags"):
        found = pages.json(f"/models.json?sort={sort}&all=1")
        has = [bool(each["tags"]) for each in found]
        assert has == sorted(has, reverse=True)
        assert not all(has)


def _folded(text):
    return None if text is None else "".join(c.lower() if c.isascii() else c for c in text)[:200]


def _newest(name):
    return lambda each: each["snapshots"][0][name] if each["snapshots"] else None


VALUES = {
    "updated": lambda each: each["updated"],
    "created": lambda each: each["created"],
    "id": lambda each: each["id"],
    "status": lambda each: each["status"],
    "versions": lambda each: each["versions"],
    "description": lambda each: each["comment"],
    "name": lambda each: _folded(each["name"]),
    "framework": lambda each: _folded(each["framework"]),
    "project": lambda each: _folded(each["project"]),
    "user": lambda each: _folded(each["user"]),
    "task": lambda each: _folded(each["task"]["name"]) if each["task"] else None,
    "tags": lambda each: _folded(min(each["tags"], default=None)),
    **{name: _newest(name) for name in ("size", "digest", "iteration", "parameters")},
}


def _in_order(found, sort):
    """Sorted as the address says, with what isn't there behind, and at last by id."""
    words = sort.split(",")
    ordered = sorted(found, key=lambda each: each["id"], reverse=words[-1].startswith("-"))
    for word in reversed(words):
        name, is_down = word.removeprefix("-"), word.startswith("-")
        values = [VALUES[name]] if name in VALUES else _measured(name)
        for value in values:
            there = [each for each in ordered if value(each) is not None]
            missing = [each for each in ordered if value(each) is None]
            ordered = sorted(there, key=value, reverse=is_down) + missing
    return ordered


def _measured(name):
    kind, _, key = name.partition(".")
    if kind != "meta":
        return [lambda each: each["numbers"].get(name)]
    # Numbers come before texts.
    return [
        lambda each: _folded(_only(each["metadata"].get(key), str)),
        lambda each: _only(each["metadata"].get(key), int),
    ]


def _only(value, kind):
    return value if isinstance(value, kind) else None


def _some_without(pages):
    """Models that lack this and that, beside the others."""
    for number in range(12):
        name = ("zeta", "Alpha", "älpha", "a" * 300 + str(number % 2))[number % 4]
        model_id = create_model(pages.store, NewModel(name, "p", tags=("Z",) if number % 2 else ()))
        if number % 3 == 0:
            report(pages.store, model_id, "val_loss", float("nan") if number == 6 else number / 10, number)
        # Answers tell milliseconds, by which none of these moments is like another.
        change = {"metadata": {"optimizer": number} if number % 2 else {}}
        edit(pages.store, model_id, lambda now, change=change: change, when=2e9 + number)
        with pages.store._writing() as connection:
            at = update(schema.models).where(schema.models.c.id == model_id).values(created=1e9 + number)
            connection.execute(at)


def test_the_order_is_what_it_says(pages):
    _some_without(pages)
    columns = "columns=name,metric.val_loss,metric.nothing,min.accuracy,max.accuracy"
    for sort in (*SORTS, "meta.optimizer,-name", "-meta.optimizer", "metric.val_loss,-size", "-digest,tags"):
        found = pages.json(f"/models.json?all=1&sort={sort}&{columns}")
        assert len(found) == 130
        # Python's reversed sort keeps those alike in their order, a database's id goes along.
        ids = [each["id"] for each in found]
        assert ids == [each["id"] for each in _in_order(found, sort)], sort


def test_going_back_over_what_isnt_there(pages):
    _some_without(pages)
    for sort in ("size,name", "-metric.val_loss,task", "meta.optimizer,-created", "-tags"):
        test_pages = [each["id"] for each in pages.json(f"/models.json?all=1&sort={sort}")]
        at, there = pages.json(f"/models.json?sort={sort}&limit=10"), []
        while at["next"]:
            there.append([each["id"] for each in at["models"]])
            at = pages.json(f"/models.json?sort={sort}&limit=10&page={at['next']}")
        assert [each for page in there for each in page] + [e["id"] for e in at["models"]] == test_pages
        for page in reversed(there):
            at = pages.json(f"/models.json?sort={sort}&limit=10&page={at['previous']}")
            assert [each["id"] for each in at["models"]] == page, sort


def one_of(**wanted):
    return lambda each: all(each[key] == value for key, value in wanted.items())


FILTERS = {
    "framework=PyTorch": one_of(framework="PyTorch"),
    "status=published": one_of(status="published"),
    "project=vision": one_of(project="vision"),
    "user=ada": one_of(user="ada"),
    f"task={1:032x}": lambda each: each["task"]["name"] == "train-00001",
    "tag=best": lambda each: "best" in each["tags"],
    "tag=best&tag=debug": lambda each: {"best", "debug"} & set(each["tags"]),
    "tag=best&tag=debug&tags=all": lambda each: {"best", "debug"} <= set(each["tags"]),
    "tag=-best": lambda each: "best" not in each["tags"],
    "tag=debug&tag=-best": lambda each: "debug" in each["tags"] and "best" not in each["tags"],
    "updated=2026-01-31T11:30..": lambda each: each["updated"] >= "2026-01-31T11:30",
    "updated=..2026-01-31T11:30": lambda each: each["updated"] <= "2026-01-31T11:30",
    "metric.val_loss=..0.2": lambda each: each["numbers"]["metric.val_loss"] <= 0.2,
    "max.accuracy=0.6..0.9": lambda each: 0.6 <= each["numbers"]["max.accuracy"] <= 0.9,
    "meta.epochs=5": lambda each: each["metadata"]["epochs"] == 5,
    "meta.optimizer=adam&meta.optimizer=sgd": lambda each: each["metadata"]["optimizer"] in ("adam", "sgd"),
    "size=500MB..1.2GiB": lambda each: 500e6 <= each["snapshots"][0]["size"] <= 1.2 * (1 << 30),
    "versions=2..": lambda each: each["versions"] >= 2,
    "versions=2..&size=500MB..&parameters=..300M": lambda each: (
        each["versions"] >= 2
        and each["snapshots"][0]["size"] >= 500e6
        and each["snapshots"][0]["parameters"] <= 300e6
    ),
    "iteration=100.5..1e300": lambda each: each["snapshots"][0]["iteration"] > 100,
    "parameters=..50M": lambda each: each["snapshots"][0]["parameters"] <= 50_000_000,
    "where=size%20%3E%20500MB": lambda each: each["snapshots"][0]["size"] > 500_000_000,
    "q=RESNET": lambda each: "resnet" in each["name"] or "resnet" in each["comment"],
    "q=the%20": lambda each: each["comment"],
    "q=net-0000[0-4]&re=1": lambda each: re.search("net-0000[0-4]", each["name"]),
    "q=%25": lambda each: False,
    "framework=PyTorch&q=bert&tag=-debug": lambda each: (
        each["framework"] == "PyTorch" and "bert" in each["name"] and "debug" not in each["tags"]
    ),
}


@pytest.mark.parametrize("query", FILTERS)
def test_filters(pages, query):
    columns = "columns=name,metric.val_loss,max.accuracy"
    every = pages.json(f"/models.json?all=1&{columns}")
    expected = {each["id"] for each in every if FILTERS[query](each)}
    found = pages.json(f"/models.json?{query}&limit=200&{columns}")
    assert {each["id"] for each in found["models"]} == expected
    assert found["total"] == len(expected)
    assert len(rows(pages.html(f"/models?{query}&limit=200"))) == len(expected)


def test_ids_are_searched(pages):
    model_id = pages.json("/models.json")["models"][7]["id"]
    assert [each["id"] for each in pages.json(f"/models.json?q={model_id[5:20]}")["models"]] == [model_id]


@pytest.mark.parametrize(
    "query",
    [
        "q=(&re=1",
        "q=(a|a|b)*$x(%3F!a)&re=1x",
        "metric.val_loss=low",
        "size=large",
        "updated=then",
        "where=size%20%3E",
        "sort=colour",
        "page=x",
        "page=nW10",
        "sort=name&page=nWzEsMl0",
    ],
)
def test_nonsense_is_told_in_the_page_and_is_no_fault_of_ours(pages, query):
    answer = pages.get(f"/models?{query}")
    assert answer.status_code in (200, 400)
    assert pages.get(f"/models.json?{query}").status_code in (200, 400)
    assert pages.get(f"/models.csv?{query}").status_code in (200, 400)
    if answer.status_code == 400:
        assert 'role="alert"' in answer.text


def test_a_regular_expression_that_takes_for_ever_is_given_up(pages):
    with pages.store._writing() as connection:
        connection.execute(update(schema.models).values(comment="a" * 60))
    answer = pages.client.get("/models", params={"q": "(a|a)*c$", "re": "1"})
    assert answer.status_code == 400
    assert "write a simpler expression" in answer.text


def test_a_search_that_was_stopped_half_way_says_so(pages, monkeypatch):
    monkeypatch.setattr(matching, "_MOST", 3)
    newest = pages.names()[:3]
    text = pages.html("/models?q=train&re=1")
    assert "The search was stopped" in text
    assert len(rows(text)) == 3
    found = pages.json("/models.json?q=train&re=1")
    assert (found["stopped"], [each["name"] for each in found["models"]]) == (True, newest)
    assert pages.json("/models.json?q=forest-000000&re=1")["stopped"] is False


def test_addresses_are_put_right(pages):
    answer = pages.client.get(
        "/models?q=&from.metric.val_loss=&to.metric.val_loss=0.5", follow_redirects=False
    )
    assert answer.headers["location"] == "/models?metric.val_loss=..0.5"
    answer = pages.client.get("/models?find.project=a&open=tag&user=ada", follow_redirects=False)
    assert answer.headers["location"] == "/models?user=ada"


def test_columns(pages):
    heads = re.findall(r'data-key="([^"]+)"', pages.html("/models"))
    assert heads == [
        "id",
        "framework",
        "name",
        "tags",
        "status",
        "project",
        "user",
        "task",
        "updated",
        "versions",
        "size",
        "digest",
        "iteration",
        "parameters",
    ]
    text = pages.html("/models?columns=description,max.accuracy,nonsense,meta.epochs")
    assert re.findall(r'data-key="([^"]+)"', text) == ["name", "description", "max.accuracy", "meta.epochs"]
    panel = pages.html("/models/columns")
    for offered in ("metric.val_loss", "min.accuracy", "meta.optimizer", "description"):
        assert f'value="{offered}"' in panel
    panel = pages.html("/models/columns?open=1&find.column=loss&column=size&column=name")
    assert re.findall(r'name="column" value="([^"]+)" checked', panel) == ["size", "name"]
    assert re.findall(r'name="column" value="([^"]+)">', panel) == [
        f"{n}.val_loss" for n in ("metric", "min", "max")
    ]
    chosen = pages.client.get("/models/columns?q=a&column=size&column=name", follow_redirects=False)
    assert chosen.headers["location"] == "/models?q=a&columns=size,name"


def test_the_filter_panel_tells_how_many_there_are(pages):
    found = pages.json("/models.json?all=1")
    text = pages.html("/models/filters?status=draft")
    published = sum(each["status"] == "published" for each in found)
    assert re.search(rf'value="published">.*?<span class="dim">{published}</span>', text)
    drafts = sum(each["status"] == "draft" and each["framework"] == "Keras" for each in found)
    assert re.search(rf'value="Keras">.*?<span class="dim">{drafts}</span>', text)
    for key in (
        "metric.val_loss",
        "min.val_loss",
        "max.val_loss",
        "updated",
        "versions",
        "size",
        "parameters",
    ):
        assert f'name="from.{key}"' in text
        assert f'name="to.{key}"' in text
    # What isn't counted at once has what is chosen all the same, for a form that is sent before it is.
    text = pages.html("/models/filters?tag=best&tag=-debug&meta.optimizer=adam&min.val_loss=..0.5")
    for chosen in ('name="tag" value="best" checked', 'value="-debug" checked', 'value="adam" checked'):
        assert chosen in text
    assert '<details class="ends" open>' in text


def test_counts_of_every_value(pages):
    _some_without(pages)
    everyone = pages.json("/models.json?all=1&columns=name,metric.val_loss,max.accuracy")
    browsing = Browsing(pages.store)
    for query, meets in FILTERS.items():
        view = View.of("/models", parse_qsl(query))
        if view.is_regex:
            continue
        filters = view.filters(0)
        for name, value in (
            ("framework", lambda each: [each["framework"]]),
            ("status", lambda each: [each["status"]]),
            ("project", lambda each: [each["project"]]),
            ("user", lambda each: [each["user"] or ""]),
            ("tag", lambda each: each["tags"]),
            ("meta.optimizer", lambda each: [str(v) for v in [each["metadata"].get("optimizer")] if v]),
        ):
            if name in query:
                continue  # by the others only
            chosen = [each for each in everyone if _meets(meets, each)]
            expected = Counter(each for model in chosen for each in value(model))
            found = {each.value: each.count for each in browsing.values(filters, name).values}
            assert found == expected, (query, name)


def _meets(meets, each):
    try:
        return meets(each)
    except (KeyError, IndexError, TypeError):
        return False  # it hasn't got what is asked for


def test_a_facet_goes_by_the_other_filters(pages):
    def counted(filters):
        names = ("framework", "status", "project", "user", "task", "tag", "meta.optimizer", "meta.epochs")
        return {name: browsing.values(filters, name) for name in names}

    browsing = Browsing(pages.store)
    everyone = counted(Filters())
    for key, values in (("framework", ("Keras",)), ("user", ("ada", "alan")), ("task", (f"{1:032x}",))):
        found = counted(Filters(facets={key: values}))
        assert found[key] == everyone[key]
        assert sum(each.count for each in found["status"].values) < 118
    assert counted(Filters(tags_all=("best",)))["tag"] == everyone["tag"]
    chosen = counted(Filters(metadata={"optimizer": ("adam",)}))
    assert chosen["meta.optimizer"] == everyone["meta.optimizer"]
    assert chosen["meta.epochs"] != everyone["meta.epochs"]


def test_values_beyond_the_first_hundred_are_searched(pages):
    some = [each["id"] for each in pages.json("/models.json?all=1")]
    for number, each in enumerate(some):
        changed = {
            "project": f"p{number:03}",
            "tags": (f"t{number:03}",),
            "metadata": {"k": f"Value {number:03}"},
        }
        edit(pages.store, each, lambda record, changed=changed: changed)
    for name, find, found in (
        ("project", "P11", [f"p11{n}" for n in range(8)]),
        ("tag", "t117", ["t117"]),
        ("meta.k", "value 10", [f"Value 10{n}" for n in range(10)]),
        ("task", "00003", [f"{3:032x}"]),
        ("status", "nothing", []),
    ):
        answer = pages.json(f"/models/values.json?of={name}&find.{name}={find}")
        assert [each["value"] for each in answer["values"]] == found
        assert (answer["all"], answer["of"]) == (True, name)
        if name not in ("task", "status"):
            assert not pages.json(f"/models/values.json?of={name}")["all"]
        text = pages.html(f"/models/filters?find.{name}={find}&{name}=chosen&open=tag")
        assert re.findall(rf'name="{re.escape(name)}" value="([^"-][^"]*)"', text) == ["chosen", *found]
        # What is chosen stays, whatever is looked for.
        text = pages.html(f"/models/values?of={name}&find.{name}={find}&{name}=chosen")
        assert re.findall(rf'name="{re.escape(name)}" value="([^"-][^"]*)" checked', text) == ["chosen"]
    assert "search for others" in pages.html("/models/values?of=tag")
    for path in ("/models/values", "/models/values.json?of=colour", "/archive/values?of=meta."):
        assert pages.get(path).status_code == 404


def test_more_projects_than_are_counted_together(pages, monkeypatch):
    together = Browsing(pages.store).values(Filters(facets={"user": ("ada",)}), "project")
    monkeypatch.setattr(facets, "_GROUPS", 3)
    assert Browsing(pages.store).values(Filters(facets={"user": ("ada",)}), "project") == together


def test_news(pages):
    before = pages.json("/models/news.json")["mark"]
    assert pages.json(f"/models/news.json?since={before}")["versions"] == 0
    older = int(before) - 5
    assert pages.json(f"/models/news.json?since={older}")["versions"] >= 4
    assert pages.json(f"/models/news.json?since={older}&q=nothing-of-the-kind")["versions"] == 0
    assert pages.get("/models/news.json?since=then").status_code == 400


def test_how_many_would_be_touched(pages):
    found = pages.json("/models/touched.json?framework=PyTorch")
    listed = pages.json("/models.json?framework=PyTorch&all=1")
    assert found["all"] == len(listed)
    assert found["drafts"] == sum(each["status"] == "draft" for each in listed)


def test_facets_are_asked_again_when_something_changes(pages):
    browsing = Browsing(pages.store)
    before = browsing.count(Filters())
    assert browsing.count(Filters()) == before
    pages.act("archive", ids=[pages.json("/models.json")["models"][0]["id"]])
    assert browsing.count(Filters()) == before - 1


def test_the_archive_is_a_table_of_its_own(pages):
    assert len(pages.names(base="/archive")) == 2
    assert not set(pages.names(base="/archive")) & set(pages.names("?limit=200"))
    assert "Archive" in pages.html("/archive")


def test_split_view(pages):
    model = pages.json("/models.json")["models"][3]
    text = pages.html(f"/models?view=split&model={model['id']}")
    assert model["snapshots"][0]["digest"] in text
    assert "Select a model" in pages.html("/models?view=split&model=gone")
    # Without scripts a tab is a link to the model's page.
    assert f'href="/models/{model["id"]}/snapshots"' in text
    text = pages.html(f"/models?view=split&model={model['id']}&tab=snapshots&sort=name")
    assert f'data-tab="/models/{model["id"]}/snapshots"' in text
    assert f"view=split&amp;model={model['id']}&amp;sort=name&amp;tab=network" in text
    text = pages.html(f"/models?view=split&model={model['id']}&tab=nonsense")
    assert "data-tab=" not in text


def test_whether_there_is_anything_to_download(pages, tmp_path):
    (first, second, *_) = pages.json("/models.json")["models"]
    told = pages.json(f"/models/{first['id']}/download.json")
    assert told["version"] is None
    assert "no bytes were kept" in told["why"]
    there = tmp_path / "model.pt"
    there.write_bytes(b"weights")
    with pages.store._writing() as connection:
        own = schema.snapshots.c.model_id == second["id"]
        at_path = {"uri": str(there), "state": "at_path", "size": len(b"weights")}
        connection.execute(update(schema.snapshots).where(own).values(**at_path))
        connection.execute(schema.snapshots.delete().where(schema.snapshots.c.model_id == first["id"]))
    assert pages.json(f"/models/{second['id']}/download.json")["version"] == second["versions"]
    assert "no versions" in pages.json(f"/models/{first['id']}/download.json")["why"]
    assert pages.get("/models/gone/download.json").status_code == 404


def test_a_model(pages):
    model = pages.json("/models.json")["models"][0]
    assert pages.json(f"/models/{model['id']}.json")["name"] == model["name"]
    assert model["name"] in pages.html(f"/models/{model['id']}")
    assert pages.get("/models/0000").status_code == 404


def test_pages_read_while_others_write(pages):
    errors = []

    def read():
        for _ in range(15):
            answer = pages.client.get("/models?sort=name")
            if answer.status_code != 200:
                errors.append(answer.text)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for each in readers:
        each.start()
    ids = [each["id"] for each in pages.json("/models.json?limit=200&all=1")]
    for number, each in enumerate(ids[:30]):
        pages.act("tag", ids=[each], value=f"t{number}")
    for each in readers:
        each.join()
    assert errors == []


@pytest.mark.slow
def test_on_postgresql(make_pages, postgres):
    pages = make_pages(120, url=postgres.url)
    for sort in SORTS:
        test_going_through_the_pages_and_back(pages, sort)
    for query in FILTERS:
        test_filters(pages, query)
    test_the_filter_panel_tells_how_many_there_are(pages)
    assert pages.get("/").status_code == 200


@pytest.mark.slow
def test_orders_and_counts_on_postgresql(make_pages, postgres):
    pages = make_pages(120, url=postgres.url)
    test_a_facet_goes_by_the_other_filters(pages)
    test_the_order_is_what_it_says(pages)


def test_import_autolog_brings_none_of_it():
    names = ("starlette", "uvicorn", "jinja2", "autolog.web")
    code = f"import autolog, autolog.cli._group, sys; print([m for m in {names} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []


def test_numbers_that_are_none_and_numbers_without_end(pages):
    some = [each["id"] for each in pages.json("/models.json")["models"]]
    edit(pages.store, some[0], lambda record: {"metadata": {"x": math.nan, "y": math.inf}})
    with pages.store._writing() as connection:
        # As an earlier version has written it.
        connection.execute(
            insert(schema.described),
            [{"model_id": some[1], "key": "x", "kind": "number", "text": None, "number": None}],
        )
    text = pages.html("/models/filters?open=meta.x&open=meta.y")
    assert 'name="meta.y" value="inf"' in text
    assert 'name="meta.x"' not in text
    for each in some[:25]:
        report(pages.store, each, "diverged", math.inf, 1)
    for each in some[25:30]:
        report(pages.store, each, "diverged", -math.inf, 1)
    for sort in ("metric.diverged", "-metric.diverged"):
        found, at = [], ""
        while at is not None:
            answer = pages.json(f"/models.json?sort={sort}&limit=10&page={at}")
            found += [each["id"] for each in answer["models"]]
            at = answer["next"]
        assert len(found) == len(set(found)) == pages.json("/models.json")["total"]
        assert set(found[:30]) == set(some[:30])


@pytest.mark.parametrize(
    "path", ["/models.json", "/models.csv", "/archive.json", "/tasks.json", "/tasks.csv"]
)
def test_an_export_of_nonsense_is_an_error_and_no_file(pages, path):
    answer = pages.get(f"{path}?all=1&sort=nonsense")
    assert answer.status_code == 400
    assert "content-disposition" not in answer.headers


def test_more_filters_than_a_database_takes(pages):
    many = "&".join(f"metric.m{number}=1&meta.k{number}=a" for number in range(1_200))
    for path in ("/models", "/models.json", "/models/filters"):
        assert pages.get(f"{path}?{many}").status_code == 200


def test_a_panel_of_very_many_keys(make_pages):
    pages = make_pages(10)
    (first, *_) = pages.json("/models.json")["models"]
    edit(pages.store, first["id"], lambda record: {"metadata": {f"k{n:04}": "a" for n in range(1_000)}})
    text = pages.html("/models/filters?meta.k0999=a")
    assert 150 < text.count('id="f-meta.') < 250
    assert 'id="f-meta.k0999"' in text


@pytest.mark.slow
def test_nothing_is_too_odd_for_postgresql(make_pages, postgres):
    pages = make_pages(60, url=postgres.url)
    for path in ("/models/%00", "/tasks/%00", "/models?status=%00", "/models?task=%00", "/models?user=%00"):
        assert pages.get(path).status_code in (200, 404), path
    test_numbers_that_are_none_and_numbers_without_end(pages)


@pytest.mark.parametrize("name", [" begins with a space", "ends with one ", "two\nlines"])
@pytest.mark.parametrize("key", ["project", "tag", "meta.note"])
def test_any_name_can_be_filtered_by(pages, key, name):
    """As the panel's form sends it, with line breaks as browsers write them there."""
    model_id = pages.json("/models.json")["models"][0]["id"]
    edit(pages.store, model_id, lambda _: {"project": name, "tags": (name,), "metadata": {"note": name}})
    sent = urlencode({key: name.replace("\n", "\r\n")})
    assert [each["id"] for each in pages.json(f"/models.json?{sent}")["models"]] == [model_id]


@pytest.mark.parametrize("key", ["project", "tag", "meta.note", "updated", "limit"])
def test_spaces_alone_are_no_filter(pages, key):
    assert pages.json(f"/models.json?{key}=%20%20")["total"] == pages.json("/models.json")["total"]
