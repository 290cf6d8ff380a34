"""`autolog gc`."""

import json
import os
import time

import pytest

from autolog.keeping import restore, verify
from autolog.store import alias, edit, newest_of_tagged, report, unalias

pytestmark = [pytest.mark.core, pytest.mark.slow]

MEGABYTE = 1 << 20


@pytest.fixture
def series(shelf):
    """Six versions of `m`, each of bytes of its own; of `old`, one."""
    task = shelf.book.task("train")
    shelf.save(task, "old.bin", os.urandom(5_000))
    for number in range(6):
        shelf.save(task, "m.bin", os.urandom(50_000), at=number + 1)
    return shelf


def kept(shelf, name="m"):
    return [each.version for each in shelf.snapshots(name) if each.keeping == "kept"]


def test_nothing_is_given_up_by_default(autolog, series):
    before = series.held()
    answer = autolog("gc", "--json")
    assert (answer.status, answer.err) == (0, "")
    found = answer.json
    assert (found["dropped"], found["freed"], found["held"]) == ([], 0, before)
    assert kept(series) == [1, 2, 3, 4, 5, 6]


def test_the_last_versions_stay_and_the_bytes_of_others_are_freed(autolog, series, tmp_path):
    before = series.held()
    forecast = autolog("gc", "--keep-last", "2", "--dry-run", "--json").json
    assert series.held() == before
    assert kept(series) == [1, 2, 3, 4, 5, 6]
    done = autolog("gc", "--keep-last", "2", "--yes", "--json").json
    assert [each["version"] for each in done["dropped"]] == [1, 2, 3, 4]
    assert {each["name"] for each in done["dropped"]} == {"train - m"}
    assert done["freed"] == before - series.held() > 200_000
    assert done["held"] == series.held()
    assert {**forecast, "dry_run": False} == done
    assert kept(series) == [5, 6]
    assert kept(series, "old") == [1]
    assert series.snapshots("m")[0].keeping_reason == "autolog gc: not among the last 2 versions"
    assert (series.work / "m.bin").exists()
    assert list(verify(series.kept, series.home, deep=True)) == []
    for each in series.snapshots("m")[4:]:
        restore(each, series.kept, series.home, str(tmp_path / f"out{each.version}"))
    answer = autolog("restore", "m:v1", str(tmp_path / "out"))
    assert answer.status == 4
    assert "not among the last 2 versions" in answer.err


def test_what_is_told(autolog, series):
    answer = autolog("gc", "--keep-last", "2", "--dry-run")
    rows = [line.split() for line in answer.out.splitlines()]
    assert [row[4] for row in rows[1:5]] == ["v1", "v2", "v3", "v4"]
    assert "would be freed  200 kB" in answer.out or "would be freed  201 kB" in answer.out
    assert "would be held" in answer.out
    answer = autolog("gc", "--keep-last", "2", "--yes")
    assert "\nfreed       20" in answer.out
    assert "\nstill held  10" in answer.out


