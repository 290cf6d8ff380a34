"""The page of a task: how it ran, what was captured, its models and artifacts; and changing it."""

import csv
import io
import os
import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from sqlalchemy import insert, select, update
from weights import import_versions, safetensors

from autolog import Task
from autolog.store import ChangesRecord, Writer, artifacts_of, find_artifact, remove, schema

pytestmark = [pytest.mark.core, pytest.mark.slow]

TASK = f"{0:032x}"
BUCKET = "s3://ada:secret@bucket/kept"
PICTURE = b"\x89PNG\r\n\x1a\n" + b"not much of one"


@pytest.fixture
def task(make_pages):
    """A task with everything that a page can show of one."""
    pages = make_pages(20)
    with pages.store._writing() as connection:
        changed = update(schema.tasks).where(schema.tasks.c.id == TASK)
        connection.execute(
            changed.values(
                status="failed",
                reason="ValueError: too good to be true",
                argv=["train.py", "--lr", "0.1", "s3://ada:secret@bucket/data"],
                git={"commit": "c0ffee" * 6, "branch": "main", "dirty": True},
                versions={"python": "3.11.7", "torch": "2.13.0"},
                hooks={
                    "torch.serialization:save": "applied",
                    "keras.src.saving:save": "keras.src.saving is not imported",
                    "xgboost.core:Booster.save_model": "has no attribute save_model",
                },
                parameters={"training": {"lr": 0.1, "augment": {"noise": 0.05}, "seed": None}},
                configurations={"network": {"text": '{"a": 1}', "format": "json", "description": "small"}},
                output_uri=BUCKET,
                comment="A comment.",
            )
        )
        connection.execute(
            insert(schema.skips).values(task_id=TASK, path="/data/batch.pt", rule="array", count=3)
        )
        connection.execute(
            insert(schema.faults).values(
                task_id=TASK,
                time=1.0,
                place="look into the file",
                error="OSError: gone",
                traceback="Traceback...",
            )
        )
    return pages


@pytest.fixture
def artifacts(task, tmp_path):
    """The same with artifacts of every kind."""
    mine = Task.get_task(task_id=TASK)
    _goes_to(task, "")  # there is no such bucket
    mine.upload_artifact("history", {"loss": [1, 2]})
    mine.upload_artifact("notes / today", "<b>bold</b>\nmore\n")
    table, picture, page = (tmp_path / name for name in ("table.csv", "shot.png", "page.html"))
    table.write_text("epoch,loss\n1,<i>0.5</i>\n2,0.4\n")
    picture.write_bytes(PICTURE)
    page.write_text("<script>alert(1)</script>")
    for path in (table, picture, page):
        mine.upload_artifact(path.stem, str(path))
    _goes_to(task, BUCKET)
    return task


def _goes_to(pages, url):
    with pages.store._writing() as connection:
        task = update(schema.tasks).where(schema.tasks.c.id == TASK)
        connection.execute(task.values(output_uri=url))


def address(name, what="artifact"):
    return f"/tasks/{TASK}/{what}?name={quote(name, safe='')}"


# -- what it shows ----------------------------------------------------------------------------------------


def test_how_it_ran_and_what_was_captured(task):
    text = task.html(f"/tasks/{TASK}")
    for shown in (
        "ValueError: too good to be true", "/data/train.py", "--lr 0.1", "c0ffee" * 6, "on <code",
        "not committed", "3.11.7", "ada on box", "A comment.", "torch.serialization:save",
        "has no attribute save_model",
        "1 function not hooked", "/data/batch.pt", "could not look into the file", "OSError: gone",
    ):  # fmt: skip
        assert shown in text, shown
    assert "secret" not in text
    found = task.json(f"/tasks/{TASK}.json")
    assert found["skipped"] == [{"path": "/data/batch.pt", "rule": "array", "count": 3}]
    assert found["comment"] == "A comment."
    assert found["parameters"]["training"]["lr"] == 0.1
    assert "secret" not in found["output_uri"]


