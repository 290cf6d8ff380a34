"""`autolog export` and `autolog import` of what it wrote."""

import io
import json
import os
import tarfile

import pytest
from blake3 import blake3

from autolog.keeping import verify
from autolog.store import (
    ChangesRecord,
    Kept,
    NewFigure,
    Selection,
    Store,
    Writer,
    alias,
    changes_of,
    edit,
    edit_task,
    figures_of,
    metrics_of,
    report,
    report_figure,
)

HEAD = "autolog-bundle.json"


@pytest.fixture
def lineage(shelf):
    """`base` -> `train` makes `m` (twice) and a folder -> `finetune` loads `m:v2` and makes `tuned`."""
    book = shelf.book
    base = book.task("pretrain")
    first = shelf.save(base, "base.bin", b"base" * 500)
    train = book.task("train", at=10, tags=("demo",))
    book.load(train, first, str(shelf.work / "base.bin"), at=11)
    shelf.save(train, "m.bin", b"one" * 500, at=12)
    second = shelf.save(train, "m.bin", b"two" * 500, at=13)
    shelf.save(
        train, "ckpt", {"a.bin": b"1" * 99, "deep/b.bin": b"2" * 99}, base=f"{shelf.work}/ckpt/", at=14
    )
    tune = book.task("finetune", at=20)
    book.load(tune, second, "/elsewhere/m.bin", at=21)
    shelf.save(tune, "tuned.bin", b"tuned" * 500, at=22)
    return shelf


@pytest.fixture
def other(tmp_path):
    """The arguments that name another store, and that store."""

    class Other:
        home = tmp_path / "other"
        arguments = ("--home", str(tmp_path / "other"))

        @property
        def store(self):
            return Store.open(f"sqlite:///{self.home}/autolog.db")

    return Other()


def counts(answer):
    return answer.json["records"]


def rewritten(bundle, target, head=None, members=None):
    """The bundle with other records or other members: a list of `(TarInfo, data)` made of those there."""
    with tarfile.open(bundle) as tar:
        there = [(each, tar.extractfile(each).read()) for each in tar.getmembers()]
    if head is not None:
        found = json.loads(there[0][1])
        head(found)
        there[0] = (there[0][0], json.dumps(found).encode())
    if members is not None:
        there = members(there)
    with tarfile.open(target, "w:", format=tarfile.PAX_FORMAT) as tar:
        for each, data in there:
            each.size = len(data)
            tar.addfile(each, io.BytesIO(data))
    return str(target)


def test_another_store_takes_it_with_its_lineage(autolog, lineage, other, tmp_path):
    bundle = str(tmp_path / "tuned.autolog")
    answer = autolog("export", "tuned", bundle, "--json")
    assert (answer.status, answer.err) == (0, "")
    assert counts(answer) == {"tasks": 3, "models": 3, "snapshots": 3}
    assert (answer.json["file_count"], answer.json["missing"]) == (1, [])
    assert answer.json["size"] == os.path.getsize(bundle)
    answer = autolog("import", bundle, "--json", *other.arguments)
    assert answer.status == 0, answer.err
    assert counts(answer) == {"tasks": 3, "models": 3, "snapshots": 3}
    assert (answer.json["kept"], answer.json["waiting"]) == (1, 0)
    before = autolog("show", "tuned", "--lineage", "--json").json
    after = autolog("show", "tuned", "--lineage", "--json", *other.arguments).json
    assert after["lineage"] == before["lineage"]
    for name in ("id", "name", "project", "framework", "task", "created", "design", "labels"):
        assert after[name] == before[name]
    (snapshot,) = after["snapshots"]
    assert snapshot["kept_at"] == [f"{other.home}/content"]
    assert autolog("restore", "tuned", str(tmp_path / "out"), *other.arguments).status == 0
    assert (tmp_path / "out").read_bytes() == b"tuned" * 500
    # Only the version that was loaded came along, and nothing of what else the task had made.
    (loaded,) = autolog("show", "m", "--json", *other.arguments).json["snapshots"]
    assert (loaded["version"], loaded["keeping"]) == (2, "")
    assert {each["name"] for each in autolog("models", "--json", *other.arguments).json} == {
        "pretrain - base",
        "train - m",
        "finetune - tuned",
    }
    task = autolog("show", "train", "--json", *other.arguments).json
    assert (task["tags"], task["argv"]) == (["demo"], ["train.py", "--epochs", "3"])