@pytest.mark.parametrize("uri", ["true", "plain"])
def test_a_dry_run_says_what_a_real_one_frees(autolog, shelf, tmp_path, uri):
    """Versions share most of what they are: packs go in part."""
    shelf.uri = uri if uri == "true" else str(tmp_path / "plain")
    task = shelf.book.task("train")
    # one chunk of its own for each, and what they have in common
    common = os.urandom(MEGABYTE)
    for number in range(4):
        shelf.save(task, "m.bin", common[: MEGABYTE // (number + 1)] + os.urandom(MEGABYTE), at=number)
    forecast = autolog("gc", "--keep-last", "1", "--dry-run", "--json").json
    done = autolog("gc", "--keep-last", "1", "--yes", "--json").json
    assert done["freed"] > 2 * MEGABYTE
    assert abs(done["freed"] - forecast["freed"]) < 0.001 * done["freed"]
    assert abs(done["held"] - forecast["held"]) < 0.001 * done["freed"]
    if uri == "plain":
        held = [each.stat().st_size for each in (tmp_path / "plain").rglob("*") if each.is_file()]
        assert done["held"] == sum(held)


def test_by_age_and_by_name(autolog, series):
    with series.store._writing() as connection:
        connection.exec_driver_sql(f"UPDATE snapshots SET created = {time.time()} WHERE version > 3")
    assert autolog("gc", "--older-than", "1d", "--model", "other*", "--yes").status == 0
    assert kept(series) == [1, 2, 3, 4, 5, 6]
    assert autolog("gc", "--older-than", "1d", "--keep-last", "5", "--model", "M", "--yes").status == 0
    assert kept(series) == [2, 3, 4, 5, 6]
    assert autolog("gc", "--older-than", "1d", "--yes").status == 0
    assert kept(series) == [4, 5, 6]
    assert kept(series, "old") == [1]
    assert series.snapshots("m")[1].keeping_reason == "autolog gc: older than 1 days"


def test_the_newest_stays_however_old(autolog, series):
    assert autolog("gc", "--older-than", "1min", "--yes").status == 0
    assert kept(series) == [6]


def test_what_is_needed_stays(autolog, series):
    book = series.book
    digests = [each.digest for each in series.snapshots("m")]
    book.load(book.task("evaluate", at=100), digests[1], "/elsewhere/m.bin", at=101)
    answer = autolog("gc", "--keep-last", "1", "--yes", "--json")
    assert kept(series) == [2, 6]
    assert [each["version"] for each in answer.json["spared"]] == [2]
    with series.store._writing() as connection:
        connection.exec_driver_sql("UPDATE models SET status = 'published'")
    task = book.task("train")
    series.save(task, "p.bin", os.urandom(100), at=1)
    series.save(task, "p.bin", os.urandom(100), at=2)
    with series.store._writing() as connection:
        connection.exec_driver_sql("UPDATE models SET status = 'published'")
    autolog("gc", "--keep-last", "1", "--yes")
    assert kept(series, "p") == [1, 2]


def test_the_bytes_of_an_input_stay_where_only_another_version_has_them(autolog, shelf):
    task = shelf.book.task("train")
    shelf.save(task, "m.bin", b"same" * 1000)
    shelf.save(task, "m.bin", b"other" * 1000, at=2)
    shelf.uri = ""
    digest = shelf.save(shelf.book.task("again", at=5), "x.bin", b"same" * 1000, at=6)
    shelf.book.load(shelf.book.task("evaluate", at=10), digest, str(shelf.work / "x.bin"), at=11)
    assert autolog("gc", "--keep-last", "1", "--yes").status == 0
    assert kept(shelf) == [1, 2]


def test_versions_of_a_running_task_stay(autolog, series):
    with series.store._writing() as connection:
        connection.exec_driver_sql(f"UPDATE tasks SET status = 'running', heartbeat = {time.time()}")
    answer = autolog("gc", "--keep-last", "1", "--yes", "--json")
    assert answer.json["dropped"] == []
    assert len(answer.json["spared"]) == 5


def test_the_configuration_is_the_default(autolog, series, tmp_path):
    (tmp_path / "work" / "autolog.toml").write_text('retention = {keep_last = 3, older_than = "1d"}')
    assert autolog("gc", "--keep-all", "--yes").status == 0
    assert kept(series) == [1, 2, 3, 4, 5, 6]
    assert autolog("gc", "--keep-all", "--keep-last", "3").status == 2
    assert autolog("gc", "--yes").status == 0
    assert kept(series) == [4, 5, 6]


@pytest.fixture
def measured(shelf):
    """Seven versions of `m`, of which the last two have no accuracy; `plain` has no metrics at all."""
    task = shelf.book.task("train")
    values = [0.1, 0.9, 0.5, None, 0.9]
    known = [{"accuracy": value, "val_loss": 1 - (value or 0)} for value in values]
    for number, metrics in enumerate([*known, {"val_loss": 0.5}, {}]):
        shelf.save(task, "m.bin", os.urandom(500), at=number + 1, metrics=metrics, iteration=10 * number)
        shelf.save(task, "plain.bin", os.urandom(500), at=number + 1)
    return shelf


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["--keep-best", "1", "--by", "max:accuracy"], [5, 7]),  # of equal ones the later; 7 is the newest
        (["--keep-best", "2", "--by", "max:accuracy"], [2, 5, 7]),
        (["--keep-best", "1", "--by", "accuracy"], [1, 7]),
        (["--keep-best", "1", "--by", "min:accuracy"], [1, 7]),
        (["--keep-best", "5", "--by", "max:accuracy"], [1, 2, 3, 5, 7]),  # 4 is NaN
        (["--keep-best", "3", "--by", "min:val_loss"], [2, 5, 6, 7]),
        (["--keep-best", "1", "--by", "max:accuracy", "--keep-last", "3"], [5, 6, 7]),
        (["--keep-best", "1", "--by", "max:accuracy", "--older-than", "1d"], [5, 7]),
        (["--keep-best", "1", "--by", "max:accuracy", "--model", "plain"], [1, 2, 3, 4, 5, 6, 7]),
    ],
    ids=str,
)
def test_the_best_stay(autolog, measured, arguments, left):
    answer = autolog("gc", "--yes", *arguments)
    assert (answer.status, answer.err) == (0, "")
    assert kept(measured) == left


