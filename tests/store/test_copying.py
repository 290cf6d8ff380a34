"""A store that moves: SQLite to PostgreSQL and back, every row of every table."""

import math

import pytest
from sqlalchemy import Column, ForeignKey, Integer, Table

from autolog.content import Chunk, to_recipe
from autolog.errors import StoreError
from autolog.events import Bound, Failed, FileFacts, Part, Saved, Skipped
from autolog.store import (
    ChangesRecord,
    ContentsRecord,
    Kept,
    Look,
    NewArtifact,
    NewFigure,
    NewFile,
    NewPack,
    Store,
    copy_store,
    record_artifact,
    report_figure,
)
from autolog.store.editing import alias, edit, report
from autolog.store.schema import metadata, snapshots
from autolog.store.schema_kept import holds
from autolog.store.types import Text


def tables():
    """All but the one that tells stores apart: a copy has an id of its own."""
    return [each for each in metadata.sorted_tables if each.name != "identity"]


def rows(store):
    """Every row of every table, and what NaN is told by."""
    with store._reading() as connection:
        return {
            table.name: [
                repr(dict(row))
                for row in connection.execute(table.select().order_by(*table.primary_key)).mappings()
            ]
            for table in tables()
        }


def keep(maker, event):
    """Bytes of a snapshot, as if they had been packed."""
    digest = b"\1" * 32
    chunk = Chunk(digest, 8, 10, 10, 4, b"\2" * 8, b"")
    kept = Kept(maker.store)
    place = kept.place("s3://bucket/packs")
    file = NewFile("", "d", 10, to_recipe([(digest, 10)]), [digest])
    assert kept.record(event.id, place.id, [file], NewPack("a.pack", 100, b"\3" * 32, [chunk]), 100)
    maker.writer.weighed(event.id, ["weights:blake3:1", "weights:blake3:2"])


def fill(task):
    """Something of everything."""
    maker, user = task("mäker \ud800\0"), task("user")
    inside = ContentsRecord(
        "zip", 1 << 40, (("w", (3, 4), "f32"),), {"loss": math.nan, "n": 10**30}, ("os.x",)
    )
    for number in range(450):  # more than are read at once
        maker.save(f"/x/m{number % 3}.pt", f"d{number}", inode=number % 3 + 1, contents=inside, design="a\nb")
    files = tuple(Part(f"{name}.bin", FileFacts(1, 90 + name, 10, 5, 5), name < 2) for name in range(3))
    folder = Saved(
        "e-folder", 900.0, "PyTorch", "f", "file", "/x/dir", files[0].facts, 30, parts=files, base="/x/dir/"
    )
    look = Look("whole", "/x/dir", key="/x/dir", stem="dir", parts=[(part, part.name) for part in files])
    maker.writer.saved(maker.id, folder, look)
    keep(maker, folder)
    user.load("/y/m.pt", "d7")
    user.load("/y/foreign.pt", "nobody's")
    user.writer.skipped(user.id, Skipped("e-s", "/x/%s", "array", "f"))
    user.writer.failed(user.id, Failed("e-f", 5.25, "here", "E: no", "Traceback\n  ..."))
    user.writer.bound(user.id, Bound("e-b", {"torch:save": "applied"}, {"torch": "2"}))
    model_id = maker.store.models()[0].id
    edit(maker.store, model_id, lambda now: {"tags": ("ä", "b\0"), "metadata": {"lr": 0.1, "ä": None}})
    report(maker.store, model_id, "loss", math.inf, 3)
    alias(maker.store, model_id, "best", 1)
    report_figure(maker.store, model_id, NewFigure("t", "s\0", "table", {"data": [{"ä": [None, 0.5]}]}, 1))
    place = Kept(maker.store).place("s3://bucket/packs")
    new = NewArtifact("ä\0", "json", place.id, "artifacts/ä", "d", 10, {"lr": 0.1}, "first\0")
    record_artifact(maker.store, maker.id, new)
    maker.writer.changes(
        maker.id, ChangesRecord("-a\n+ä\ud800\0\n", ("b\0",), ("ä",), cut_lines=1, cut_bytes=2)
    )
    maker.writer.ended(maker.id, "completed", "", 1234.5678901234567)
    with maker.store._writing() as connection:
        connection.execute(holds.insert().values(pack_id=1, task_id=user.id))
        connection.execute(snapshots.delete().where(snapshots.c.version == 4))  # ids have gaps