def test_what_people_have_said_comes_along(autolog, lineage, other, tmp_path):
    store = lineage.store
    model_id, _ = store.find_model("m")
    edit(
        store, model_id, lambda record: {"tags": ("best",), "labels": {"cat": 1}, "system_tags": ("package",)}
    )
    alias(store, model_id, "good", 2)
    report(store, model_id, "loss", 0.5, 3)
    report(store, model_id, "total", 7.0)
    report_figure(store, model_id, NewFigure("roc", "a", "line", {"data": [], "layout": {}}, 3))
    task_id = store.model(model_id).task_id
    edit_task(
        store,
        task_id,
        lambda record: {"comment": "a text", "labels": {"dog": 2}, "parameters": {"A": {"b": 1}}},
    )
    Writer(store).changes(task_id, ChangesRecord("-a\n+b\n", ("c.png",), read=2.5))
    kept = Kept(store)
    event = kept.event_of(store.model(model_id).snapshots[1].id)
    Writer(store).weighed(event, ["blake3:" + "b" * 64, "blake3:" + "a" * 64])
    bundle = str(tmp_path / "m.autolog")
    assert autolog("export", "m", bundle).status == 0
    assert autolog("import", bundle, *other.arguments).status == 0
    there = other.store
    before, after = store.model(model_id), there.model(model_id)
    for name in ("tags", "labels", "system_tags", "said", "role", "aliases"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.aliases == {"good": 2}
    assert after.snapshots[1].weights_digest == "blake3:" + "b" * 64
    assert (
        metrics_of(there, model_id) == metrics_of(store, model_id) == [("loss", 3, 0.5), ("total", None, 7.0)]
    )
    assert [each.title for each in figures_of(there, model_id)] == ["roc"]
    task = there.task(task_id)
    assert (task.comment, task.labels, task.parameters) == ("a text", {"dog": 2}, {"A": {"b": 1}})
    assert changes_of(there, task_id) == ChangesRecord("-a\n+b\n", ("c.png",), read=2.5)
    assert [each.id for each in there.models(Selection(tags=["best"]))] == [model_id]
    assert autolog("import", bundle, *other.arguments).status == 0
    assert there.model(model_id) == after
    there.close()


def test_a_bundle_of_an_earlier_version_is_taken(autolog, lineage, other, tmp_path):
    bundle = str(tmp_path / "m.autolog")
    autolog("export", "m", bundle)

    later = ("kind", "parent", "parameters", "configurations", "aliases", "scalars", "figures", "role")
    later += ("system_tags", "said", "weights_digests")

    def earlier(found):
        for table in ("tasks", "models", "snapshots"):
            for row in found[table]:
                for name in later:
                    row.pop(name, None)

    old = rewritten(bundle, tmp_path / "old.autolog", head=earlier)
    assert autolog("import", old, *other.arguments).status == 0
    assert len(autolog("models", "--json", *other.arguments).json) == 2


def test_importing_twice_changes_nothing(autolog, lineage, other, tmp_path):
    bundle = str(tmp_path / "b")
    assert autolog("export", "tuned", "m", "ckpt", bundle, "--with-inputs").status == 0
    assert autolog("import", bundle, *other.arguments).status == 0

    def state():
        tables = [autolog(*each, "--json", *other.arguments).json for each in (["models"], ["tasks"])]
        return tables, sorted((p.name, p.stat().st_size) for p in other.home.rglob("*.pack"))

    before = state()
    answer = autolog("import", bundle, "--json", *other.arguments)
    assert counts(answer) == {"tasks": 0, "models": 0, "snapshots": 0}
    assert (answer.json["kept"], answer.json["waiting"]) == (0, 0)
    assert state() == before
    # into the store that it came from, too
    answer = autolog("import", bundle, "--json")
    assert counts(answer) == {"tasks": 0, "models": 0, "snapshots": 0}


def test_bytes_of_the_inputs_on_request_and_later(autolog, lineage, other, tmp_path):
    autolog("export", "tuned", str(tmp_path / "records"))
    answer = autolog("export", "tuned", str(tmp_path / "all"), "--with-inputs", "--json")
    assert answer.json["file_count"] == 3
    assert autolog("import", str(tmp_path / "records"), *other.arguments).status == 0
    assert autolog("restore", "base", str(tmp_path / "x"), *other.arguments).status == 0  # at its own path
    answer = autolog("import", str(tmp_path / "all"), "--json", *other.arguments)
    assert (counts(answer)["snapshots"], answer.json["kept"]) == (0, 2)
    for path in lineage.work.rglob("*.bin"):
        path.unlink()
    assert autolog("restore", "base", str(tmp_path / "y"), *other.arguments).status == 0
    assert (tmp_path / "y").read_bytes() == b"base" * 500


@pytest.mark.parametrize("uri", ["", "plain"])
def test_folders_and_single_versions(autolog, lineage, other, tmp_path, monkeypatch, uri):
    bundle = str(tmp_path / "b")
    answer = autolog("export", "ckpt", "m:v1", bundle)
    assert answer.status == 0
    assert "2 versions of 2 models" not in answer.err  # the base that train had loaded is there, too
    if uri:
        monkeypatch.setenv("AUTOLOG_OUTPUT_URI", str(tmp_path / "plain"))
    assert autolog("import", bundle, *other.arguments).status == 0
    assert autolog("restore", "ckpt", str(tmp_path / "out"), *other.arguments).status == 0
    assert (tmp_path / "out" / "deep" / "b.bin").read_bytes() == b"2" * 99
    assert [s["version"] for s in autolog("show", "m", "--json", *other.arguments).json["snapshots"]] == [1]
    store = other.store
    assert list(verify(Kept(store), str(other.home), deep=True)) == []
    store.close()
    if uri:
        assert {p.name for p in (tmp_path / "plain").rglob("*.bin")} == {"m.bin", "a.bin", "b.bin"}


def test_what_cannot_be_had_is_said(autolog, lineage, other, tmp_path):
    lineage.kept.drop([each.id for each in lineage.snapshots("m")], "gone")
    (lineage.work / "m.bin").unlink()
    answer = autolog("export", "m", str(tmp_path / "b"), "--json")
    assert answer.status == 3
    assert [each["version"] for each in answer.json["missing"]] == [1, 2]
    answer = autolog("import", str(tmp_path / "b"), "--json", *other.arguments)
    assert (answer.status, counts(answer)["snapshots"], answer.json["kept"]) == (0, 3, 0)


def test_an_export_never_writes_over_anything(autolog, lineage, tmp_path):
    (tmp_path / "b").write_text("mine")
    answer = autolog("export", "m", str(tmp_path / "b"))
    assert answer.status == 9
    assert "exists already" in answer.err
    assert (tmp_path / "b").read_text() == "mine"
    assert autolog("export", "m", str(tmp_path / "b" / "c")).status == 9
    assert autolog("export", "nothing", str(tmp_path / "c")).status == 4
    assert autolog("export", "m").status == 2
    assert sorted(os.listdir(tmp_path)) == ["b", "home", "work"]


def test_a_task_that_runs_is_not_taken_for_running(autolog, lineage, other, tmp_path):
    with lineage.store._writing() as connection:
        connection.exec_driver_sql("UPDATE tasks SET status = 'running', finished = NULL")
    autolog("export", "base", str(tmp_path / "b"))
    autolog("import", str(tmp_path / "b"), *other.arguments)
    assert autolog("show", "pretrain", "--json", *other.arguments).json["status"] == "lost contact"


def test_a_place_that_is_away_lets_the_bytes_wait(autolog, lineage, other, tmp_path, monkeypatch):
    autolog("export", "m", str(tmp_path / "b"))
    (tmp_path / "plain").write_text("in the way")
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", str(tmp_path / "plain"))
    answer = autolog("import", str(tmp_path / "b"), "--json", *other.arguments)
    assert answer.status == 3
    assert (counts(answer)["snapshots"], answer.json["kept"], answer.json["waiting"]) == (3, 0, 2)
    assert f"{tmp_path}/plain can't be written" in answer.json["keeping_reason"]
    (tmp_path / "plain").unlink()
    answer = autolog("show", "m", "--json", *other.arguments)
    assert {each["keeping"] for each in answer.json["snapshots"]} == {"kept"}


# -- bundles that are no good ---------------------------------------------------------------------


def member(name, data=b"", **more):
    info = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def like(there, **more):
    return member(there[0].name, **more)


def change(table, **values):
    def head(found):
        found[table][-1].update(values)

    return head


def evil_name(found):
    row = next(each for each in found["snapshots"] if each["files"])
    row["files"][0]["path"] = "../../evil"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (lambda found: found.update(format=2), 9),
        (lambda found: found.pop("format"), 9),
        (lambda found: found.pop("models"), 9),
        (change("snapshots", event_id="../../evil"), 9),
        (change("snapshots", event_id=".."), 9),
        (change("snapshots", digest="blake3:" + "z" * 64), 9),
        (change("snapshots", version=-1), 9),
        (change("snapshots", version=True), 9),
        (change("snapshots", state="kept"), 9),
        (change("models", labels={"a": "b"}), 9),
        (change("models", task_id="f" * 32), 9),
        (change("tasks", started="yesterday"), 9),
        (change("tasks", changes={"diff": "", "binary": [5]}), 9),
        (change("snapshots", model_id="f" * 32), 9),
        (change("inputs", model_id="f" * 32), 9),
        (evil_name, 9),
        (change("files", size=3), 12),
        (change("files", digest="blake3:" + "0" * 64), 9),
        (lambda found: found["files"].append({"digest": "blake3:" + "0" * 64, "size": 5}), 12),
    ],
    # Names of our own: those of functions have addresses in them, and workers must find the same tests.
    ids=map(str, range(19)),
)
def test_records_that_are_no_good(autolog, lineage, other, tmp_path, head, status):
    autolog("export", "m", "ckpt", str(tmp_path / "b"))
    answer = autolog("import", rewritten(tmp_path / "b", tmp_path / "c", head), *other.arguments)
    assert (answer.status, answer.out) == (status, "")
    assert answer.err.count("\n") == 1
    assert nothing_in(other, autolog)