def test_what_was_not_committed(task):
    diff = "".join(
        f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1 +1,{count} @@\n-<b>old</b>\n{new}"
        for name, count, new in (("train.py", 1, "+lr = 0.2\n"), ("long.py", 300, "+more\n" * 300))
    )
    found = ChangesRecord(diff, ("a.png",), ("<i>notes</i>",), altered=1, read=5.0)
    Writer(task.store).changes(TASK, found)
    page = task.html(f"/tasks/{TASK}")
    assert "Not committed when it ran" in page
    assert '<span class="added">+lr = 0.2\n</span>' in page
    assert "-&lt;b&gt;old&lt;/b&gt;" in page
    assert "&lt;i&gt;notes&lt;/i&gt;" in page
    opened, folded = re.findall(r"<details( open)?>\n<summary>.*?\.py", page)
    assert (opened, folded) == (" open", "")
    answer = task.get(f"/tasks/{TASK}/changes.diff")
    assert answer.text.endswith(diff)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "CUT" not in answer.text
    git = task.json(f"/tasks/{TASK}.json")["git"]
    assert (git["branch"], git["diff"], git["binary"], git["cut"]) == ("main", diff, ["a.png"], None)
    assert Task.get_task(task_id=TASK).git == git
    Writer(task.store).changes(TASK, replace(found, cut_lines=7, cut_bytes=2048))
    assert "7 lines (2.0 kB) or more are left out" in task.html(f"/tasks/{TASK}")
    answer = task.get(f"/tasks/{TASK}/changes.diff")
    assert "CUT: 7 lines" in answer.text
    assert "incomplete.diff" in answer.headers["content-disposition"]
    assert task.get(f"/tasks/{1:032x}/changes.diff").status_code == 404


def test_its_tables_as_csv(artifacts):
    def lines(name):
        return list(csv.reader(io.StringIO(artifacts.get(f"/tasks/{TASK}/{name}.csv").text)))

    assert lines("skipped") == [["rule", "count", "path"], ["array", "3", "/data/batch.pt"]]
    assert ["xgboost.core:Booster.save_model", "has no attribute save_model"] in lines("hooks")
    assert ["training", "augment/noise", "0.05"] in lines("configuration")
    assert lines("faults")[1][1:] == ["look into the file", "OSError: gone"]
    found = artifacts.json(f"/tasks/{TASK}/artifacts.json")
    assert [each[0] for each in lines("outputs")[1:]] == [each["model_id"] for each in found["outputs"]]
    assert [each[0] for each in lines("artifacts")[1:]] == [each["name"] for each in found["artifacts"]]
    assert [each[0] for each in lines("inputs")[1:]] == [each["model_id"] for each in found["inputs"]]
    assert (lines("not-kept"), lines("labels")) == ([["versions", "keeping", "reason"]], [["label", "id"]])
    assert artifacts.get("/tasks/nobody/hooks.csv").status_code == 404


def test_what_it_was_configured_with(task):
    text = task.html(f"/tasks/{TASK}/configuration")
    for shown in ("augment/noise", "0.05", "network", "{&#34;a&#34;: 1}", "small"):
        assert shown in text, shown
    assert task.json(f"/tasks/{TASK}/configuration.json")["parameters"]["training"]["seed"] is None
    other = f"{1:032x}"
    assert "Configuration" not in task.html(f"/tasks/{other}")
    assert "Nothing was connected" in task.html(f"/tasks/{other}/configuration")


