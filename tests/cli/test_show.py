"""`autolog show`."""

import subprocess

import pytest

from autolog.store import ChangesRecord

pytestmark = pytest.mark.core


def test_a_model_with_all_its_versions(autolog, story):
    answer = autolog("show", "train - best")
    assert (answer.status, answer.err) == (0, "")
    assert "made by task  train (74726169)" in answer.out
    assert "design        Linear(4, 10) ... (--design shows it)" in answer.out
    versions = answer.out.partition("Versions\n")[2].partition("\n\n")[0].splitlines()
    assert [row.split()[0] for row in versions] == ["VERSION", "v1", "v2"]
    assert "overwritten" in versions[1]
    assert "at_path" in versions[2]
    inside = answer.out.partition("Inside v2\n")[2].partition("\n\n")[0]
    assert "torch zip" in inside
    assert "tensors     3" in inside
    used = answer.out.partition("Loaded by\n")[2].splitlines()
    assert [row.split()[1] for row in used[1:]] == ["train", "finetune"]
    assert "train (itself)" in used[1]


def test_metrics_of_versions(autolog, book):
    task = book.task("train")
    book.save(task, "/data/m.pt", at=1, iteration=1)
    known = {"loss": 0.25, "accuracy": 0.5, "val_loss": 1 / 3, "lr": 1e-05, "nan": None}
    book.save(task, "/data/m.pt", at=2, iteration=2, metrics=known)
    answer = autolog("show", "m")
    versions = answer.out.partition("Versions\n")[2].partition("\n\n")[0].splitlines()
    assert versions[0].split()[:3] == ["VERSION", "ITERATION", "METRICS"]
    assert versions[2].split()[2:5] == ["val_loss=0.333333,", "accuracy=0.5,", "loss=0.25"]
    whole = "metrics  val_loss=0.333333, accuracy=0.5, loss=0.25, lr=1e-05, nan=nan"
    assert whole in autolog("show", "m:v2").out
    assert "metrics  " not in autolog("show", "m:v1").out
    found = autolog("show", "m", "--json").json["snapshots"]
    assert [each["metrics"] for each in found] == [{}, known]


def test_captured_metrics_are_found_by_conditions(autolog, book):
    task = book.task("train")
    book.save(task, "/data/good.pt", at=1, iteration=1, metrics={"val_loss": 0.9})
    book.save(task, "/data/good.pt", at=2, iteration=2, metrics={"val_loss": 0.1})
    book.save(task, "/data/bad.pt", at=3, metrics={"val_loss": 0.1})
    book.save(task, "/data/bad.pt", at=4, metrics={"val_loss": 0.9})
    found = autolog("models", "--where", "val_loss < 0.2", "--json").json
    assert [each["name"] for each in found] == ["train - good"]


@pytest.mark.parametrize("name", ["best", "train - best", "best:v2", "model:best"])
def test_ways_to_name_a_model(autolog, story, name):
    assert autolog("show", name, "--json").json["name"] == "train - best"


def test_an_id_prefix(autolog, story):
    model_id, _ = story.store.find_model("best")
    assert autolog("show", model_id[:8], "--json").json["id"] == model_id
    assert autolog("show", f"{model_id[:8]}:v1").out.count("\nv") == 1


def test_why_a_version_is_lost(autolog, book):
    book.save(book.task("t"), "/w/m.pt", look={"digest": None, "lost": "it was overwritten before"})
    answer = autolog("show", "m:v1")
    assert "lost: it was overwritten before" in answer.out
    snapshot = autolog("show", "m", "--json").json["snapshots"][0]
    assert (snapshot["state"], snapshot["reason"]) == ("lost", "it was overwritten before")
    assert autolog("show", "m", "--tensors").status == 4


