"""Metrics that a framework knew when it saved: of versions, and as scalars of their models."""

import time

import pytest

from autolog.store import give, metrics_of, remove, report, take
from autolog.store.database import Store

pytestmark = pytest.mark.core


def the_model(store, name="m"):
    return store.model(store.find_model(name)[0])


def known(store, name="m"):
    """What is known of each version, and the scalars of the model."""
    model = the_model(store, name)
    return [each.metrics for each in model.snapshots], metrics_of(store, model.id)


def test_a_version_has_its_metrics_and_its_model_has_scalars_of_them(store, task):
    run = task()
    run.save("/x/m.pt", "d1", metrics={"loss": 0.5, "accuracy": 0.25}, iteration=10)
    run.save("/x/m.pt", "d2", metrics={"loss": 0.25, "accuracy": None}, iteration=20)
    run.save("/x/m.pt", "d3", iteration=30)
    assert known(store) == (
        [{"loss": 0.5, "accuracy": 0.25}, {"loss": 0.25, "accuracy": None}, {}],
        [("accuracy", 10, 0.25), ("accuracy", 20, None), ("loss", 10, 0.5), ("loss", 20, 0.25)],
    )


def test_without_an_iteration_the_newest_version_speaks_for_the_model(store, task):
    run = task()
    run.save("/x/m.pt", "d1", metrics={"loss": 0.5, "best": 1.0})
    run.save("/x/m.pt", "d2", metrics={"loss": 0.25})
    assert known(store)[1] == [("best", None, 1.0), ("loss", None, 0.25)]


def test_a_later_version_of_the_same_iteration_takes_the_place_of_an_earlier_one(store, task):
    run = task()
    run.save("/x/m.pt", "d1", metrics={"loss": 0.5}, iteration=1)
    run.save("/x/m.pt", "d2", metrics={"loss": 0.25}, iteration=1)
    assert known(store) == ([{"loss": 0.5}, {"loss": 0.25}], [("loss", 1, 0.25)])


def test_names_that_no_database_takes(store, task):
    run = task()
    names = ["lo\0ss", "a\ud800", "a\udfff"]
    run.save("/x/m.pt", "d1", metrics=dict.fromkeys(names, 0.5), iteration=1)
    versions, scalars = known(store)
    assert {name for name, _, _ in scalars} == set(versions[0])


def test_a_removed_version_takes_its_scalars_along(store, task):
    run = task()
    run.save("/x/m.pt", "d1", metrics={"loss": 0.5}, iteration=1)
    run.save("/x/m.pt", "d2", metrics={"loss": 0.25, "more": 1}, iteration=1)
    run.save("/x/m.pt", "d3", metrics={"loss": 0.125})
    run.save("/x/m.pt", "d4", metrics={"loss": 0.0})
    model = the_model(store)
    report(store, model.id, "own", 1.0, 1)
    remove(store, [model.snapshots[1].id, model.snapshots[3].id])
    assert known(store)[1] == [("loss", None, 0.125), ("loss", 1, 0.5), ("own", 1, 1.0)]
    remove(store, [], [model.id])
    assert metrics_of(store, model.id) == []


@pytest.mark.parametrize("iteration", [None, 3])
def test_what_was_reported_since_stays_when_a_version_is_removed(store, task, iteration):
    run = task()
    for digest, value in (("d1", 0.5), ("d2", 0.6), ("d3", 0.7)):
        run.save("/x/m.pt", digest, metrics={"auc": value, "loss": value}, iteration=iteration)
    model = the_model(store)
    report(store, model.id, "auc", 0.93, iteration)
    for gone in model.snapshots:
        remove(store, [gone.id])
        left = [("auc", iteration, 0.93)]
        if gone is not model.snapshots[-1]:
            left.append(("loss", iteration, 0.7))
        assert known(store)[1] == left


def test_what_was_reported_since_stays_when_a_version_is_put_in_place_late(store, task):
    run = task()
    first = run.save("/x/tmp1.pt", "d1", metrics={"auc": 0.5, "loss": 0.5})
    run.save("/x/final.pt", "d2", metrics={"auc": 0.6})
    report(store, the_model(store, "final").id, "auc", 0.93)
    run.moved(first, "/x/final.pt")
    assert known(store, "final")[1] == [("auc", None, 0.93), ("loss", None, 0.5)]


def test_a_later_save_takes_the_place_of_what_was_reported_before(store, task):
    run = task()
    run.save("/x/m.pt", "d1", metrics={"auc": 0.5})
    report(store, the_model(store).id, "auc", 0.93)
    moving = run.save("/x/tmp.pt", "d2", metrics={"auc": 0.6}, created=time.time() + 60)
    run.moved(moving, "/x/m.pt")
    assert known(store)[1] == [("auc", None, 0.6)]


def test_a_version_that_is_put_in_place_late_brings_its_metrics(store, task):
    run = task()
    first = run.save("/x/tmp1.pt", "d1", metrics={"loss": 0.5, "first": 1.0})
    run.save("/x/final.pt", "d2", metrics={"loss": 0.25})
    run.moved(first, "/x/final.pt")
    assert [each.digest for each in the_model(store, "final").snapshots] == ["d1", "d2"]
    assert known(store, "final")[1] == [("first", None, 1.0), ("loss", None, 0.25)]


def test_a_version_that_moves_away_leaves_the_scalars_of_the_others(store, task):
    run = task()
    run.save("/x/m.pt", "d1", inode=1, metrics={"loss": 0.5})
    moving = run.save("/x/m.pt", "d2", inode=2, metrics={"loss": 0.25})
    run.moved(moving, "/x/other.pt")
    assert known(store)[1] == [("loss", None, 0.5)]
    assert known(store, "other")[1] == [("loss", None, 0.25)]


def test_a_bundle_brings_them(store, task, tmp_path):
    run = task()
    run.save("/x/m.pt", "d1", metrics={"loss": 0.5, "nan": None}, iteration=3)
    found = give(store, [the_model(store).snapshots[0].id])
    found["snapshots"][0]["metrics"]["text"] = "a stranger's"
    other = Store.open(f"sqlite:///{tmp_path}/other.db")
    take(other, found, lambda path: False)
    assert known(other)[1] == [("loss", 3, 0.5), ("nan", 3, None)]
    other.close()