def test_models_and_artifacts(artifacts):
    model = artifacts.json("/models.json?limit=10")["models"][0]
    assert artifacts.post(f"/tasks/{TASK}/inputs", {"connect": f"{model['id']}:v1"}).status_code == 200
    text = artifacts.html(f"/tasks/{TASK}/artifacts")
    assert f'href="/models/{model["id"]}"' in text
    assert model["id"] in text
    assert "layers=12" in text
    for each in artifacts.json(f"/tasks/{TASK}/artifacts.json")["outputs"]:
        assert f'href="/models/{each["model_id"]}"' in text
        # There is no file of it, and nothing was kept.
        assert f'href="/models/{each["model_id"]}/download"' not in text
    assert f'href="/models/{model["id"]}/v1/file"' not in text
    assert "on this machine, and no bytes were kept." in text
    found = {each["name"]: each for each in artifacts.json(f"/tasks/{TASK}/artifacts.json")["artifacts"]}
    assert list(found) == ["history", "notes / today", "table", "shot", "page"]
    for each in found.values():
        assert each["digest"] in text
        assert each["path"] in text
        assert os.path.getsize(each["path"]) == each["size"]
    # The previews: text stays text, a CSV is a table, a picture is one.
    assert "&lt;b&gt;bold" in text
    assert "<td>&lt;i&gt;0.5&lt;/i&gt;</td>" in text
    assert f'src="{address("shot", "artifact/picture")}"' in text
    assert "<script>alert" not in text


# -- artifacts as files -----------------------------------------------------------------------------------


def test_downloads_are_the_bytes_and_never_a_page(artifacts):
    for record in artifacts_of(artifacts.store, TASK):
        answer = artifacts.get(address(record.name))
        assert answer.status_code == 200
        assert len(answer.content) == record.size
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert artifacts.client.head(address(record.name)).headers["content-length"] == str(record.size)
    assert artifacts.get(address("page")).text == "<script>alert(1)</script>"


def test_pictures_are_shown_in_a_sandbox(artifacts):
    answer = artifacts.get(address("shot", "artifact/picture"))
    assert answer.content == PICTURE
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for name in ("page", "history", "table"):
        assert artifacts.get(address(name, "artifact/picture")).status_code == 400


def test_a_damaged_artifact_is_no_download(artifacts):
    path = artifacts.json(f"/tasks/{TASK}/artifacts.json")["artifacts"][0]["path"]
    with open(path, "r+b") as file:
        file.write(b"#")
    answer = artifacts.get(address("history"))
    assert answer.status_code >= 400
    assert "not those that were recorded" in answer.text
    os.unlink(path)
    assert "where it was kept any more" in artifacts.get(address("history")).text


def test_artifacts_go_by_task_and_name_alone(artifacts):
    for name in ("nothing", "", "../history", "/etc/passwd", "history.json"):
        assert artifacts.get(address(name)).status_code == 404
        assert artifacts.get(address(name, "artifact/picture")).status_code == 404
    assert artifacts.get(f"/tasks/nobody/artifact?name={quote('history')}").status_code == 404
    assert find_artifact(artifacts.store, TASK, "history").size > 0


# -- changing it ------------------------------------------------------------------------------------------


def edit(pages, **body):
    answer = pages.post(f"/tasks/{TASK}/edit", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_texts_and_undoing(task):
    before = task.json(f"/tasks/{TASK}.json")
    for name, value in (
        ("name", "another"),
        ("comment", "two\nlines"),
        ("project", "elsewhere"),
        ("archived", True),
    ):
        said = edit(task, **{name: value})
        assert said["changed"]
        assert task.json(f"/tasks/{TASK}.json")[name] == value
        was = {} if name == "archived" else {"was": value}
        assert said["undo"] == {name: before[name], **was}
        assert not edit(task, **{name: value})["changed"]
        edit(task, **said["undo"])
    assert task.json(f"/tasks/{TASK}.json") == before


def test_a_text_that_is_another_one_by_now(task):
    undo = edit(task, name="mine")["undo"]
    edit(task, name="somebody else's")
    for body in (undo, {"name": "newer", "was": "mine"}):
        answer = task.post(f"/tasks/{TASK}/edit", body)
        assert (answer.status_code, answer.json()["now"]) == (409, "somebody else's")
    assert task.json(f"/tasks/{TASK}.json")["name"] == "somebody else's"
    edit(task, name="newer", was="somebody else's")
    for body in ({"archived": True, "was": False}, {"tags": {"add": ["x"]}, "was": []}, {"was": "x"}):
        assert task.post(f"/tasks/{TASK}/edit", body).status_code == 400


def test_tags(task):
    assert edit(task, tags={"add": ["b", " a "]})["undo"] == {"tags": {"add": [], "remove": ["b", "a"]}}
    said = edit(task, tags={"add": ["c"], "remove": ["b", "never"]})
    assert task.json(f"/tasks/{TASK}.json")["tags"] == ["a", "c"]
    edit(task, **said["undo"])
    assert sorted(task.json(f"/tasks/{TASK}.json")["tags"]) == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": "  "}, {"name": 3}, {"archived": "yes"}, {"tags": ["a"]}, {"tags": {}},
        {"tags": {"add": [""]}}, {"tags": {"add": [3]}}, {"tags": {"add": "abc"}}, {"status": "completed"},
        {"name": "a", "comment": "b"}, {"comment": None}, {"project": ""}, [], "name",
    ],
)  # fmt: skip
def test_nonsense_changes_nothing(task, body):
    before = task.json(f"/tasks/{TASK}.json")
    assert task.post(f"/tasks/{TASK}/edit", body).status_code == 400
    assert task.json(f"/tasks/{TASK}.json") == before


