"""What is written comes back, and what is asked for is found, whatever it is and wherever the store is."""

import json
import math
import os
import random
import string

import pytest
from earlier import back_to_version_9, back_to_version_10
from sqlalchemy import insert, inspect, select, text

from autolog.errors import NotFound, StoreMissing, StoreRefused
from autolog.events import Failed, FileFacts, Loaded, Saved, Started
from autolog.store import (
    ContentsRecord,
    Kept,
    Look,
    Selection,
    Store,
    TaskFilters,
    TaskTable,
    Writer,
    edit_task,
    forget_task,
    search_tasks,
)
from autolog.store.schema import snapshots
from autolog.store.schema_kept import holds, packs, places

pytestmark = pytest.mark.core

#: Undecodable bytes, NUL, a lone surrogate that stands for no byte, an astral letter, what SQL finds special.
_ODD = os.fsdecode(b"/x/\xff\x00") + "\ud800" + "\U0001d4b3 %_\\'\"$1:v é"
_CLEAN = "/x/\\udcff\\x00\\ud800\U0001d4b3 %_\\'\"$1:v é"

_TASK = {
    **dict.fromkeys(("reason", "user", "host", "script", "cwd"), ""),
    **dict.fromkeys(("git", "versions", "job", "hooks"), "{}"),
    "project": "p",
    "name": "t",
    "status": "completed",
    "started": 1.0,
    "argv": "[]",
}


def test_odd_text_in_every_place_that_takes_text(store):
    writer = Writer(store)
    task_id = "a" * 32
    started = Started(
        task_id, 1.0, _ODD, _ODD, _ODD, (_ODD,), _ODD, _ODD, _ODD, tags=(_ODD,), git={"b": _ODD}
    )
    writer.started(started, 1.0)
    saved = Saved("e-1", 2.0, _ODD, _ODD, "file", _ODD, FileFacts(1, 2, 3, 4, 5), 3, model_type=_ODD)
    inside = ContentsRecord(_ODD, 1, ((_ODD, (1,), _ODD),), {_ODD: _ODD}, (_ODD,))
    look = Look("d", _ODD, key=_ODD, stem=_ODD, design=_ODD, labels={_ODD: 1}, contents=inside)
    writer.saved(task_id, saved, look)
    loaded = Loaded("e-2", 3.0, _ODD, _ODD, "file", _ODD, FileFacts(1, 3, 3, 4, 5), 3)
    writer.loaded(task_id, loaded, Look("other", _ODD, stem=_ODD, origin=_ODD))
    writer.failed(task_id, Failed("e-3", 4.0, _ODD, _ODD, _ODD))
    writer.ended(task_id, "failed", _ODD, 5.0)

    task = store.task(task_id)
    assert (task.project, task.name, task.cwd, task.reason) == (_CLEAN,) * 4
    assert (task.tags, task.git) == ((_CLEAN,), {"b": _ODD})
    [model] = [each for each in store.models() if each.task_id is not None]
    assert model.name == f"{_CLEAN} - {_CLEAN}"
    assert (model.key, model.design, model.framework, model.labels) == (_CLEAN, _CLEAN, _CLEAN, {_ODD: 1})
    [snapshot] = store.model(model.id, tensors=True).snapshots
    assert (snapshot.uri, snapshot.function) == (_CLEAN, _CLEAN)
    assert snapshot.contents.details == {_ODD: _ODD}
    assert snapshot.contents.dangerous == (_ODD,)
    assert store.find_model(model.name) == (model.id, None)
    [fault] = task.faults
    assert (fault.where, fault.error, fault.traceback) == (_CLEAN,) * 3
    # A second save there is found to be of the same model, by a key that was written otherwise.
    writer.saved(task_id, saved._replace(id="e-4"), look)
    assert len(store.model(model.id).snapshots) == 2


def test_odd_tags_of_tasks_are_counted_ordered_and_found_as_others_are(store, task):
    odd, edited, plain = (task(name) for name in ("odd", "edited", "plain"))
    wanted = {odd: (_ODD,), edited: (_ODD, "b"), plain: ("z",)}
    odd.writer.started(Started("f" * 32, 50.0, "digits", "first", "/x.py", tags=(_ODD, 3)), 50.0)
    for run, tags in wanted.items():
        edit_task(store, run.id, lambda record, tags=tags: {"tags": tags})
    assert store.task("f" * 32).tags == (_CLEAN, "3")
    table = TaskTable(store)
    assert {each.value: each.count for each in table.facets(TaskFilters())["tag"]} == {
        _CLEAN: 3, "3": 1, "b": 1, "z": 1
    }  # fmt: skip
    ordered = [each.id for each in table.page(TaskFilters(), [("tags", True)]).rows]
    assert (len(ordered), ordered[0]) == (4, plain.id)
    # Who looks for one gives it as he gave it before.
    found = table.page(TaskFilters(tags_all=(_ODD, "b")), []).rows
    assert [each.id for each in found] == [edited.id]
    assert {each.id for each in search_tasks(store, tags=[_ODD])} == {"f" * 32, odd.id, edited.id}