@pytest.mark.parametrize(
    ("members", "status"),
    [
        (lambda all_: [*all_, member("../../evil", b"x")], 9),
        (lambda all_: [*all_, member("/etc/evil", b"x")], 9),
        (lambda all_: [*all_, all_[-1]], 9),
        (
            lambda all_: [*all_[:-1], member(all_[-1][0].name, type=tarfile.SYMTYPE, linkname="/etc/passwd")],
            9,
        ),
        (lambda all_: [*all_[:-1], member(all_[-1][0].name, type=tarfile.LNKTYPE, linkname=HEAD)], 9),
        (lambda all_: [*all_[:-1], member(all_[-1][0].name, type=tarfile.FIFOTYPE)], 9),
        (lambda all_: all_[:-1], 12),
        (lambda all_: [*all_[:-1], (all_[-1][0], all_[-1][1][:-1])], 12),
        (lambda all_: [*all_[:-1], (all_[-1][0], b"x" + all_[-1][1][1:])], 12),
        (lambda all_: [(all_[0][0], b"[" * 100_000), *all_[1:]], 12),
        (lambda all_: [(all_[0][0], b"{"), *all_[1:]], 12),
        (lambda all_: [(all_[0][0], b"[]"), *all_[1:]], 9),
    ],
)
def test_members_that_are_no_good(autolog, lineage, other, tmp_path, members, status):
    autolog("export", "m", str(tmp_path / "b"))
    answer = autolog("import", rewritten(tmp_path / "b", tmp_path / "c", None, members), *other.arguments)
    assert (answer.status, answer.out) == (status, "")
    assert nothing_in(other, autolog)
    assert not list(tmp_path.rglob("evil"))