def test_inputs_are_set_and_removed(task):
    model = task.json("/models.json?sort=-versions&limit=10")["models"][0]
    said = task.post(f"/tasks/{TASK}/inputs", {"connect": f"{model['name']}:v2"}).json()
    assert (said["connected"], said["version"]) == (model["id"], 2)
    (found,) = task.json(f"/tasks/{TASK}.json")["inputs"]
    assert (found["model_id"], found["version"]) == (model["id"], 2)
    assert task.post(f"/tasks/{TASK}/inputs", {"connect": model["id"][:12]}).status_code == 200
    assert len(task.json(f"/tasks/{TASK}.json")["inputs"]) == 2
    said = task.post(f"/tasks/{TASK}/inputs", {"disconnect": model["id"]}).json()
    assert sorted(said["versions"]) == [2, model["versions"]]
    assert task.json(f"/tasks/{TASK}.json")["inputs"] == []
    for body, status in (
        ({"connect": "nobody"}, 404), ({"connect": f"{model['id']}:v99"}, 404), ({"connect": 3}, 400),
        ({"disconnect": model["id"]}, 404), ({}, 400), ({"connect": "a", "disconnect": "b"}, 400),
        ({"connect": " "}, 400),
    ):  # fmt: skip
        assert task.post(f"/tasks/{TASK}/inputs", body).status_code == status, body


@pytest.fixture
def loaded(task):
    """The inputs of the task: one model in two versions, and one whose version nobody knows."""
    first, second = (each["id"] for each in task.json("/models.json?sort=-versions&limit=10")["models"][:2])
    facts = {"task_id": TASK, "framework": "PyTorch", "function": "torch.load", "own": False}
    with task.store._writing() as connection:
        query = select(schema.snapshots.c.id).where(schema.snapshots.c.model_id == first)
        numbers = connection.execute(query.order_by(schema.snapshots.c.version)).scalars().all()
        given = ((first, numbers[0], "a"), (second, None, "b"), (first, numbers[1], "c"))
        for model_id, number, name in given:
            row = {"model_id": model_id, "snapshot_id": number, "name": name, "path": f"/mnt/{name}.pt"}
            more = {"also_made_by": ["abc:v1"], "count": 7, "first_loaded": 1000.0}
            connection.execute(insert(schema.inputs).values(**facts, **row, **more))
    return first, second


def inputs_of(pages):
    return sorted(pages.store.task(TASK).inputs, key=lambda each: each.name)


def take_out(pages, model_id):
    answer = pages.post(f"/tasks/{TASK}/inputs", {"disconnect": model_id})
    assert answer.status_code == 200, answer.text
    return answer.json()["undo"]


def test_what_was_recorded_of_an_input_comes_back_with_it(task, loaded):
    before = inputs_of(task)
    undos = [take_out(task, each) for each in loaded]
    assert inputs_of(task) == []
    for undo in undos:
        assert task.post(f"/tasks/{1:032x}/inputs", undo).status_code == 404
        assert task.post(f"/tasks/{TASK}/inputs", undo).status_code == 200
        # It is done once.
        assert task.post(f"/tasks/{TASK}/inputs", undo).status_code == 404
    assert inputs_of(task) == before