def test_versions_without_the_metric_are_the_worst_and_the_later_ones_better(autolog, measured):
    assert autolog("gc", "--keep-best", "2", "--by", "max:accuracy", "--yes").status == 0
    assert kept(measured, "plain") == [6, 7]
    reasons = {each.keeping_reason for each in measured.snapshots("plain")[:5]}
    assert reasons == {"autolog gc: not among the best 2 by max:accuracy"}


def test_what_was_reported_at_its_iteration_counts_for_a_version(autolog, measured):
    store = measured.store
    model_id = store.find_model("plain")[0]
    report(store, model_id, "f1", 0.9, 3)  # plain's versions have no iteration
    assert autolog("gc", "--keep-best", "2", "--by", "max:f1", "--yes").status == 0
    assert kept(measured, "plain") == [6, 7]
    model_id = store.find_model("m")[0]
    task = measured.book.task("later", at=100)
    for number in range(4):
        measured.save(task, "n.bin", os.urandom(500), at=number + 101, iteration=number)
    model_id = store.find_model("n")[0]
    for number, value in enumerate([0.2, 0.8, 0.4, 0.1]):
        report(store, model_id, "f1", value, number)
    assert autolog("gc", "--keep-best", "1", "--by", "max:f1", "--model", "n", "--yes").status == 0
    assert kept(measured, "n") == [2, 4]


def test_the_best_by_configuration(autolog, measured, tmp_path):
    (tmp_path / "work" / "autolog.toml").write_text('retention = {keep_best = 1, by = "max:accuracy"}')
    assert autolog("gc", "--keep-best", "2", "--dry-run", "--json").status == 0  # by the same metric
    assert autolog("gc", "--yes").status == 0
    assert kept(measured) == [5, 7]


@pytest.mark.parametrize(
    "text",
    [
        "{keep_best = 3}",
        '{by = "loss"}',
        '{keep_best = 3, by = "min:"}',
        '{keep_best = 3, by = ""}',
        '{keep_best = 0, by = "loss"}',
        "{keep_best = 3, by = 1}",
        "{keep_last = 0}",
        "{keep_last = true}",
        '{older_than = "30"}',
        "{older_than = 30}",
        "{last = 3}",
        '"30d"',
    ],
)
def test_a_configuration_that_is_no_good(autolog, series, tmp_path, text):
    (tmp_path / "work" / "autolog.toml").write_text(f"retention = {text}")
    answer = autolog("gc", "--yes")
    assert answer.status == 2
    assert "retention" in answer.err
    assert "autolog.toml" in answer.err


def test_usage(autolog, series):
    assert autolog("gc", "--older-than", "soon").status == 2
    assert autolog("gc", "--keep-last", "0").status == 2
    assert autolog("gc", "--keep-best", "0", "--by", "loss").status == 2
    assert autolog("gc", "--keep-best", "1", "--by", "max:").status == 2
    assert "--by" in autolog("gc", "--keep-best", "1").err
    assert "--keep-best" in autolog("gc", "--by", "loss").err
    assert autolog("gc", "--keep-all", "--keep-best", "1", "--by", "loss").status == 2
    answer = autolog("gc", "--keep-last", "1")
    assert answer.status == 2
    assert "--yes" in answer.err
    assert kept(series) == [1, 2, 3, 4, 5, 6]


