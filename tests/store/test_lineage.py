"""The walk over tasks and models, with both databases."""

import sys
from pathlib import Path

import pytest

from autolog.errors import NotFound
from autolog.store import lineage_of, uses_of

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

pytestmark = pytest.mark.core


def names(found):
    return {each.name for each in found.tasks.values()}, {each.name for each in found.models.values()}


def test_up_and_down(store):
    from histories import chain

    ids = chain(store)
    found = lineage_of(store, model_id=ids["tuned"])
    tasks, models = names(found)
    assert tasks == {"prepare", "fine-tune", "distil", "evaluate 0", "evaluate 1", "evaluate 2"}
    assert {each[:5] for each in models} == {"base", "encod", "tuned", "small"}
    assert not found.is_cut
    tuned = found.models[ids["tuned"]]
    assert (tuned.newest, tuned.versions, tuned.digest[-2:]) == (3, 3, "03")
    own = [each for each in found.loads if each.own]
    assert [(each.model_id, each.version, each.count) for each in own] == [(ids["tuned"], 3, 2)]
    # What joins two of them is told though it is on no way through this model.
    assert (ids["distil"], ids["base"]) in {(each.task_id, each.model_id) for each in found.loads}
    assert {each.model_id for each in found.loads} <= set(found.models)
    # What else was made of the base is a cousin, and not its lineage.
    tasks, models = names(lineage_of(store, model_id=ids["encoder"]))
    assert "prepare" in tasks
    assert "fine-tune" in tasks


def test_of_a_task(store):
    from histories import chain

    ids = chain(store)
    tasks, models = names(lineage_of(store, task_id=ids["distil"]))
    assert tasks == {"prepare", "fine-tune", "distil", "evaluate 0", "evaluate 1", "evaluate 2"}
    assert "encoder" in models


def test_two_tasks_that_load_from_each_other(store):
    from histories import History

    history = History(store)
    one, other = history.task("one"), history.task("other")
    first, second = history.model("first", one, 2), history.model("second", other, 2)
    history.load(one, second)
    history.load(other, first)
    tasks, models = names(lineage_of(store, model_id=first))
    assert tasks == {"one", "other"}
    assert models == {"first", "second"}


def test_the_bound(store):
    from histories import fan

    root = fan(store, 30)
    assert len(lineage_of(store, model_id=root).tasks) == 31
    found = lineage_of(store, model_id=root, limit=10)
    assert found.is_cut
    assert len(found.tasks) <= 20
    assert len(lineage_of(store, model_id=root, limit=None).tasks) == 31


def test_the_tasks_of_a_model(store):
    from histories import chain

    ids = chain(store)
    rows = uses_of(store, ids["tuned"]).rows
    assert [(each.role, each.task_name) for each in rows[:2]] == [
        ("made", "fine-tune"),
        ("loaded", "evaluate 2"),
    ]
    assert rows[0].tags == ("best", "gpu")
    assert [each.version for each in rows if each.own] == [3]
    assert [each.role for each in uses_of(store, ids["base"]).rows] == ["loaded", "loaded"]


def test_nothing_of_that_id(store):
    for question in (lambda: lineage_of(store, model_id="x"), lambda: lineage_of(store, task_id="x")):
        with pytest.raises(NotFound):
            question()
    with pytest.raises(NotFound):
        uses_of(store, "x")


def test_a_task_that_made_very_many(store, task):
    maker = task("sweep")
    for number in range(12):
        maker.save(f"/x/m{number}.pt", f"d{number}")
    found = lineage_of(store, task_id=maker.id, limit=5)
    assert (len(found.models), found.is_cut) == (10, True)
    found = lineage_of(store, task_id=maker.id)
    assert (len(found.models), found.is_cut) == (12, False)