def test_an_input_that_was_loaded_again_or_removed_meanwhile(task, loaded):
    before = inputs_of(task)
    first, second = loaded
    undo, of_second = take_out(task, first), take_out(task, second)
    task.post(f"/tasks/{TASK}/inputs", {"connect": f"{first}:v1"})
    with task.store._writing() as connection:
        own = (schema.snapshots.c.model_id == first, schema.snapshots.c.version == 2)
        number = connection.execute(select(schema.snapshots.c.id).where(*own)).scalar_one()
    remove(task.store, {number}, [second], force=True)
    task.post(f"/tasks/{TASK}/inputs", undo)
    assert inputs_of(task) == [
        replace(before[0], count=8),
        replace(before[2], version=None, digest=None),
    ]
    assert task.post(f"/tasks/{TASK}/inputs", of_second).status_code == 404


def test_so_many_undos_are_kept(task, loaded):
    first, _ = loaded
    undo = take_out(task, first)
    for _ in range(100):
        task.post(f"/tasks/{TASK}/inputs", {"connect": f"{first}:v1"})
        last = take_out(task, first)
    assert task.post(f"/tasks/{TASK}/inputs", undo).status_code == 404
    assert task.post(f"/tasks/{TASK}/inputs", last).status_code == 200


def test_an_input_from_elsewhere_says_where_it_comes_from(task, home, tmp_path):
    path = tmp_path / "given.safetensors"
    model_id = import_versions(task.store, home, path, [safetensors({"a": (2, 2)})])
    task.post(f"/tasks/{TASK}/inputs", {"connect": model_id})
    assert re.search(
        r"nobody here: from <code>[^<]*given\.safetensors", task.html(f"/tasks/{TASK}/artifacts")
    )


def test_who_may_change_it(task):
    for path in (f"/tasks/{TASK}/edit", f"/tasks/{TASK}/inputs"):
        assert task.post(path, {"name": "x"}, **{"x-csrf-token": ""}).status_code == 403
        assert task.post(path, {"name": "x"}, origin="http://elsewhere").status_code == 403
        assert task.stranger.post(path, json={"name": "x"}).status_code == 401
        assert task.get(path).status_code in (404, 405)
    assert task.post("/tasks/nobody/edit", {"name": "x"}).status_code == 404
    assert task.post("/tasks/nobody/inputs", {"disconnect": "x"}).status_code == 404


def test_read_only(make_pages):
    pages = make_pages(20, read_only=True)
    for path in (f"/tasks/{TASK}", f"/tasks/{TASK}/artifacts"):
        text = pages.html(path)
        for part in ("data-begin", 'id="archive"', 'id="connect"', "data-untag", 'id="add-tag"'):
            assert part not in text
    assert pages.post(f"/tasks/{TASK}/edit", {"name": "x"}).status_code == 403


@pytest.mark.parametrize(
    "tab", ["", ".json", "/artifacts", "/artifacts.json", "/configuration", "/configuration.json"]
)
def test_nobody(task, tab):
    assert task.get(f"/tasks/nobody{tab}").status_code == 404


def test_passwords_in_arguments_are_shown_nowhere(task):
    for path in (f"/tasks/{TASK}", f"/tasks/{TASK}.json", "/tasks.json?limit=200", "/tasks.json?all=1"):
        text = task.get(path).text
        assert "secret" not in text, path
        assert "ada:***@bucket" in text or path == "/tasks.json?all=1", path


def test_very_many_labels(task):
    with task.store._writing() as connection:
        changed = update(schema.tasks).where(schema.tasks.c.id == TASK)
        connection.execute(
            changed.values(
                labels={f"label{n}": n for n in range(5_000)}, tags=[f"t{n}" for n in range(2_000)]
            )
        )
    text = task.html(f"/tasks/{TASK}/configuration")
    assert text.count('<td class="break">label') == 2_000
    assert "3000 more are in the CSV" in text
    assert text.count("data-untag=") == 500
    assert len(task.json(f"/tasks/{TASK}/configuration.json")["labels"]) == 5_000
