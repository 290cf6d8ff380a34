"""What people change on purpose."""

import math
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from autolog.errors import BadName, NotFound, Published
from autolog.store import NewModel, Selection, Store, create_model
from autolog.store.editing import alias, edit, metrics_of, publish, report, unalias
from autolog.store.removing import remove
from autolog.store.schema import aliases, described, metrics, models, snapshots, tagged

pytestmark = pytest.mark.core

_WRITERS = Path(__file__).with_name("editing_writers.py")


@pytest.fixture
def model(store, task):
    """The id of a model with two versions."""
    run = task()
    run.save("/x/m.pt", "blake3:1")
    run.save("/x/m.pt", "blake3:2")
    run.writer.ended(run.id, "completed", "", 200.0)
    (found,) = store.models()
    return found.id


def test_everything_that_may_change(store, model):
    wanted = {
        "name": "resnet",
        "project": "other",
        "comment": "good",
        "tags": ("b", "a"),
        "metadata": {"lr": 0.1, "set": "v3", "final": True, "none": None, "many": [1, {"a": 2}]},
        "labels": {"cat": 0},
        "design": "layers",
        "archived": True,
        "framework": "Keras",
    }
    before = store.model(model).updated
    found = edit(store, model, lambda now: wanted)
    again = store.model(model)
    for name, value in wanted.items():
        assert getattr(found, name) == getattr(again, name) == value
    assert found.versions == again.versions == 2
    assert again.updated > before
    assert store.count_models(Selection(where='meta.lr = 0.1 and "a" in tags', archived=True)) == 1
    edit(store, model, lambda now: {"tags": ("c",), "metadata": {}})
    assert store.count_models(Selection(where='meta.lr = 0.1 or "a" in tags', archived=None)) == 0


def test_nothing_that_changes_changes_nothing(store, model):
    before = store.model(model)
    assert edit(store, model, lambda now: {"comment": now.comment}).updated == before.updated
    with pytest.raises(ZeroDivisionError):
        edit(store, model, lambda now: {"comment": 1 / 0})
    assert store.model(model) == before


def test_what_is_published_keeps_its_weights_design_and_labels(store, model):
    edit(store, model, lambda now: {"labels": {"cat": 0}, "design": "layers"})
    assert publish(store, model).status == "published"
    assert publish(store, model).status == "published"
    assert store.task(store.model(model).task_id).status == "published"
    for change in (
        {"labels": {"cat": 1}},
        {"design": "x"},
        {"framework": "x"},
        {"tags": ("t",), "labels": {}},
    ):
        with pytest.raises(Published, match="published"):
            edit(store, model, lambda now, change=change: change)
    assert store.model(model).tags == ()
    found = edit(store, model, lambda now: {"tags": ("t",), "metadata": {"a": 1}, "labels": {"cat": 0}})
    assert (found.tags, found.metadata, found.labels) == (("t",), {"a": 1}, {"cat": 0})


def test_a_task_that_runs_is_not_published(store, task):
    run = task()
    run.save("/x/m.pt", "blake3:1")
    (found,) = store.models()
    publish(store, found.id)
    assert store.task(run.id).status in ("running", "lost contact")


@pytest.mark.parametrize("name", ["", " ", "\n", "x" * 10_000_000, None, 3])
def test_a_name_that_is_none(store, model, name):
    before = store.model(model)
    for column in ("name", "project"):
        with pytest.raises(BadName) as caught:
            edit(store, model, lambda now, column=column: {column: name})
        assert len(str(caught.value)) < 200
    assert store.model(model) == before


def test_aliases(store, model):
    alias(store, model, "best", 1)
    alias(store, model, "last", 2)
    assert store.model(model).aliases == {"best": 1, "last": 2}
    alias(store, model, "best", 2)
    assert store.model(model).aliases == {"best": 2, "last": 2}
    unalias(store, model, "last")
    assert store.model(model).aliases == {"best": 2}
    with pytest.raises(NotFound):
        unalias(store, model, "last")
    with pytest.raises(NotFound, match="v3"):
        alias(store, model, "best", 3)
    for name in ("v3", "", "a b", "a@b", "a:b", "-a", "_a", "x" * 200, "v1\n"):
        with pytest.raises(BadName):
            alias(store, model, name, 1)


def test_metrics(store, model):
    report(store, model, "loss", 0.5, 1)
    report(store, model, "loss", 0.25, 10)
    report(store, model, "loss", 0.3, 2)
    report(store, model, "loss", 0.4, 2)
    report(store, model, "final", float("inf"))
    report(store, model, "broken", float("nan"), 1)
    assert metrics_of(store, model) == [
        ("broken", 1, None), ("final", None, float("inf")),
        ("loss", 1, 0.5), ("loss", 2, 0.4), ("loss", 10, 0.25),
    ]  # fmt: skip
    assert store.count_models(Selection(where="loss = 0.25 and final > 1 and broken is none")) == 1


@pytest.mark.parametrize("joined", [" and ", " or "])
def test_the_longest_conditions_are_answered(store, model, joined):
    deep = "(" * 50 + "loss is none" + ")" * 50
    assert store.count_models(Selection(where=joined.join([deep, *["loss is none"] * 299]))) == 1
    many = ", ".join(str(number) for number in range(300))
    assert store.count_models(Selection(where=f"not versions in ({many})")) == 0