def test_a_bundle_that_is_cut_off_anywhere(autolog, lineage, other, tmp_path):
    autolog("export", "m:v1", str(tmp_path / "b"))
    data = (tmp_path / "b").read_bytes()
    with tarfile.open(tmp_path / "b") as tar:
        last = tar.getmembers()[-1]
        end = last.offset_data + last.size
    for size in (600, 5000, last.offset, last.offset + 300, last.offset_data, end - 1):
        (tmp_path / "c").write_bytes(data[:size])
        answer = autolog("import", str(tmp_path / "c"), *other.arguments)
        assert answer.status == 12, (size, answer.err)
        assert nothing_in(other, autolog)


def nothing_in(other, autolog):
    found = autolog("models", "--json", *other.arguments)
    return found.status == 10 or (found.json == [] and not list(other.home.rglob("*.pack")))


def test_a_version_that_is_another_one_here(autolog, lineage, other, tmp_path):
    autolog("export", "m:v1", str(tmp_path / "b"))
    bundle = rewritten(tmp_path / "b", tmp_path / "c", change("snapshots", event_id="another"))
    before = autolog("models", "--json").json
    answer = autolog("import", bundle)
    assert answer.status == 9
    assert "is another one in this store" in answer.err
    assert autolog("models", "--json").json == before


def test_what_is_inside_is_seen_and_not_believed(autolog, lineage, other, tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return os.system, ("true",)

    data = pickle.dumps(Evil())
    lineage.save(lineage.book.task("evil"), "e.pkl", data)
    autolog("export", "e", str(tmp_path / "b"))

    def head(found):
        digest = f"blake3:{blake3(data).hexdigest()}"
        found["contents"] = [
            {
                "digest": digest,
                "format": "pickle",
                "parameters": 1,
                "tensors": [],
                "details": {},
                "dangerous": [],
            }
        ]

    assert autolog("import", rewritten(tmp_path / "b", tmp_path / "c", head), *other.arguments).status == 0
    (snapshot,) = autolog("show", "e", "--json", *other.arguments).json["snapshots"]
    assert any("system" in each for each in snapshot["dangerous"])


def test_options_of_a_file_are_none_of_a_bundle(autolog, lineage, other, tmp_path):
    autolog("export", "m", str(tmp_path / "b"))
    assert autolog("import", str(tmp_path / "b"), "--name", "x", *other.arguments).status == 2