@pytest.fixture
def beside():
    """A table that this version doesn't know of yet, which refers to others and to itself."""
    table = Table(
        "later",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("snapshot_id", Integer, ForeignKey("snapshots.id")),
        Column("base_id", Integer, ForeignKey("later.id")),
        Column("note", Text),
    )
    yield table
    metadata.remove(table)


@pytest.fixture
def opened():
    """Opens stores, and closes them."""
    stores = []

    def make(url):
        stores.append(Store.open(url))
        return stores[-1]

    yield make
    for each in stores:
        each.close()


@pytest.fixture
def elsewhere(url, tmp_path, request):
    """A store's URL of the other kind."""
    if url.startswith("sqlite"):
        return request.getfixturevalue("postgres").url
    return f"sqlite:///{tmp_path}/elsewhere.db"


def test_there_and_back_nothing_is_lost(beside, store, task, elsewhere, tmp_path, opened):
    fill(task)
    with store._writing() as connection:
        beside.create(connection, checkfirst=True)
        connection.execute(beside.insert(), [{"snapshot_id": 5, "note": "odd \ud800\0", "base_id": None}])
        connection.execute(beside.insert(), [{"snapshot_id": None, "note": None, "base_id": 1}])
    before = rows(store)
    assert all(before.values())

    other = opened(elsewhere)
    counts = copy_store(store, other)
    # Measures follow from metrics.
    assert counts == {name: len(found) for name, found in before.items() if name != "measures"}
    assert rows(other) == before
    assert rows(store) == before

    back = opened(f"sqlite:///{tmp_path}/back.db")
    assert copy_store(other, back) == counts
    assert rows(back) == before


def test_writing_goes_on_where_it_stopped(store, task, elsewhere, opened):
    fill(task)
    [model] = [each for each in store.models() if each.name.endswith("m1")]
    other = opened(elsewhere)
    copy_store(store, other)
    run = type(task())(other)
    run.save("/x/new.pt", "new")
    run.load("/x/new.pt", "new")
    run.writer.skipped(run.id, Skipped("e-new", "/x/d.pt", "array", "f"))
    assert other.model(model.id) == store.model(model.id)
    with other._reading() as connection:
        ids = connection.execute(snapshots.select().with_only_columns(snapshots.c.id)).scalars().all()
    assert len(ids) == len(set(ids)) == store.counts()["snapshots"] + 1


def test_a_store_with_something_in_it_is_left_as_it_is(store, task, elsewhere, opened):
    fill(task)
    other = opened(elsewhere)
    run = type(task())(other, "there first")
    before = rows(other)
    with pytest.raises(StoreError, match=r"isn't empty \(there are tasks\)"):
        copy_store(store, other)
    assert rows(other) == before
    assert other.task(run.id).name == "there first"
    with pytest.raises(StoreError, match="isn't empty"):
        copy_store(store, store)


def test_a_copy_that_fails_leaves_nothing(store, task, elsewhere, opened):
    fill(task)
    other = opened(elsewhere)
    with other._writing() as connection:
        # The last table that is copied can't take it.
        last = tables()[-1]
        connection.exec_driver_sql(f"DROP TABLE {last.name}")
        connection.exec_driver_sql(f"CREATE TABLE {last.name} (something INTEGER)")
    with pytest.raises(StoreError) as caught:
        copy_store(store, other)
    assert other.name in str(caught.value)
    with other._reading() as connection:
        for table in tables()[:-1]:
            assert connection.execute(table.select()).first() is None


def test_an_empty_one_may_be_copied(store, elsewhere, opened):
    assert set(copy_store(store, opened(elsewhere)).values()) == {0}
