"""The short way: `autolog.get`, `autolog.models`, and what models show of themselves."""

import os
import subprocess
import sys
from datetime import timezone
from pathlib import Path

import pytest

import autolog
from autolog import OutputModel
from autolog.errors import (
    Ambiguous,
    BadName,
    BadValue,
    FrameworkMissing,
    NotFound,
    TargetError,
    WhereError,
)

pytestmark = [pytest.mark.core, pytest.mark.slow]


def test_a_model_is_got_by_id_name_version_and_alias(task, weights):
    made = OutputModel(task, name="resnet")
    for number in range(3):
        made.update_weights(weights(f"{number}.bin", bytes([number]) * 10), upload_uri=True, iteration=number)
    made.alias("best", 2)
    made.alias("first", "v1")
    made.alias("newest")
    assert made.aliases == {"best": 2, "first": 1, "newest": 3}
    for name in (made.id, made.id[:8], "resnet", "resnet:v2", "resnet@best"):
        assert autolog.get(name) == made
    assert autolog.get("resnet").version is None
    assert autolog.get("resnet:v2").version == autolog.get("resnet@best").version == 2
    assert autolog.get("resnet@best").snapshot().iteration == 1
    assert made.snapshot("v1").version == made.snapshot(1).version == made.snapshot("first").version == 1
    made.unalias("first")
    for wrong in ("resnet:v9", "resnet@first", "absent", "feedfeed"):
        with pytest.raises(NotFound):
            autolog.get(wrong)
    with pytest.raises(NotFound, match="has no version 7; it has v1, v2, v3, best, newest"):
        made.snapshot(7)
    with pytest.raises(BadName):
        made.alias("v3", 1)


def test_of_several_models_of_one_name_the_newest_is_got_and_a_warning_says_so(task):
    first, second = OutputModel(task, name="same"), OutputModel(task, name="same")
    with pytest.warns(UserWarning, match=f"2 models are called 'same'; this is the newest, {second.id[:8]}"):
        assert autolog.get("same") == second
    assert autolog.get(first.id) == first


def test_an_id_that_several_begin_with_is_ambiguous(task):
    from autolog.sdk._records import records
    from autolog.store import schema

    made = [OutputModel(task, name=f"n{number}") for number in range(2)]
    with records().store._writing() as connection:
        for number, each in enumerate(made):
            renamed = schema.models.update().where(schema.models.c.id == each.id)
            connection.execute(renamed.values(id=f"abcd{number}" + "0" * 27))
    with pytest.raises(Ambiguous, match="2 models have an id beginning with abcd") as caught:
        autolog.get("abcd")
    assert sorted(caught.value.candidates) == ["abcd0" + "0" * 27, "abcd1" + "0" * 27]


def test_downloads_are_verified_and_replace_nothing_unasked(task, weights, here):
    made = OutputModel(task, name="net")
    path = weights("net.bin")
    first = path.read_bytes()
    made.update_weights(path, upload_uri=True)
    path.write_bytes(b"second")
    made.update_weights(path, upload_uri=True)
    assert Path(made.download("copy.bin")).read_bytes() == b"second"
    with pytest.raises(TargetError, match="exists already"):
        made.download("copy.bin")
    assert autolog.get("net:v1").download("copy.bin", overwrite=True) == str(here / "copy.bin")
    assert (here / "copy.bin").read_bytes() == first
    (here / "into").mkdir()
    assert made.snapshots[0].download(here / "into") == str(here / "into/net.bin")


def test_what_a_loop_over_a_query_changes_doesnt_change_the_loop(task, monkeypatch):
    monkeypatch.setattr("autolog.sdk.query._PAGE", 3)
    made = [OutputModel(task, name=f"n{number}", tags=["a"]) for number in range(10)]
    query = autolog.models(project="lab", tags_any=["a"], order="name")
    seen = []
    for model in query[1:]:
        seen.append(model)
        model.tags.remove("a")
        model.archive()
    assert seen == made[1:]
    assert list(query) == made[:1]
    # Those that went meanwhile are passed over.
    seen = []
    for model in autolog.models(project="lab", archived=None, order="name"):
        seen.append(model)
        if model == made[0]:
            for gone in (made[1], made[4], made[9]):
                autolog.Model.remove(gone, raise_on_errors=True)
    assert seen == [each for each in made if each not in (made[4], made[9])]