def test_what_is_shown_as_the_state_is_found_by_it(store, model):
    assert [each.standing for each in store.models()[0].snapshots] == ["at_path"]
    with store._writing() as connection:
        gone = update(snapshots).where(snapshots.c.version == 2).values(state="gone", keeping="kept")
        connection.execute(gone)
    assert store.models()[0].snapshots[0].standing == "kept"
    assert store.count_models(Selection(where="state = 'kept'")) == 1
    assert store.count_models(Selection(where="state = 'gone'")) == 0


def test_nobody_by_that_id(store):
    for change in (
        lambda: edit(store, "f" * 32, lambda now: {}),
        lambda: publish(store, "f" * 32),
        lambda: alias(store, "f" * 32, "best", 1),
        lambda: report(store, "f" * 32, "loss", 1.0),
    ):
        with pytest.raises(NotFound):
            change()


def test_it_all_goes_with_the_model(store, model):
    edit(store, model, lambda now: {"tags": ("t",), "metadata": {"a": 1}})
    alias(store, model, "best", 1)
    report(store, model, "loss", 1.0)
    first, _ = store.model(model).snapshots
    remove(store, [first.id])
    assert store.model(model).aliases == {}
    assert remove(store, [], [model]) == [model]
    assert store.models() == []


def test_what_an_older_store_has_is_found_too(url, store, model):
    with store._writing() as connection:
        for table in (tagged, described, aliases, metrics):
            table.drop(connection)
        connection.execute(update(models).values(tags=["t"], metadata={"lr": 0.5}))
        connection.execute(text("DELETE FROM migrations WHERE number >= 5"))
    store.close()
    again = Store.open(url)
    try:
        assert [each.id for each in again.models(Selection(where='meta.lr = 0.5 and "t" in tags'))] == [model]
    finally:
        again.close()


def test_only_what_changes_is_written_anew(store, model):
    """A row of a tag or of metadata that stays is left alone: each one that is written costs."""

    def places():
        with store._reading() as connection:
            place = "rowid" if connection.dialect.name == "sqlite" else "ctid"
            query = "SELECT {0}, {1} FROM {2} WHERE model_id = :id"
            return {
                table: dict(tuple(row) for row in connection.execute(
                    text(query.format(key, place, table)), {"id": model}))
                for table, key in (("tagged", "tag"), ("described", "key"))
            }  # fmt: skip

    tags = [f"tag {number}" for number in range(20)]
    values = {"a": 1, "b": "two", "c": None, "d": [1], "e": True, "f": math.nan, "g": "x\0y"}
    edit(store, model, lambda now: {"tags": tags, "metadata": values})
    before = places()
    edit(store, model, lambda now: {"tags": [*tags[1:], "another"], "metadata": {**values, "a": 2, "h": 3}})
    after = places()
    assert set(after["tagged"]) == {*tags[1:], "another"}
    assert {tag: after["tagged"][tag] for tag in tags[1:]} == {tag: before["tagged"][tag] for tag in tags[1:]}
    assert set(after["described"]) == {*values, "h"}
    same = set(values) - {"a", "g"}
    assert {key: after["described"][key] for key in same} == {key: before["described"][key] for key in same}
    assert store.count_models(Selection(where="meta.a = 2 and meta.h = 3")) == 1
    with store._reading() as connection:
        first = connection.execute(select(models.c.first_tag).where(models.c.id == model)).scalar_one()
    assert first == "another"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_writers_lose_nothing(store, url, model):
    done = subprocess.run(
        [sys.executable, str(_WRITERS), url, model, "10", "10"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = store.model(model)
    assert set(found.tags) == {f"tag {number}" for number in range(100)}
    assert found.metadata == {f"key {number}": number for number in range(100)}
    assert found.labels == {f"label {number}": number for number in range(100)}
    assert [(step, value) for _, step, value in metrics_of(store, model)] == [(n, n / 10) for n in range(100)]
    assert store.model(model).aliases == {f"alias{number}": 1 for number in range(100)}
    assert store.count_models(Selection(tags_all=["tag 0", "tag 99"], metadata={"key 7": 7})) == 1


@pytest.mark.slow
def test_publishing_and_editing_at_once_end_in_one_clear_state(url, store, model):
    other = Store.open(url)
    try:
        for turn in range(20):
            edit(store, model, lambda now, turn=turn: {"comment": f"{turn}"})
        refused = []
        begin = threading.Barrier(2)

        def write():
            begin.wait()
            for number in range(200):
                try:
                    edit(other, model, lambda now, number=number: {"labels": {"cat": number}})
                except Published:
                    refused.append(number)

        writer = threading.Thread(target=write)
        writer.start()
        begin.wait()
        publish(store, model)
        at_once = dict(store.model(model).labels)
        writer.join()
    finally:
        other.close()
    found = store.model(model)
    assert found.status == "published"
    # Whatever came before is in it, nothing after: the labels are those of the last that was not refused.
    assert found.labels == at_once
    assert refused == [*range(refused[0], 200)]
    assert found.labels == ({"cat": refused[0] - 1} if refused[0] else {})


def test_another_type_is_another_value(store):
    model_id = create_model(store, NewModel("m", "p"))
    for values in (
        {"a": 1, "deep": {"b": [1]}},
        {"a": True, "deep": {"b": [1]}},
        {"a": True, "deep": {"b": [1.0]}},
    ):
        edit(store, model_id, lambda now, values=values: {"metadata": values})
        assert repr(store.head(model_id).metadata) == repr(values)
