"""The table of tasks: what it shows, and that its page, JSON and CSV are of one mind."""

import csv
import io
import re
import time
from datetime import datetime

import pytest
from filling import NOON, USERS
from sqlalchemy import insert

from autolog.store import TASK_FIELDS, schema

pytestmark = [pytest.mark.core, pytest.mark.slow]

STATUSES = ("completed", "failed", "running", "running", "killed")
TAGS = (["best"], [], ["best", "nightly"], ["+odd", "-odder"], ["nightly"], [])


def add_tasks(store, count=57):
    """Tasks of every status, some with models that they have made and loaded."""
    with store._writing() as connection:
        for number in range(count):
            status = STATUSES[number % len(STATUSES)]
            started = NOON - number * 900
            row = {
                "id": f"{number:08x}{'a' * 24}",
                "project": f"project {number % 3}",
                "name": f"{'Train' if number % 2 else 'tune'}-{number % 19}",
                "status": status,
                "reason": "it fell over" if status == "failed" else "",
                "started": started,
                "finished": None if status == "running" else started + number * 7.5,
                "heartbeat": time.time() if number % 4 == 2 else started + 20,
                "user": USERS[number % len(USERS)],
                "host": "box",
                "script": f"/data/script-{number}.py",
                "argv": ["train.py"],
                "cwd": "/data",
                "tags": TAGS[number % len(TAGS)],
                "comment": "100% sure" if number == 8 else "",
                "archived": number % 10 == 9,
                **{key: {} for key in ("git", "versions", "job", "hooks")},
            }
            connection.execute(insert(schema.tasks).values(row))


@pytest.fixture
def tasks(make_pages):
    pages = make_pages(40)
    add_tasks(pages.store)
    return pages


def rows(text):
    return re.findall(r'<tr data-id="(\w+)"', text)


def listed(pages, query=""):
    return pages.json(f"/tasks.json?all=1&{query}")


def test_page_json_and_csv_show_the_same(tasks):
    query = "status=failed&status=killed&sort=-duration,name"
    found = tasks.json(f"/tasks.json?{query}")
    assert rows(tasks.html(f"/tasks?{query}")) == [each["id"] for each in found["tasks"]]
    lines = list(csv.DictReader(io.StringIO(tasks.get(f"/tasks.csv?{query}").text)))
    assert [each["name"] for each in lines] == [each["name"] for each in found["tasks"]]
    assert [each["id"] for each in lines] == [each["id"] for each in found["tasks"]]
    assert found["total"] == len(lines) == len(listed(tasks, query))
    assert {each["status"] for each in found["tasks"]} == {"failed", "killed"}


@pytest.mark.parametrize("down", ["", "-"])
@pytest.mark.parametrize("field", TASK_FIELDS)
def test_going_through_the_pages_and_back(tasks, field, down):
    there, cursors, at = [], [], ""
    while at is not None:
        found = tasks.json(f"/tasks.json?sort={down}{field}&limit=10&page={at}")
        there.append([each["id"] for each in found["tasks"]])
        cursors.append(found["previous"])
        at = found["next"]
    flat = [each for page in there for each in page]
    assert len(flat) == len(set(flat)) == found["total"] == 55
    for number in range(len(there) - 1, 0, -1):
        found = tasks.json(f"/tasks.json?sort={down}{field}&limit=10&page={cursors[number]}")
        assert [each["id"] for each in found["tasks"]] == there[number - 1]
    assert found["previous"] is None


FILTERS = {
    "status=failed": lambda each: each["status"] == "failed",
    "status=lost contact": lambda each: each["status"] == "lost contact",
    "status=running": lambda each: each["status"] == "running",
    "project=project 1&project=project 2": lambda each: each["project"] in ("project 1", "project 2"),
    "user=ada": lambda each: each["user"] == "ada",
    "tag=best": lambda each: "best" in each["tags"],
    "tag=best&tag=nightly": lambda each: {"best", "nightly"} & set(each["tags"]),
    "tag=best&tag=nightly&tags=all": lambda each: {"best", "nightly"} <= set(each["tags"]),
    "tag=-best": lambda each: "best" not in each["tags"],
    "tag=%2B%2Bodd": lambda each: "+odd" in each["tags"],
    "tag=%2B-odder": lambda each: "-odder" in each["tags"],
    "started=2026-01-31T11:30..": lambda each: each["started"] >= "2026-01-31T11:30",
    "started=..2026-01-31T09:01": lambda each: each["started"] <= "2026-01-31T09:01",
    "q=TRAIN-1": lambda each: "train-1" in each["name"].lower(),
    "q=script-33": lambda each: "script-33" in each["script"],
    "q=100%25": lambda each: "100%" in each["comment"],
    "q=nothing-of-the-kind": lambda each: False,
    "status=failed&tag=-best&q=t": lambda each: each["status"] == "failed" and "best" not in each["tags"],
}


