"""`autolog store`."""

import fcntl
import os
import time

import pytest

from autolog.content import Staging, item_facts
from autolog.store import Store

pytestmark = pytest.mark.core


def test_a_store_moves_to_postgresql_and_back(autolog, story, home, postgres, tmp_path):
    there = autolog("store", "copy", f"{home}/autolog.db", postgres.url)
    assert there.status == 0, there.err
    counts = dict(line.split() for line in there.out.splitlines())
    assert (counts["tasks"], counts["models"], counts["snapshots"]) == ("3", "3", "4")
    assert "set AUTOLOG_STORE to it" in there.err
    assert "postgresql+psycopg://postgres:***@127.0.0.1" in there.err
    assert postgres.password not in there.out + there.err
    for command in (["models"], ["tasks"], ["show", "best", "--tensors", "--lineage"], ["show", "evaluate"]):
        answers = [autolog(*command, "--json", *more) for more in ([], ["--store", postgres.url])]
        assert answers[0].json == answers[1].json
    back = autolog("store", "copy", "--json", postgres.url, str(tmp_path / "new" / "back.db"))
    assert back.status == 0
    assert back.json["rows"] == {name: int(count) for name, count in counts.items()}
    assert back.json["schema"] == 1
    assert postgres.password not in back.out + back.err
    assert (
        autolog("models", "--json").json
        == autolog("models", "--json", "--store", str(tmp_path / "new" / "back.db")).json
    )


def test_a_full_target_is_refused(autolog, story, home, tmp_path):
    other = Store.open(f"sqlite:///{tmp_path}/other.db")
    type(story)(other).task("there first")
    other.close()
    answer = autolog("store", "copy", f"{home}/autolog.db", f"{tmp_path}/other.db")
    assert (answer.status, answer.out) == (9, "")
    assert "isn't empty" in answer.err
    assert answer.err.count("\n") == 1


def test_a_source_that_is_not_there(autolog, tmp_path):
    answer = autolog("store", "copy", f"{tmp_path}/none.db", f"{tmp_path}/new.db")
    assert answer.status == 10
    assert not (tmp_path / "new.db").exists()


def test_what_is_still_written_is_said(autolog, book, home, tmp_path):
    import time

    task = book.task("busy")
    book.writer.ended(task, "running", "", 0)
    book.writer.heartbeat(task, time.time())
    answer = autolog("store", "copy", f"{home}/autolog.db", f"{tmp_path}/new.db")
    assert answer.status == 0
    assert "1 of its tasks still running" in answer.err


def test_what_both_stores_have_kept_in_one_home_stays(autolog, home, tmp_path, monkeypatch):
    """The copy is gone on with in the same home, whose content store has packs of both by then."""
    one, two = os.urandom(10_000), os.urandom(10_000)
    for name, data in (("one", one), ("two", two)):
        (tmp_path / f"{name}.bin").write_bytes(data)
    assert autolog("import", str(tmp_path / "one.bin"), "--keep").status == 0
    assert autolog("store", "copy", f"{home}/autolog.db", f"{tmp_path}/new.db").status == 0
    monkeypatch.setenv("AUTOLOG_STORE", f"sqlite:///{tmp_path}/new.db")
    assert autolog("import", str(tmp_path / "two.bin"), "--keep").status == 0
    for each in (home / "content").rglob("*"):
        os.utime(each, (time.time() - 7200,) * 2)
    for name in ("one", "two"):
        (tmp_path / f"{name}.bin").unlink()
    assert autolog("gc", "--dry-run", "--json").json["freed"] == 0
    answer = autolog("gc", "--json")
    assert (answer.status, answer.json["freed"]) == (0, 0)
    assert autolog("verify", "--deep").status == 0
    for name, data in (("one", one), ("two", two)):
        assert autolog("restore", name, str(tmp_path / f"{name}.back")).status == 0
        assert (tmp_path / f"{name}.back").read_bytes() == data


@pytest.fixture
def far(story, home, tmp_path):
    """Bytes of a version that wait for a place which only `autolog sync` goes to."""
    source = tmp_path / "weights"
    source.write_bytes(b"weights")
    staging = Staging(str(home / "waiting" / "far"), set())
    with open(source, "rb") as file:
        staging.add_whole("", file.fileno())
    facts = item_facts("the-task", f"sqlite:///{home}/autolog.db", "memory://far/away", "")
    return staging.finish({**facts, "event": "far", "path": "/data/m.bin", "time": 1.0})


def test_a_store_that_would_be_told_of_waiting_bytes_is_not_copied(autolog, far, home, tmp_path):
    answer = autolog("store", "copy", f"{home}/autolog.db", f"{tmp_path}/new.db")
    assert (answer.status, answer.out) == (9, "")
    assert "the bytes of 1 version wait" in answer.err
    assert "`autolog sync`" in answer.err
    assert str(home / "waiting") not in answer.err  # what is removed there is not given up in the store
    assert not (tmp_path / "new.db").exists()
    # those of another store don't matter
    other = Store.open(f"sqlite:///{tmp_path}/other.db")
    other.close()
    assert autolog("store", "copy", f"{tmp_path}/other.db", f"{tmp_path}/new.db").status == 0


def test_what_an_agent_is_at_is_left_to_it(autolog, far, home, tmp_path):
    spool = home / "spool" / "the-task"
    spool.mkdir(parents=True)
    with open(spool / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert autolog("store", "copy", f"{home}/autolog.db", f"{tmp_path}/new.db").status == 0


def test_usage(autolog):
    assert autolog("store").status == 2
    assert autolog("store", "copy", "one").status == 2
    assert "PGPASSWORD" in autolog("store", "copy", "--help").out
