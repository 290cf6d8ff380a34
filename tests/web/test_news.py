"""What has come of a model or a task since its page was opened, while its task runs."""

import time

import pytest
from sqlalchemy import insert, update

from autolog.store import report, schema

pytestmark = [pytest.mark.core, pytest.mark.slow]


@pytest.fixture
def running(make_pages):
    """A model whose task runs; `pages.model` and `pages.task` are their ids."""
    pages = make_pages(3)
    record = next(each for each in pages.store.models() if each.task_id)
    pages.model, pages.task = record.id, record.task_id
    with pages.store._writing() as connection:
        own = update(schema.tasks).where(schema.tasks.c.id == pages.task)
        connection.execute(own.values(status="running", finished=None, heartbeat=time.time()))
    return pages


def mark(page):
    return page.partition('data-since="')[2].partition('"')[0]


def told(pages, path, since):
    return pages.json(f"{path}/news.json?since={since}")["text"]


def add_version(pages):
    version = pages.store.model(pages.model).versions + 1
    row = {
        "model_id": pages.model,
        "uri": "/x",
        "state": "gone",
        "reason": "",
        "function": "f",
        "metrics": {},
    }
    with pages.store._writing() as connection:
        values = {**row, "version": version, "event_id": f"e-{version}", "created": 1.0}
        connection.execute(insert(schema.snapshots).values(values))


def test_what_has_come(running):
    model, task = f"/models/{running.model}", f"/tasks/{running.task}"
    marks = {tab: mark(running.html(f"{model}{tab}")) for tab in ("", "/snapshots", "/scalars")}
    own = mark(running.html(task))
    assert own == mark(running.html(f"{task}/artifacts"))
    assert "data-since" not in running.html(f"{model}/labels")
    assert told(running, model, marks[""]) == told(running, task, own) == ""
    add_version(running)
    assert told(running, model, marks["/snapshots"]) == told(running, task, own) == "1 new version"
    add_version(running)
    report(running.store, running.model, "new metric", 0.5, 3)
    assert told(running, model, f"{marks['/scalars']}&of=scalars") == "2 new versions, new values"
    with running.store._writing() as connection:
        skip = {"task_id": running.task, "path": "/a", "rule": "array", "count": 1}
        connection.execute(insert(schema.skips).values(skip))
        ended = update(schema.tasks).where(schema.tasks.c.id == running.task)
        connection.execute(ended.values(status="failed"))
    assert told(running, task, own) == "2 new versions, 1 new path left alone, it has ended: failed"
    assert told(running, model, marks[""]) == "2 new versions, its task has ended"
    assert "data-since" not in running.html(task)
    assert "data-since" not in running.html(model)


@pytest.mark.parametrize("since", ["", "x", "1.2", "1." * 6 + "1", "-1.2.3", "9" * 500, "1.1e3.5"])
def test_marks_that_are_none(running, since):
    answer = running.json(f"/models/{running.model}/news.json?since={since}")
    assert (answer["text"], answer["running"]) == ("", True)
    assert mark(running.html(f"/models/{running.model}")) == answer["mark"]
    assert running.get("/models/nobody/news.json").status_code == 404
    assert running.get("/tasks/nobody/news.json").status_code == 404