def test_tensors(autolog, story):
    answer = autolog("show", "best", "--tensors")
    rows = [row.split() for row in answer.out.splitlines()]
    assert rows == [
        ["NAME", "SHAPE", "TYPE"],
        ["fc.weight", "10x4", "float32"],
        ["fc.bias", "10", "float32"],
        ["steps", "scalar", "int64"],
    ]
    found = autolog("show", "best", "--tensors", "--json").json
    assert found["snapshots"][0]["tensors"] == []
    assert found["snapshots"][1]["tensors"][0] == {"name": "fc.weight", "shape": [10, 4], "dtype": "float32"}


def test_tensors_of_a_version_that_nobody_looked_into(autolog, story):
    answer = autolog("show", "best:v1", "--tensors")
    assert answer.status == 4
    assert answer.err.startswith("autolog: the tensors of 'train - best' are not known")


def test_design_stands_alone(autolog, story):
    assert autolog("show", "best", "--design").out == "Linear(4, 10)\nfor digits\n"
    assert autolog("show", "tuned", "--design").status == 4


def test_danger_is_told(autolog, story):
    answer = autolog("show", "tuned")
    assert answer.status == 0
    assert "os.system" in answer.err
    assert answer.err.count("\n") == 1


def test_a_task(autolog, story):
    answer = autolog("show", "train")
    assert answer.status == 0
    assert "status     completed" in answer.out
    assert "arguments  --epochs 3" in answer.out
    assert "git        c0ffeec0ffee on main, with uncommitted changes" in answer.out
    assert "hooks      1 of 2 applied (--hooks tells why)" in answer.out
    assert "train - best (its own)" in answer.out
    assert answer.out.partition("Not captured\n")[2].split()[3:6] == ["array", "1", "/data/batch.pt"]
    assert "not imported" in autolog("show", "train", "--hooks").out


def test_a_tasks_faults(autolog, story):
    assert "ValueError: no" in autolog("show", "evaluate").out
    task = autolog("show", "evaluate", "--json").json
    assert task["schema"] == 1
    assert task["faults"][0]["where"] == "look into a file"
    assert [each["own"] for each in task["inputs"]] == [False, False]


def test_options_for_the_other_kind_are_a_usage_error(autolog, story):
    assert autolog("show", "train", "--lineage").status == 2
    answer = autolog("show", "best", "--diff")
    assert answer.status == 2
    assert "--diff is for tasks" in answer.err


def test_the_difference_is_what_git_takes(autolog, story, tmp_path):
    train, evaluate = (b.encode().hex().ljust(32, "0") for b in ("train", "evaluate"))
    (tmp_path / "train.py").write_bytes(b"lr = 1\r\nprint(lr)\n")
    diff = (
        "diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n"
        "@@ -1,2 +1,3 @@\n-lr = 1\r\n+lr = 2\r\n print(lr)\n+\tprint('\x1b[31m')\n"
    )
    story.writer.changes(train, ChangesRecord(diff=diff))
    story.writer.changes(evaluate, ChangesRecord(diff=diff, cut_lines=4, cut_bytes=2048))
    answer = autolog("show", "train", "--diff")
    assert (answer.status, answer.err) == (0, "")
    (tmp_path / "changes.diff").write_bytes(answer.out.encode())
    subprocess.run(["git", "apply", "changes.diff"], cwd=tmp_path, check=True)
    assert (tmp_path / "train.py").read_bytes() == b"lr = 2\r\nprint(lr)\n\tprint('\x1b[31m')\n"
    assert "4 lines (2.0 kB) or more are left out" in autolog("show", "evaluate", "--diff").err
    nothing = autolog("show", "finetune", "--diff")
    assert nothing.status == 4
    assert "no changes of its repository" in nothing.err


def test_nothing_of_that_name(autolog, story):
    answer = autolog("show", "nothing")
    assert answer.status == 4
    assert answer.err == (
        "autolog: no model or task is called 'nothing'; list them with `autolog models` and `autolog tasks`\n"
    )
    assert "has no version v9" in autolog("show", "best:v9").err


