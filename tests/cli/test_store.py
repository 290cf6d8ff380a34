"""`autolog store`."""

import pytest

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


def test_usage(autolog):
    assert autolog("store").status == 2
    assert autolog("store", "copy", "one").status == 2
    assert "PGPASSWORD" in autolog("store", "copy", "--help").out