@pytest.mark.parametrize("before", ["as it is", "as version 9 left it"])
def test_whatever_kind_of_task_somebody_calls_it(store, url, before):
    if before == "as version 9 left it":
        back_to_version_9(store)
        with store._writing() as connection:
            values = {**_TASK, "id": "b" * 32, "tags": json.dumps([_ODD, "b"])}
            names, places = (
                ", ".join(f'"{name}"' for name in values),
                ", ".join(f":{name}" for name in values),
            )
            connection.execute(text(f"INSERT INTO tasks ({names}) VALUES ({places})"), values)
        Store.open(url).close()
        assert store.task("b" * 32).tags == (_CLEAN, "b")
        assert store.task("b" * 32).kind == "training"
        assert {each.value for each in TaskTable(store).facets(TaskFilters())["tag"]} == {_CLEAN, "b"}
    kind = "a search for the best learning rate, momentum and schedule"
    Writer(store).started(Started("a" * 32, 1.0, "p", "t", "/x.py", task_type=kind), 1.0)
    assert store.task("a" * 32).kind == kind
    edit_task(store, "a" * 32, lambda record: {"kind": kind * 20})
    assert store.task("a" * 32).kind == kind * 20


@pytest.mark.parametrize("before", ["as it is", "as version 10 left it"])
def test_what_tasks_hold_goes_with_them_and_with_packs(store, url, before):
    if before == "as version 10 left it":
        back_to_version_10(store)
        Store.open(url).close()
    for task_id in ("a", "b"):
        Writer(store).started(Started(task_id, 1.0, "p", "t", "/x.py"), 1.0)
        Writer(store).ended(task_id, "completed", "", 2.0)
    with store._writing() as connection:
        assert "snapshots_waiting" in {each["name"] for each in inspect(connection).get_indexes("snapshots")}
        place = connection.execute(insert(places).values(url="/x", host="")).inserted_primary_key[0]
        for number in (1, 2):
            row = {"id": number, "place_id": place, "name": f"{number}", "size": 1, "digest": b"d"}
            connection.execute(insert(packs).values(**row, created=1.0, doomed=True))
            for task_id in ("a", "b"):
                connection.execute(insert(holds).values(pack_id=number, task_id=task_id))
    Kept(store).forget(1)
    forget_task(store, "a")
    with store._reading() as connection:
        assert connection.execute(select(holds)).all() == [(2, "b")]


def test_numbers_that_json_has_no_word_for(store, task):
    details = {"loss": math.nan, "best": [math.inf, -math.inf], "steps": 10**30, "odd": [{"$float": "x"}]}
    task().save("/x/m.pt", "d", contents=ContentsRecord("zip", 1, (), details, ()))
    found = store.contents("d").details
    assert math.isnan(found["loss"])
    assert (found["best"], found["steps"]) == ([math.inf, -math.inf], 10**30)
    assert found["odd"] == details["odd"]
    with store._reading() as connection:
        text = connection.exec_driver_sql("SELECT CAST(details AS TEXT) FROM contents").scalar()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_numbers_beyond_64_bits_are_not_known_rather_than_an_error(store, task):
    run = task()
    inside = ContentsRecord("zip", 1 << 70, (), {}, ())
    run.save("/x/m.pt", "d", iteration=10**30, contents=inside)
    run.save("/x/m.pt", "d2", iteration=(1 << 63) - 1)
    [model] = store.models()
    first, second = store.model(model.id).snapshots
    assert (first.iteration, second.iteration) == (None, (1 << 63) - 1)
    assert first.contents.parameters is None


def test_very_long_paths_and_names(store, task):
    chance = random.Random(5)
    # As long as Linux takes, and nothing in it that could be compressed.
    path = "/" + "/".join("".join(chance.choices(string.printable[:62], k=200)) for _ in range(20))
    run = task("n" + path)
    run.save(path, "d1", inode=5)
    run.save(path, "d2", inode=5)
    [model] = store.models()
    assert (model.key, model.versions, store.find_model(model.name)[0]) == (path, 2, model.id)
    user = task("user")
    user.load(path, None)
    [found] = user.record.inputs
    assert (found.model_id, found.version) == (model.id, 2)


def test_names_are_ordered_and_compared_alike(store, task):
    names = ["b", "B", "a", "Z", "ä", "Ä", "_", "é", "a b", "aB", "ab"]
    run = task("t")
    for number, name in enumerate(names):
        run.save(f"/x/{name}.pt", f"d{number}")
    by_name = [each.name.removeprefix("t - ") for each in store.models(order="name")]
    assert by_name == sorted(names)
    assert [each.name.removeprefix("t - ") for each in store.models(order="-name")] == by_name[::-1]
    assert {each.name for each in store.models(Selection(name="T - b"))} == {"t - b", "t - B"}
    assert {each.name for each in store.models(Selection(name="t - Ä"))} == {"t - Ä"}
    assert {each.name for each in store.models(Selection(name="*_"))} == {"t - _"}
    assert {each.name for each in store.models(Selection(name="t - a?"))} == {"t - aB", "t - ab"}
    assert store.model(store.find_model("Z")[0]).name == "t - Z"
    assert store.model(store.find_model("z")[0]).name == "t - Z"
    with pytest.raises(NotFound):
        store.find_model("%")


def test_what_a_store_refuses_is_said_once_and_not_tried_again(store):
    with pytest.raises(StoreRefused):
        with store._writing() as connection:
            connection.execute(snapshots.insert().values(model_id="nobody", version=None))


def test_a_store_that_is_not_there_is_made_only_by_who_writes(url):
    with pytest.raises(StoreMissing):
        Store.open(url, create=False)
    Store.open(url).close()
    Store.open(url, create=False).close()


def test_a_reader_sees_one_moment_and_can_not_write(store, task):
    run = task()
    with store._reading() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM snapshots").scalar()
        run.save("/x/m.pt", "d")
        assert connection.exec_driver_sql("SELECT count(*) FROM snapshots").scalar() == before
    assert store.counts()["snapshots"] == before + 1