def test_a_model_and_a_task_of_one_name(autolog, book):
    book.save(book.task("digits"), "/w/digits.pt")
    answer = autolog("show", "digits")
    assert answer.status == 5
    assert "model:digits or task:digits" in answer.err
    assert autolog("show", "model:digits", "--json").json["name"] == "digits - digits"
    assert autolog("show", "task:digits", "--json").json["name"] == "digits"


def test_ids_that_begin_alike(autolog, book):
    book.task("abc1")
    book.task("abc2")
    answer = autolog("show", "6162")
    assert answer.status == 5
    assert answer.err.startswith("autolog: 2 tasks have an id beginning with 6162")


def test_the_newest_of_one_name_is_taken_and_told(autolog, book):
    book.save(book.task("one"), "/w/best.pt", at=1)
    book.save(book.task("two"), "/x/best.pt", at=2)
    answer = autolog("show", "best", "--json")
    assert answer.json["name"] == "two - best"
    assert answer.err.startswith("autolog: 2 models are called 'best'; this is the newest, ")
    assert autolog("show", answer.json["id"][:8]).err == ""


def test_a_version_that_was_overwritten_but_kept_reads_as_kept(autolog, versions, shelf):
    answer = autolog("show", "m")
    rows = answer.out.partition("Versions\n")[2].partition("\n\n")[0].splitlines()
    assert "KEPT" in rows[0]
    assert " kept " in rows[1]
    assert "yes, 50." in rows[1]
    assert " at_path " in rows[4]
    assert "overwritten" not in answer.out
    found = autolog("show", "m", "--json").json["snapshots"]
    assert [each["state"] for each in found] == ["kept", "kept", "kept", "at_path"]
    assert {each["keeping"] for each in found} == {"kept"}
    assert {tuple(each["kept_at"]) for each in found} == {(f"{shelf.home}/content",)}
    assert all(each["stored"] > 50_000 for each in found)
    (listed,) = autolog("models", "--json").json
    assert listed["snapshots"][0]["kept_at"] == [f"{shelf.home}/content"]
    head, row = autolog("models").out.splitlines()
    assert row[head.index("KEPT") :].startswith("yes ")


def test_where_plain_files_are(autolog, shelf, tmp_path):
    shelf.uri = str(tmp_path / "plain")
    task = shelf.book.task("train")
    shelf.save(task, "m.bin", b"one")
    shelf.save(task, "ckpt", {"a.bin": b"1", "deep/b.bin": b"2"}, base=f"{shelf.work}/ckpt/", at=2)
    folder = f"{tmp_path}/plain/demo/train.{task[:12]}/models"
    (single,) = autolog("show", "m", "--json").json["snapshots"]
    assert single["kept_at"] == [f"{folder}/m/v1/m.bin"]
    (several,) = autolog("show", "ckpt", "--json").json["snapshots"]
    assert several["kept_at"] == [f"{folder}/ckpt/v1"]


def test_why_versions_are_not_kept(autolog, versions, shelf):
    found = [each.id for model in shelf.store.models() for each in shelf.store.model(model.id).snapshots]
    shelf.kept.drop([each for each in found if shelf.kept.event_of(each) <= "shelf-0003"], "")
    for number, (keeping, reason) in enumerate(
        [("waiting", ""), ("failed", "no room"), ("failed", "no room")], 1
    ):
        shelf.kept.note(f"shelf-{number:04}", keeping, reason)
    answer = autolog("show", "m")
    assert " waits " in answer.out
    assert "no: no room" in answer.out
    task = autolog("show", "train")
    assert [row.split() for row in task.out.partition("Not kept\n")[2].splitlines()[:3]] == [
        ["VERSIONS", "KEPT", "BECAUSE"],
        ["2", "no", "no", "room"],
        ["1", "waits"],
    ]
    assert autolog("show", "train", "--json").json["not_kept"] == [
        {"keeping": "failed", "keeping_reason": "no room", "count": 2},
        {"keeping": "waiting", "keeping_reason": "", "count": 1},
    ]