def test_the_best_version_is_found_in_as_many_questions_whatever_there_is(task, weights):
    from sqlalchemy import event

    from autolog.sdk._records import records

    made = OutputModel(task, name="net")
    asked = []
    event.listen(records().store._engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    counts = []
    for number in range(1, 9):
        made.update_weights(weights(), iteration=number)
        made.report_scalar("loss", "loss", 1 / number, number)
        task.flush()
        asked.clear()
        assert made.best("loss").version == number
        with pytest.raises(NotFound, match="no version has the metric 'other'; there are loss"):
            made.best("other")
        counts.append(len(asked))
    assert counts[0] == counts[-1]
    assert [each.metrics for each in made.snapshots] == [{"loss": 1 / number} for number in range(1, 9)]


def test_a_query_is_asked_when_it_is_looked_at(task):
    query = autolog.models(project="lab", order="name")
    assert len(query) == 0
    assert not query
    assert query.first() is None
    made = [
        OutputModel(task, name=f"n{number:02}", tags=["even"] if number % 2 == 0 else [])
        for number in range(9)
    ]
    assert len(query) == 9
    assert query
    assert list(query) == made
    assert query.first() == query[0] == made[0]
    assert query[-1] == made[-1]
    assert list(query[2:5]) == made[2:5]
    assert list(query[2:][1:3]) == made[3:5]
    assert list(query[-3:]) == made[-3:]
    assert list(query[:100]) == made
    assert len(query[3:5]) == 2
    assert [each.name for each in query.order_by("-name")[:2]] == ["n08", "n07"]
    assert [each.name for each in query.where('"even" in tags').where('name > "n04"')] == ["n06", "n08"]
    assert query.where('name = "n03"').one() == made[3]
    with pytest.raises(Ambiguous):
        query.one()
    with pytest.raises(NotFound):
        query.where('name = "x"').one()
    with pytest.raises(IndexError):
        _ = query[9]
    with pytest.raises(BadValue, match="can't be cut with steps"):
        _ = query[::2]
    assert list(autolog.models(task=task)) == list(autolog.models(task="trial", order="-updated"))
    for wrong in ({"where": "name <"}, {"order": "nam e"}, {"tags": ["__$nor"]}):
        with pytest.raises(WhereError):
            autolog.models(**wrong)
    with pytest.raises(NotFound):
        autolog.models(task="absent")


def test_every_row_of_an_export_has_all_columns(task, weights):
    made = OutputModel(task, name="net", tags=["a"])
    made.update_weights(weights("w.bin"), iteration=3)
    made.report_single_value("loss", 0.5)
    made.metadata["data"] = "v3"
    OutputModel(task, name="empty").metadata["data"] = 7
    rows = autolog.models(order="-name").rows()
    first = rows[0]
    assert (first["id"], first["name"], first["project"], first["status"]) == (made.id, "net", "lab", "draft")
    assert (first["tags"], first["task"], first["version"], first["iteration"]) == (["a"], task.id, 1, 3)
    assert first["size"] == 2000
    assert first["digest"].startswith("blake3:")
    assert first["uri"].startswith("file:///")
    assert first["created"].tzinfo == first["updated"].tzinfo == timezone.utc
    assert (first["metric.loss"], first["meta.data"]) == (0.5, "v3")


def test_data_frames_have_utc_times_and_whole_numbers(task, weights):
    pandas = pytest.importorskip("pandas")
    made = OutputModel(task, name="net")
    made.update_weights(weights("w.bin"), iteration=3)
    made.report_single_value("loss", 0.5)
    OutputModel(task, name="empty").metadata["data"] = {"a": 1}
    frame = autolog.models(order="-name").df()
    assert list(frame.columns[:5]) == ["id", "name", "project", "framework", "status"]
    assert list(frame.columns[-2:]) == ["metric.loss", "meta.data"]
    assert str(frame["created"].dtype).endswith("UTC]")
    assert (frame["iteration"][0], frame["size"].dtype) == (3, pandas.Int64Dtype())
    assert list(autolog.models(name="absent").df().columns[:2]) == ["id", "name"]


def test_a_library_that_is_not_installed_is_named(task, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(FrameworkMissing, match="polars is not installed; pip install polars"):
        autolog.models().pl()


def test_what_is_changed_in_place_is_in_the_store_and_loses_nothing(task):
    made = OutputModel(task, name="net")
    mine, theirs = made.tags, autolog.get("net").tags
    mine.add("a")
    theirs.add("b")
    assert mine == ["a"]
    assert theirs == made.tags == ["a", "b"]
    mine.extend(["c", "c"])
    assert mine == ["a", "b", "c"]
    mine.remove("a")
    mine.discard("absent")
    with pytest.raises(ValueError, match="'a' is none of its tags"):
        mine.remove("a")
    made.labels["cat"] = 0
    labels = made.labels
    autolog.get("net").labels["dog"] = 1
    labels |= {"cow": 2}
    assert labels == made.labels == {"cat": 0, "dog": 1, "cow": 2}
    assert labels.pop("cow") == 2
    del labels["dog"]
    assert made.labels == {"cat": 0}
    made.metadata["data"] = {"rows": [1, 2.5, None, True]}
    made.metadata.update(seed=7)
    assert made.metadata == {"data": {"rows": [1, 2.5, None, True]}, "seed": 7}
    assert made.metadata.setdefault("seed", 8) == 7
    del made.metadata["seed"]
    assert dict(autolog.get("net").metadata) == {"data": {"rows": [1, 2.5, None, True]}}


def test_lineage_is_walked_both_ways(here, weights):
    from autolog import InputModel

    made = []
    for name in ("one", "two", "three"):
        task = autolog.init("lab", name)
        if made:
            InputModel(made[-1].id).connect(task)
        made.append(OutputModel(task, name=name))
        made[-1].update_weights(weights(f"{name}.bin"))
        task.close()
    one, two, three = made
    assert (two.lineage.parents, two.lineage.children) == ([one], [three])
    assert (three.lineage.ancestors, one.lineage.descendants) == ([two, one], [two, three])
    assert one.lineage.parents == three.lineage.children == []
    assert two.lineage.task.name == "two"
    assert [each.name for each in one.lineage.users] == ["two"]
    assert two.lineage.parents[0].version == 1


def test_models_and_queries_show_themselves(task, weights):
    made = OutputModel(task, name="<script>alert(1)</script>", tags=["<b>"])
    made.update_weights(weights("w.bin"), iteration=3)
    made.report_single_value("loss", 0.5)
    shown = [
        repr(each) for each in (task, made, made.snapshots[0], autolog.models(), task.models, made.lineage)
    ]
    assert all("\n" not in each for each in shown)
    assert repr(made) == f"<OutputModel {made.id[:8]} lab/<script>alert(1)</script>  v1 at_path>"
    for html in (made._repr_html_(), autolog.models()._repr_html_()):
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "&lt;b&gt;" in html


def test_switched_off_the_script_does_the_same_and_leaves_nothing(here, weights, tmp_path):
    """In a process of its own, since being off is found out once."""
    weights("w.bin")
    code = """
import sys; sys.path.insert(0, {path!r})
import autolog
from autolog import OutputModel, Task, InputModel
task = Task.init("lab", "trial", output_uri="kept")
made = OutputModel(task, name="net", label_enumeration={{"cat": 0}})
made.update_weights("w.bin", iteration=3)
made.tags.add("a"); made.report_scalar("a", "b", 1, 2)
task.connect({{"rate": 1}}); task.upload_artifact("x", {{"a": 1}})
print(repr(task.id), made.name, made.labels, made.tags, len(autolog.models()), Task.current_task())
task.close()
"""
    environment = {**os.environ, "AUTOLOG_DISABLED": "1", "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code.format(path=str(Path(autolog.__file__).parents[1]))],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "'' net {'cat': 0} ['a'] 1 None\n"
    assert sorted(os.listdir(here)) == ["w.bin"]
    assert not (tmp_path / "home").exists()
    assert os.listdir(tmp_path / "tmp") == []


def test_the_best_version_is_told_by_what_was_saved_and_what_was_reported(task, weights):
    made = OutputModel(task, name="net")
    for step, loss in enumerate((0.5, 0.2, 0.2, 0.9)):
        made.update_weights(weights(f"{step}.bin"), iteration=step)
        made.report_scalar("loss", "loss", loss, step)
        made.report_scalar("val", "accuracy", 1 - loss, step)
    made.report_matrix("m", "m", [[1, 2]], iteration=2)
    made.update_weights(weights("last.bin"), iteration=9)
    assert made.best("loss").version == made.best("min:loss").version == 3
    assert made.best("max:loss").version == 4
    assert made.best("max:val/accuracy").iteration == 2
    assert made.snapshots[1].metrics == {"loss": 0.2, "val/accuracy": 0.8}
    assert [len(each.figures) for each in made.snapshots] == [0, 0, 1, 0, 0]
    with pytest.raises(NotFound, match="no version has the metric 'f1'; there are loss, val/accuracy"):
        made.best("f1")
    with pytest.raises(BadValue):
        made.best("max:")
