"""What the agent records: versions, renames, inputs by content, and nothing twice."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import create_engine, text

from autolog.errors import Ambiguous, NotFound, StoreError, StoreMissing
from autolog.events import Skipped
from autolog.store import ContentsRecord, Look, NewModel, Store, Writer, create_model
from autolog.store.migrations import NEWEST

pytestmark = pytest.mark.core


def models(store):
    """{name: [(version, digest, state, uri), ...]}"""
    found = {}
    for model in store.models():
        whole = store.model(model.id)
        found[model.name] = [(s.version, s.digest, s.state, s.uri) for s in whole.snapshots]
    return found


def test_saving_again_makes_the_next_version_and_marks_the_earlier_one_overwritten(store, task):
    run = task()
    run.save("/x/m.pt", "d1", inode=7)
    run.save("/x/m.pt", "d2", inode=7)
    assert models(store) == {
        "train - m": [(1, "d1", "overwritten", "/x/m.pt"), (2, "d2", "at_path", "/x/m.pt")]
    }


def test_a_save_that_is_recorded_after_a_later_one_was_written_over(store, task):
    # Ranks and threads are recorded in another order than they have saved in.
    one, other = task("one"), task("other")
    one.save("/x/m.pt", "d2", inode=7, created=2000.0)
    other.save("/x/m.pt", "d1", inode=7, created=1000.0)
    assert models(store) == {
        "one - m": [(1, "d2", "at_path", "/x/m.pt")],
        "other - m": [(1, "d1", "overwritten", "/x/m.pt")],
    }
    # Written elsewhere first: it may have been put there after the later one.
    task("moved").save("/x/tmp.pt", "d3", created=1500.0, at="/x/m.pt")
    assert models(store)["moved - tmp"] == [(1, "d3", "at_path", "/x/m.pt")]


def test_an_event_is_recorded_once_whoever_replays_it(store, task):
    run = task()
    event = run.save("/x/m.pt", "d1")
    run.writer.saved(run.id, event, Look("d1", "/x/m.pt", key="/x/m.pt", stem="m"))
    skip = Skipped("s-1", "/x/data.pt", "array", "torch:save")
    run.writer.skipped(run.id, skip)
    run.writer.skipped(run.id, skip)
    assert len(models(store)["train - m"]) == 1
    assert [(each.path, each.count) for each in run.record.skipped] == [("/x/data.pt", 1)]


def test_a_renamed_file_takes_its_versions_and_its_models_name_along(store, task):
    run = task()
    run.save("/x/best.pt", "d1", inode=7)
    last = run.save("/x/best.pt", "d2", inode=7)
    run.moved(last, "/x/final.pt")
    assert models(store) == {
        "train - final": [(1, "d1", "overwritten", "/x/final.pt"), (2, "d2", "at_path", "/x/final.pt")]
    }


def test_a_file_renamed_before_it_was_read_still_is_the_next_version(store, task):
    run = task()
    run.save("/x/best.pt", "d1", inode=7)
    run.save("/x/final.pt", "d2", inode=7)
    assert [version for version, *_ in models(store)["train - final"]] == [1, 2]


def test_temporary_names_end_as_versions_of_the_final_path(store, task):
    run = task()
    for number in range(1, 4):
        event = run.save(f"/x/tmp{number}.pt", f"d{number}")
        run.moved(event, "/x/final.pt")
    assert models(store) == {
        "train - final": [
            (1, "d1", "overwritten", "/x/final.pt"),
            (2, "d2", "overwritten", "/x/final.pt"),
            (3, "d3", "at_path", "/x/final.pt"),
        ]
    }


def test_a_version_that_is_put_in_place_late_keeps_its_turn(store, task):
    run = task()
    first = run.save("/x/tmp1.pt", "d1")
    run.save("/x/final.pt", "d2")
    run.save("/x/final.pt", "d3")
    run.moved(first, "/x/final.pt")
    assert [each[:3] for each in models(store)["train - final"]] == [
        (1, "d1", "overwritten"), (2, "d2", "overwritten"), (3, "d3", "at_path")
    ]  # fmt: skip


def test_a_published_model_is_not_changed_by_saving_over_its_path(store, url, task):
    run = task()
    run.save("/x/m.pt", "d1")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE models SET status = 'published'"))
    engine.dispose()
    run.save("/x/m.pt", "d2")
    assert sorted(len(store.model(each.id).snapshots) for each in store.models()) == [1, 1]
    assert {each.status for each in store.models()} == {"published", "draft"}


def test_a_load_is_found_by_content_whatever_its_name(store, task):
    maker = task("maker")
    maker.save("/x/m.pt", "d1", inode=7)
    user = task("user")
    user.load("/elsewhere/renamed.bin", "d1")
    user.load("/elsewhere/renamed.bin", "d1")
    [found] = user.record.inputs
    assert (found.model_name, found.version, found.own, found.count) == ("maker - m", 1, False, 2)
    assert found.path == "/elsewhere/renamed.bin"


def test_a_reused_path_never_gives_the_lineage_of_what_was_there_before(store, task):
    maker = task("maker")
    maker.save("/x/m.pt", "d1")
    user = task("user")
    user.load("/x/m.pt", "other bytes")
    [found] = user.record.inputs
    assert found.model_name != "maker - m"
    assert found.origin == "/x/m.pt"


def test_what_one_saved_oneself_is_no_parent(store, task):
    run = task()
    run.save("/x/m.pt", "d1")
    run.load("/x/m.pt", "d1")
    assert [each.own for each in run.record.inputs] == [True]


def test_of_several_makers_the_same_file_wins_then_the_path_then_the_newest(store, task):
    first, second, third = task("first"), task("second"), task("third")
    first.save("/x/a.pt", "d", inode=501)
    second.save("/x/b.pt", "d", inode=502)
    third.save("/x/c.pt", "d", inode=503)
    for path, inode, expected in (
        ("/y/moved.pt", 501, "first - a"),
        ("/x/b.pt", 999, "second - b"),
        ("/z/copy.pt", 998, "third - c"),
    ):
        user = task("user")
        user.load(path, "d", inode=inode)
        [found] = user.record.inputs
        assert found.model_name == expected
        assert len(found.also_made_by) == 2


def test_a_dataset_that_is_loaded_is_listed_as_skipped_and_no_model(store, task):
    run = task()
    run.load("/x/data.pt", "d", skip="array")
    assert run.record.inputs == ()
    assert [(each.path, each.rule) for each in run.record.skipped] == [("/x/data.pt", "loaded array")]
    assert store.models() == []


def test_many_skipped_paths_are_counted_by_folder(store, task):
    run = task()
    for number in range(230):
        run.writer.skipped(run.id, Skipped(f"s{number}", f"/x/cache/{number}.pt", "array", "torch:save"))
    found = {each.path: each.count for each in run.record.skipped}
    assert len(found) == 201
    assert found["/x/cache/*"] == 30


def test_undecodable_names_are_kept_readable(store, task):
    run = task()
    run.save(os.fsdecode(b"/x/m\xff\x00.pt"), "d1")
    [[snapshot]] = models(store).values()
    assert snapshot[3] == "/x/m\\xff\\x00.pt"


def test_what_is_inside_is_kept_once_for_equal_bytes(store, task):
    run = task()
    inside = ContentsRecord("torch zip", 3, (("w", (3,), "float32"),), {"epoch": 1}, ())
    run.save("/x/a.pt", "d", contents=inside)
    run.save("/x/b.pt", "d")
    for model in store.models():
        [snapshot] = store.model(model.id, tensors=True).snapshots
        assert snapshot.contents is not None
        assert snapshot.contents.tensors == (("w", (3,), "float32"),)
    assert Writer(store).has_contents("d")


def test_names(store, task):
    run = task("train")
    run.save("/x/resnet.pt", "d1")
    run.save("/x/resnet.pt", "d2")
    [model] = store.models()
    assert store.find_model("resnet") == (model.id, None)
    assert store.find_model("train - resnet:v2") == (model.id, 2)
    assert store.find_model(model.id[:6]) == (model.id, None)
    assert store.find_task("train") == run.id
    with pytest.raises(NotFound, match="v9"):
        store.find_model("resnet:v9")
    with pytest.raises(NotFound, match="autolog models"):
        store.find_model("nothing")
    task("a", "abcd1" + "0" * 27)
    task("b", "abcd2" + "0" * 27)
    with pytest.raises(Ambiguous) as caught:
        store.find_task("abcd")
    assert len(caught.value.candidates) == 2
    # Which ids there are is chance; what somebody has called something is not.
    named = task("abcd")
    assert store.find_task("abcd") == named.id
    other = create_model(store, NewModel(name=model.id[:5], project="p"))
    assert store.find_model(model.id[:5]) == (other, None)
    assert store.find_model(model.id[:6]) == (model.id, None)
    assert store.find_model(model.id) == (model.id, None)


@pytest.mark.slow
def test_twenty_processes_may_open_a_new_store_at_once(url):
    code = "import sys; from autolog.store import Store; Store.open(sys.argv[1]).close()"
    running = [subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE) for _ in range(20)]
    failed = [each.communicate()[1] for each in running]
    assert [each.returncode for each in running] == [0] * 20, failed
    engine = create_engine(url)
    with engine.connect() as connection:
        marks = connection.execute(text("SELECT number FROM migrations ORDER BY number")).scalars().all()
    assert marks == list(range(1, NEWEST + 1))
    engine.dispose()


def test_a_store_of_a_newer_version_is_refused_with_what_to_do(url):
    Store.open(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO migrations VALUES (999)"))
    engine.dispose()
    with pytest.raises(StoreError, match="pip install -U autolog-models"):
        Store.open(url)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("sqlite:///{tmp}/none.db", StoreMissing),
        ("nonsense", StoreError),
        ("sqlite://", StoreError),
        ("no_such_database://host/x", StoreError),
        ("mysql://host/x", StoreError),
        ("sqlite:///{tmp}", StoreError),
    ],
)
def test_a_bad_url_is_a_clear_error(tmp_path, bad, error):
    with pytest.raises(error) as caught:
        Store.open(bad.format(tmp=tmp_path), create=False)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path):
    (tmp_path / "autolog.db").write_bytes(b"this is not a database, just some text" * 100)
    with pytest.raises(StoreError, match="can't be used"):
        Store.open(f"sqlite:///{tmp_path}/autolog.db")


def test_a_store_of_the_first_version_is_brought_up_to_date(url):
    store = Store.open(url)
    with store._writing() as connection:
        connection.execute(text("DROP TABLE parts"))
        connection.execute(text("DELETE FROM migrations WHERE number > 1"))
    store.close()
    store = Store.open(url)
    with store._reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM parts")).scalar() == 0
        assert connection.execute(text("SELECT max(number) FROM migrations")).scalar() == NEWEST
    store.close()