def test_somebody_at_the_terminal_is_asked(autolog, series, monkeypatch):
    import sys

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt="": "n")
    assert autolog("gc", "--keep-last", "1").status == 130
    assert kept(series) == [1, 2, 3, 4, 5, 6]
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt="": "y")
    assert autolog("gc", "--keep-last", "1").status == 0
    assert kept(series) == [6]


def test_a_place_that_cannot_be_reached_is_said(autolog, shelf, tmp_path):
    shelf.uri = str(tmp_path / "plain")
    task = shelf.book.task("train")
    for number in range(2):
        shelf.save(task, "m.bin", os.urandom(1000), at=number + 1)
    with shelf.store._writing() as connection:
        connection.exec_driver_sql("UPDATE places SET host = 'elsewhere', url = '/no/such/folder'")
    answer = autolog("gc", "--keep-last", "1", "--yes", "--json")
    assert answer.status == 3
    (problem,) = json.loads(answer.out)["problems"]
    assert "on the machine elsewhere" in problem
    with shelf.store._writing() as connection:
        connection.exec_driver_sql(f"UPDATE places SET host = '{os.uname().nodename}', url = '{shelf.uri}'")
    answer = autolog("gc", "--json")
    assert (answer.status, answer.json["freed"]) == (0, 1000)


def test_leftovers(autolog, series):
    left = series.packs()[0].with_name("deadbeef.pack")
    left.write_bytes(b"x" * 100)
    assert autolog("gc", "--json").json["leftovers"] == 0
    assert autolog("gc", "--leftovers-older-than", "0", "--dry-run", "--json").json["leftovers"] == 100
    assert left.exists()
    assert autolog("gc", "--leftovers-older-than", "0", "--json").json["freed"] == 100
    assert not left.exists()


@pytest.mark.parametrize("glob", [None, "m"])
def test_repacking(autolog, shelf, glob):
    import numpy as np

    random = np.random.default_rng(3)
    task = shelf.book.task("train")
    weights = random.standard_normal(300_000).astype(np.float32)
    for number in range(3):
        np.save("m.npy", weights + random.standard_normal(300_000).astype(np.float32) * 1e-6)
        with open("m.npy", "rb") as file:
            shelf.save(task, "m.npy", file.read(), at=number + 1)
    before = shelf.held()
    arguments = [] if glob is None else ["--model", glob]
    answer = autolog("gc", "--repack", "--json", *arguments)
    found = answer.json
    assert found["repacked"]["before"] == before
    assert found["repacked"]["after"] == found["held"] == shelf.held() < 0.8 * before
    assert found["repacked"]["packs"] == 2
    assert list(verify(shelf.kept, shelf.home, deep=True)) == []
    assert "repacked" in autolog("gc", "--repack", *arguments).out


def test_what_has_an_alias_or_a_tag_stays(autolog, series):
    store = series.book.store
    model_id = store.find_model("m")[0]
    alias(store, model_id, "good", 2)
    assert autolog("gc", "--keep-last", "1", "--yes").status == 0
    assert kept(series) == [2, 6]
    edit(store, model_id, lambda now: {"tags": ("best",)})
    unalias(store, model_id, "good")
    assert newest_of_tagged(store) == {series.snapshots("m")[-1].id}
    assert autolog("gc", "--keep-last", "1", "--yes").status == 0
    assert kept(series) == [6]


def test_what_stays_is_told_also_where_nothing_goes(autolog, series):
    for number in range(1, 5):
        assert autolog("alias", f"m:v{number}", f"a{number}").status == 0
    answer = autolog("gc", "--keep-last", "2", "--dry-run")
    assert answer.status == 0
    assert "4 more are kept: loaded by a task, with an alias, tagged, published" in answer.err
    assert "MODEL" not in answer.out
