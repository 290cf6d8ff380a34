"""What people do to models that they have selected."""

from contextlib import closing

import pytest
from sqlalchemy import insert

from autolog.store import Kept, Store, edit, publish, remove, schema

pytestmark = pytest.mark.core


def ids(pages, query="", count=3):
    return [each["id"] for each in pages.json(f"/models.json{query}")["models"]][:count]


def test_publish(pages):
    some = ids(pages, "?status=draft")
    answer = pages.act("publish", ids=[*some, "nobody"])
    assert answer["done"] == some
    assert [each["id"] for each in answer["failed"]] == ["nobody"]
    assert all(pages.store.head(each).status == "published" for each in some)


def test_archive_and_back(pages):
    some = ids(pages)
    assert pages.act("archive", ids=some)["changed"] == some
    assert set(some) <= {each["id"] for each in pages.json("/archive.json")["models"]}
    assert pages.act("archive", ids=some)["changed"] == []
    assert pages.act("restore", ids=some)["changed"] == some
    assert not any(pages.store.head(each).archived for each in some)


def test_tags_tell_what_an_undo_may_take_back(pages):
    has, *others = ids(pages, "?tag=best", 1) + ids(pages, "?tag=-best", 2)
    answer = pages.act("tag", ids=[has, *others], value=" best ")
    assert answer["done"] == [has, *others]
    assert answer["changed"] == others
    pages.act("untag", ids=answer["changed"], value="best")
    assert [("best" in pages.store.head(each).tags) for each in [has, *others]] == [True, False, False]
    assert pages.post("/models/actions/tag", {"ids": [has], "value": " "}).status_code == 400


def test_move(pages):
    some = ids(pages)
    pages.act("move", ids=some, value="elsewhere")
    assert {each["id"] for each in pages.json("/models.json?project=elsewhere")["models"]} == set(some)
    assert len(pages.act("move", ids=some, value="")["failed"]) == 3


def test_all_that_match_the_filter(pages):
    matching = {each["id"] for each in pages.json("/models.json?framework=Keras&all=1")}
    answer = pages.act("tag", all="/models?framework=Keras&sort=name", value="seen")
    assert set(answer["done"]) == matching
    assert {each["id"] for each in pages.json("/models.json?tag=seen&all=1")} == matching


def test_all_that_match_are_as_many_as_were_counted(pages):
    table = "/models?framework=Keras"
    count = pages.json("/models/touched.json?framework=Keras")["all"]
    other = ids(pages, "?framework=PyTorch&status=draft", 1)[0]
    edit(pages.store, other, lambda record: {"framework": "Keras"})
    answer = pages.post("/models/actions/publish", {"all": table, "expect": count})
    assert (answer.status_code, answer.json()["now"]) == (409, count + 1)
    assert f"{count + 1} models match by now, not {count}" in answer.json()["error"]
    assert pages.store.head(other).status == "draft"
    for wrong in (True, "3", 3.0, None):
        body = {"all": table, "expect": wrong}
        assert pages.post("/models/actions/publish", body).status_code == 400
    assert len(pages.act("publish", all=table, expect=count + 1)["done"]) == count + 1


@pytest.mark.parametrize("table", ["/models", "/archive"])
def test_what_others_take_away_is_counted_no_more(pages, home, table):
    """Nothing in the store tells of it but that it is gone."""
    before = pages.json(f"{table}/touched.json")["all"]
    oldest = pages.json(f"{table}.json?sort=updated&limit=10")["models"][0]["id"]
    with closing(Store.open(f"sqlite:///{home}/autolog.db")) as elsewhere:
        remove(elsewhere, (), [oldest], force=True)
    assert pages.json(f"{table}/touched.json")["all"] == before - 1


