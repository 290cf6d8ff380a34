"""`autolog rm`."""

import os

import pytest

from autolog.keeping import verify
from autolog.store import NewModel, alias, create_model

pytestmark = pytest.mark.core


def versions_of(shelf, name="m"):
    return [each.version for each in shelf.snapshots(name)]


def test_a_version_and_its_bytes(autolog, versions, shelf):
    before = shelf.held()
    answer = autolog("rm", "m:v2", "--yes", "--json")
    assert (answer.status, answer.err) == (0, "")
    found = answer.json
    assert [each["version"] for each in found["removed"]] == [2]
    assert found["models"] == found["used_by"] == found["problems"] == []
    assert found["freed"] == before - shelf.held() > 50_000
    assert found["held"] == shelf.held()
    assert versions_of(shelf) == [1, 3, 4]
    assert autolog("restore", "m:v2").status == 4
    assert list(verify(shelf.kept, shelf.home, deep=True)) == []


@pytest.mark.parametrize("uri", ["true", "plain", ""])
def test_a_whole_model_but_no_file_at_its_own_path(autolog, shelf, tmp_path, uri):
    shelf.uri = str(tmp_path / "plain") if uri == "plain" else uri
    task = shelf.book.task("train")
    for number in range(3):
        shelf.save(task, "m.bin", os.urandom(1000), at=number)
    shelf.save(task, "ckpt", {"a.bin": b"1", "b.bin": b"2"}, base=f"{shelf.work}/ckpt/", at=9)
    answer = autolog("rm", "m", "--yes")
    assert answer.status == 0
    rows = [line.split() for line in answer.out.splitlines()]
    assert [row[4] for row in rows[1:4]] == ["v1", "v2", "v3"]
    assert [each["name"] for each in autolog("models", "--json").json] == ["train - ckpt"]
    assert (shelf.work / "m.bin").exists()
    if uri == "plain":
        left = [each.name for each in (tmp_path / "plain").rglob("*") if each.is_file()]
        assert sorted(left) == ["a.bin", "b.bin"]
    assert autolog("rm", "ckpt", "--yes").status == 0
    assert autolog("models", "--json").json == []
    assert (shelf.work / "ckpt" / "a.bin").exists()
    assert shelf.held() == 0
    if uri == "plain":
        assert not [each for each in (tmp_path / "plain").rglob("*") if each.is_file()]


def test_a_dry_run_changes_nothing_and_says_the_same(autolog, versions, shelf):
    forecast = autolog("rm", "m", "--dry-run", "--json").json
    assert versions_of(shelf) == [1, 2, 3, 4]
    assert "would be freed  20" in autolog("rm", "m", "--dry-run").out
    done = autolog("rm", "m", "--yes", "--json").json
    assert {**forecast, "dry_run": False} == done
    assert [each["name"] for each in done["models"]] == ["train - m"]


def test_what_another_task_has_loaded_is_refused(autolog, versions, shelf):
    book = shelf.book
    digests = [each.digest for each in shelf.snapshots("m")]
    book.load(book.task("evaluate", at=100), digests[1], "/elsewhere/m.bin", at=101)
    for name in ("m:v2", "m"):
        answer = autolog("rm", name, "--yes")
        assert answer.status == 9
        assert "train - m:v2 was loaded by task evaluate (" in answer.err
        assert "--force" in answer.err
        assert versions_of(shelf) == [1, 2, 3, 4]
    forecast = autolog("rm", "m:v2", "--dry-run", "--json")
    assert forecast.status == 0
    assert forecast.json["used_by"][0]["task"]["name"] == "evaluate"
    assert autolog("rm", "m:v1", "--yes").status == 0
    assert autolog("rm", "m:v2", "--yes", "--force").status == 0
    assert versions_of(shelf) == [3, 4]
    (given,) = autolog("show", "evaluate", "--json").json["inputs"]
    assert (given["name"], given["version"], given["digest"]) == ("train - m", None, None)
    assert autolog("rm", "m", "--yes").status == 9
    answer = autolog("rm", "m", "--yes", "--force")
    assert answer.status == 0
    assert "stays without versions" in answer.err
    assert versions_of(shelf) == []
    (model,) = autolog("models", "--json").json
    assert (model["versions"], model["snapshots"]) == (0, [])
    for command in (["show", "m"], ["show", "m", "--lineage"], ["show", "evaluate"], ["models"]):
        assert autolog(*command).status == 0
    assert autolog("restore", "m").status == 4