@pytest.mark.parametrize("query", FILTERS)
def test_filters(tasks, query):
    every = listed(tasks)
    expected = {each["id"] for each in every if FILTERS[query](each)}
    assert query.startswith("q=nothing") or 0 < len(expected) < len(every)
    found = tasks.json(f"/tasks.json?{query}&limit=200")
    assert {each["id"] for each in found["tasks"]} == expected
    assert found["total"] == len(expected)
    assert len(rows(tasks.html(f"/tasks?{query}&limit=200"))) == len(expected)


def test_the_status_is_the_one_that_the_task_page_shows(tasks):
    for each in listed(tasks)[:20]:
        assert tasks.json(f"/tasks/{each['id']}.json")["status"] == each["status"]


def test_what_is_archived_is_a_table_of_its_own(tasks):
    archived = listed(tasks, "archived=1")
    assert len(archived) == 5
    assert all(each["archived"] for each in archived)
    assert not {each["id"] for each in archived} & {each["id"] for each in listed(tasks)}
    text = tasks.html("/tasks?archived=1&status=failed")
    assert "Archived tasks" in text
    # Taking the filters away doesn't lead out of the archive.
    assert 'href="/tasks?archived=1" id="clear"' in text


def test_the_filter_panel_tells_how_many_there_are(tasks):
    text = tasks.html("/tasks/filters?user=ada")
    failed = sum(each["status"] == "failed" and each["user"] == "ada" for each in listed(tasks))
    assert re.search(rf'value="failed">.*?<span class="dim">{failed}</span>', text)
    assert 'aria-label="without nightly"' in text
    assert 'value="+-odder"' in tasks.html("/tasks/filters")


def test_models_in_and_out(tasks):
    found = {each["id"]: each for each in listed(tasks)}
    assert found[f"{0:032x}"]["output_count"] == 14
    with tasks.store._writing() as connection:
        connection.execute(
            insert(schema.inputs).values(
                task_id=f"{1:032x}", model_id=tasks.json("/models.json")["models"][0]["id"], name="x",
                framework="x", function="x", own=False, also_made_by=[], count=1, first_loaded=1.0,
            )
        )  # fmt: skip
    assert tasks.json("/tasks.json?sort=-in")["tasks"][0]["input_count"] == 1
    assert tasks.json("/tasks.json?sort=-out&limit=10")["tasks"][0]["output_count"] == 14


def test_durations(tasks):
    lines = {each["id"]: each for each in csv.DictReader(io.StringIO(tasks.get("/tasks.csv?all=1").text))}
    for each in listed(tasks):
        told = lines[each["id"]]["duration"]
        if each["finished"] is not None:
            ends = [datetime.fromisoformat(each[key].rstrip("Z")) for key in ("started", "finished")]
            assert float(told) == pytest.approx((ends[1] - ends[0]).total_seconds(), abs=0.01)
        else:
            assert (told == "") == (each["status"] == "lost contact")


@pytest.mark.parametrize(
    "query", ["sort=colour", "started=then", "page=x", "page=nW10", "sort=name&page=nWzEsMl0", "page=n"]
)
def test_nonsense_is_told_in_the_page_and_is_no_fault_of_ours(tasks, query):
    answer = tasks.get(f"/tasks?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert tasks.get(f"/tasks.json?{query}").status_code == 400
    assert tasks.get(f"/tasks.csv?{query}").status_code == 400
    assert tasks.get(f"/tasks/filters?{query}").status_code == 200


def test_addresses_are_put_right(tasks):
    answer = tasks.client.get("/tasks?q=&from.started=7d&to.started=", follow_redirects=False)
    assert answer.headers["location"] == "/tasks?started=7d.."
    assert tasks.html("/tasks?colour=red&meta.x=1&framework=PyTorch").count('class="chip"') == 0


def test_hostile_text_stays_text(make_pages):
    pages = make_pages(1)
    nasty = "<script>alert(1)</script>"
    with pages.store._writing() as connection:
        changed = schema.tasks.update().values(name=nasty, project=nasty, tags=[nasty, '"x"'], user=nasty)
        connection.execute(changed)
    for path in ("/tasks", "/tasks/filters", f"/tasks?tag={nasty}", f"/tasks/{0:032x}"):
        text = pages.html(path)
        assert nasty not in text
        assert "&lt;script&gt;" in text


def test_no_tasks(make_pages):
    pages = make_pages()
    assert "No tasks yet" in pages.html("/tasks")
    assert "No task is in the archive" in pages.html("/tasks?archived=1")
    assert "No task meets these filters" in pages.html("/tasks?status=failed")
    assert pages.json("/tasks.json")["tasks"] == []
    assert pages.json("/tasks.json?all=1") == []


def test_it_is_only_read(tasks):
    for path in ("/tasks", "/tasks.json", "/tasks.csv", "/tasks/filters"):
        assert tasks.post(path, {}).status_code == 405


@pytest.mark.slow
def test_on_postgresql(make_pages, postgres):
    pages = make_pages(40, url=postgres.url)
    add_tasks(pages.store)
    for field in TASK_FIELDS:
        test_going_through_the_pages_and_back(pages, field, "-")
    for query in FILTERS:
        test_filters(pages, query)
    test_the_filter_panel_tells_how_many_there_are(pages)
    test_models_in_and_out(pages)