def test_deleting_needs_the_archive_and_says_who_uses_it(pages):
    (fresh,) = ids(pages, "?status=draft", 1)
    gone, used = ids(pages, "?status=draft", 3)[1:]
    pages.act("archive", ids=[gone, used])
    with pages.store._writing() as connection:
        other = f"{5:032x}"
        assert pages.store._model(connection, used).task_id != other
        connection.execute(
            insert(schema.inputs).values(
                task_id=other,
                model_id=used,
                name="x",
                framework="x",
                function="x",
                own=False,
                also_made_by=[],
                count=1,
                first_loaded=1.0,
            )
        )
    uses = pages.json(f"/models/uses.json?id={gone}&id={used}")["uses"]
    assert [each["model_id"] for each in uses] == [used]
    answer = pages.act("delete", ids=[fresh, gone, used])
    assert answer["done"] == [gone]
    why = {each["id"]: each["error"] for each in answer["failed"]}
    assert "not in the archive" in why[fresh]
    assert "train-00005" in why[used]
    assert pages.get(f"/models/{gone}").status_code == 404
    # With force its versions go; the record stays for those who loaded it.
    assert pages.act("delete", ids=[used], force=True)["failed"][0]["error"].startswith(
        "its versions are gone"
    )
    assert pages.store.model(used).snapshots == ()


@pytest.mark.parametrize(
    "body",
    [[], {}, {"ids": []}, {"ids": "x"}, {"ids": [1]}, {"ids": [""]}, {"all": "http://x"}, {"all": "/etc"}],
)
def test_what_means_nothing(pages, body):
    assert pages.post("/models/actions/archive", body).status_code == 400


def test_an_unknown_action(pages):
    assert pages.post("/models/actions/explode", {"ids": ["x"]}).status_code == 404


def test_no_json(pages):
    headers = {
        "origin": "http://127.0.0.1:8265",
        "x-csrf-token": pages.options.csrf,
        "content-type": "application/json",
    }
    for content in (b"", b"{", b"\xff", b"[" * 100_000):
        assert (
            pages.client.post("/models/actions/archive", content=content, headers=headers).status_code == 400
        )


def test_what_is_published_is_deleted_by_force_alone(pages):
    (kept,) = ids(pages, "?status=published", 1)
    (draft,) = ids(pages, "?status=draft", 1)
    pages.act("archive", ids=[kept, draft])
    assert pages.json(f"/models/uses.json?id={kept}&id={draft}")["published"] == 1
    answer = pages.act("delete", ids=[kept, draft])
    assert answer["done"] == [draft]
    assert [(each["id"], each["error"]) for each in answer["failed"]] == [(kept, "it is published")]
    assert pages.act("delete", ids=[kept], force=True)["done"] == [kept]


@pytest.mark.parametrize("change", ["restore", "publish"])
def test_what_changes_while_it_is_being_deleted_stays(pages, change, monkeypatch):
    """Somebody takes it out of the archive, or publishes it, after we have looked and before we delete."""
    first, second = ids(pages, "?status=draft", 2)
    pages.act("archive", ids=[first, second])
    changed = []
    give_up = Kept.give_up

    def late(kept, going, reason):
        if not changed:
            changed.append(first)
            if change == "restore":
                edit(pages.store, first, lambda record: {"archived": False})
            else:
                publish(pages.store, first)
        give_up(kept, going, reason)

    monkeypatch.setattr(Kept, "give_up", late)
    answer = pages.act("delete", ids=[first, second])
    assert changed
    assert answer["done"] == [second]
    why = {"restore": "not in the archive", "publish": "published"}[change]
    assert [each["id"] for each in answer["failed"]] == [first]
    assert why in answer["failed"][0]["error"]
    left = pages.store.model(first)
    assert left.snapshots
    assert all(each.keeping != "dropped" for each in left.snapshots)


def test_ids_that_no_database_can_hold(pages):
    headers = {
        "origin": "http://127.0.0.1:8265",
        "x-csrf-token": pages.options.csrf,
        "content-type": "application/json",
    }
    sent = rb'{"ids": ["\ud800", "\u0000", "a\u0000b"]}'
    answer = pages.client.post("/models/actions/archive", content=sent, headers=headers)
    assert answer.status_code == 200
    assert len(answer.json()["failed"]) == 3