def test_what_the_task_itself_has_loaded_goes(autolog, versions, shelf):
    task = shelf.store.tasks()[0].id
    shelf.book.load(task, shelf.snapshots("m")[3].digest, str(shelf.work / "m.bin"))
    assert autolog("rm", "m:v4", "--yes").status == 0
    assert autolog("rm", "m", "--yes").status == 0
    assert autolog("show", "train", "--json").json["inputs"] == []


def test_what_is_published_is_refused(autolog, versions, shelf):
    with shelf.store._writing() as connection:
        connection.exec_driver_sql("UPDATE models SET status = 'published'")
    answer = autolog("rm", "m:v1", "--yes")
    assert answer.status == 9
    assert "is published" in answer.err
    assert autolog("rm", "m:v1", "--yes", "--force").status == 0


def test_names_must_be_exact(autolog, shelf):
    for name in ("one", "two"):
        shelf.save(shelf.book.task(name), f"{name}/m.bin", name.encode())
    answer = autolog("rm", "m", "--yes")
    assert answer.status == 5
    assert "2 models are called 'm'" in answer.err
    assert len(autolog("models", "--json").json) == 2
    model_id = shelf.store.find_model("two - m")[0]
    assert autolog("rm", model_id[:12], "one - m", "--yes").status == 0
    assert autolog("models", "--json").json == []
    assert autolog("rm", "nothing", "--yes").status == 4
    assert autolog("rm").status == 2


def test_nobody_is_there_to_confirm_it(autolog, versions, shelf):
    answer = autolog("rm", "m")
    assert answer.status == 2
    assert "--yes" in answer.err
    assert versions_of(shelf) == [1, 2, 3, 4]


def test_records_stay_while_their_files_cannot_be_taken_away(autolog, shelf, tmp_path):
    shelf.uri = str(tmp_path / "plain")
    shelf.save(shelf.book.task("train"), "m.bin", b"one")
    with shelf.store._writing() as connection:
        connection.exec_driver_sql("UPDATE places SET host = 'elsewhere', url = '/no/such/folder'")
    answer = autolog("rm", "m", "--yes")
    assert answer.status == 9
    assert "their records stay for now" in answer.err
    assert "on the machine elsewhere" in answer.err
    (snapshot,) = shelf.snapshots("m")
    assert (snapshot.keeping, snapshot.keeping_reason) == ("dropped", "removed by autolog rm")
    with shelf.store._writing() as connection:
        connection.exec_driver_sql(f"UPDATE places SET host = '{os.uname().nodename}', url = '{shelf.uri}'")
    assert autolog("rm", "m", "--yes").status == 0
    assert not [each for each in (tmp_path / "plain").rglob("*") if each.is_file()]


def test_what_is_inside_goes_with_the_last_that_has_it(autolog, story):
    digest = story.store.model(story.store.find_model("best")[0]).snapshots[1].digest
    assert story.store.contents(digest) is not None
    assert autolog("rm", "best:v2", "--yes", "--force").status == 0
    assert story.store.contents(digest) is None


def test_an_alias_of_one_of_two_models_of_a_name_is_ambiguous(autolog, shelf):
    for run in ("one", "two"):
        shelf.save(shelf.book.task(run), f"{run}/m.bin", os.urandom(1000))
    store = shelf.book.store
    for each in store.models():
        alias(store, each.id, "good", 1)
    answer = autolog("rm", "m@good", "--yes")
    assert answer.status == 5, answer.err
    assert "2 models are called 'm'" in answer.err
    assert store.counts()["snapshots"] == 2


def test_a_name_that_is_also_the_beginning_of_an_id(autolog, shelf):
    shelf.save(shelf.book.task("one"), "m.bin", os.urandom(1000))
    store = shelf.book.store
    beginning = store.find_model("m")[0][:4]
    named = create_model(store, NewModel(name=beginning, project="p"))
    # Reading takes what is called so, and removing asks.
    assert autolog("show", beginning, "--json").json["id"] == named
    answer = autolog("rm", beginning, "--yes")
    assert answer.status == 5, answer.err
    assert "the beginning of another's id" in answer.err
    assert autolog("rm", named, "--yes").status == 0
    assert [each.name for each in store.models()] == ["one - m"]
    assert autolog("rm", beginning, "--yes").status == 0
    assert store.models() == []
