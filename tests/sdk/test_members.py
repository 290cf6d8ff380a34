"""Every member of the classes that ClearML's users know, as their scripts use it: what it does is asserted.

Only the import is another. The table of members and tests is docs/members.md.
"""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import covering
import pytest
from covering import covers

import autolog
from autolog import Framework, InputModel, Model, OutputModel, Task, WeightsFileHandler
from autolog.errors import (
    AutologError,
    BadValue,
    InUse,
    NotFound,
    Published,
    WeightsUnavailable,
)
from autolog.sdk.model import BaseModel

pytestmark = [pytest.mark.core, pytest.mark.slow]

OWNERS = {"BaseModel": BaseModel, "Model": Model, "InputModel": InputModel, "OutputModel": OutputModel,
          "Task": Task, "WeightsFileHandler": WeightsFileHandler}  # fmt: skip


# -- the table ----------------------------------------------------------------------------------------


def test_no_member_is_without_a_test():
    missing = [each.key for each in covering.members() if each.key not in covering.COVERED]
    assert missing == []
    known = {each.key for each in covering.members()}
    assert sorted(set(covering.COVERED) - known) == [], "not in members.txt"


def test_the_table_is_up_to_date():
    assert covering.TABLE.read_text("utf-8") == covering.table(), "run: python tests/sdk/covering.py"


@pytest.mark.parametrize("member", covering.members(), ids=lambda each: f"{each.key}-{each.kind}")
def test_member_has_the_arguments_that_are_known(member):
    found = inspect.getattr_static(OWNERS[member.owner], member.name)
    if member.kind in ("property", "setter"):
        assert isinstance(found, property)
        assert member.kind == "property" or found.fset is not None
        return
    assert isinstance(found, classmethod) == (member.kind == "classmethod")
    there = inspect.signature(getattr(OWNERS[member.owner], member.name)).parameters
    takes_more = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in there.values())
    order = [name for name in there if name != "self"]
    wanted = [each.partition("=")[0] for each in member.arguments if not each.startswith("**")]
    assert [name for name in order if name in wanted] == wanted
    for text in member.arguments:
        name, _, default = text.partition("=")
        if name.startswith("**"):
            assert takes_more
        elif default:
            assert there[name].default == eval(default)
        else:
            assert there[name].default is inspect.Parameter.empty


# -- BaseModel ----------------------------------------------------------------------------------------


@covers("BaseModel.__init__", "BaseModel.id", "OutputModel.id", "Model.id", "InputModel.id", "Model.__init__")
def test_a_model_is_known_by_its_id(task):
    made = OutputModel(task, name="net")
    assert len(made.id) == 32
    assert Model(made.id).id == InputModel(made.id).id == made.id
    assert Model(made.id[:12]) == made
    assert OutputModel(task).task == task.id
    with pytest.raises(NotFound, match="no model is called 'feed"):
        Model("feedfeedfeed")


@covers("BaseModel.name", "BaseModel.name=", "BaseModel.project", "BaseModel.project=", "BaseModel.comment",
        "BaseModel.comment=")  # fmt: skip
def test_name_project_and_comment_can_be_set(task):
    made = OutputModel(task, name="net", comment="first")
    assert (made.name, made.project, made.comment) == ("net", "lab", "first")
    made.name, made.project, made.comment = "better", "other", "second"
    found = Model(made.id)
    assert (found.name, found.project, found.comment) == ("better", "other", "second")
    assert found.project_id == "other"


@covers("BaseModel.tags", "BaseModel.tags=", "BaseModel.system_tags", "BaseModel.system_tags=",
        "BaseModel.archived_tag")  # fmt: skip
def test_tags_are_lists_that_can_be_set(task):
    made = OutputModel(task, tags=["a", "b"])
    assert made.tags == ["a", "b"]
    assert isinstance(made.tags, list)
    made.tags = ["b", "c", "b"]
    assert Model(made.id).tags == ["b", "c"]
    made.system_tags = ["package", made.archived_tag]
    assert Model(made.id).system_tags == ["package", "archived"]
    assert Model(made.id).archived
    assert json.dumps([*made.tags, "d"]) == '["b", "c", "d"]'


@covers("BaseModel.config_text", "BaseModel.config_dict", "BaseModel.labels")
def test_design_and_labels_are_read_from_any_model(task):
    made = OutputModel(
        task, config_dict={"layers": [1, 2], "rate": 0.5}, label_enumeration={"cat": 0, "dog": 1}
    )
    found = Model(made.id)
    assert json.loads(found.config_text) == found.config_dict == {"layers": [1, 2], "rate": 0.5}
    assert found.labels == {"cat": 0, "dog": 1}
    text = OutputModel(task, config_text="layer { name: conv }")
    assert Model(text.id).config_text == "layer { name: conv }"
    with pytest.raises(BadValue, match="no dictionary in JSON or YAML"):
        _ = OutputModel(task, config_text="[1, 2]").config_dict


@covers("BaseModel.task", "BaseModel.original_task")
def test_a_model_tells_the_task_that_made_it(task):
    made = OutputModel(task)
    assert made.task == made.original_task == task.id
    assert Model(made.id).task == task.id


@covers("BaseModel.url")
def test_the_url_is_where_the_weights_are(task, weights, here):
    made = OutputModel(task)
    assert made.url is None
    path = weights("my weights.bin")
    made.update_weights(path)
    assert made.url == f"file://{path}"
    made.update_weights(path, upload_uri=here / "kept", async_enable=False)
    assert made.url == f"file://{here}/kept/lab/trial.{task.id[:12]}/models/trial/v2/my weights.bin"
    assert Path(made.url.removeprefix("file://")).read_bytes() == path.read_bytes()


@covers("BaseModel.published", "BaseModel.publish", "OutputModel.published")
def test_what_is_published_keeps_weights_design_and_labels(task, weights):
    made = OutputModel(task, label_enumeration={"cat": 0})
    made.update_weights(weights())
    assert not made.published
    made.publish()
    assert made.published
    assert Model(made.id).published
    for change in (
        lambda: made.update_labels({"dog": 1}),
        lambda: made.update_design(config_text="x"),
        lambda: made.update_weights(weights()),
        lambda: made.update_weights_package(weights_path=os.getcwd()),
        lambda: made.labels.update(dog=1),
        lambda: OutputModel(task, base_model_id=made.id),
    ):
        with pytest.raises(Published, match="published"):
            change()
    assert len(made.snapshots) == 1
    made.tags.add("still")
    made.set_metadata("still", 1)
    made.comment = "still"
    assert (made.tags, made.get_metadata_casted("still"), made.comment) == (["still"], 1, "still")


@covers("BaseModel.framework")
def test_the_framework_is_a_name(task):
    assert OutputModel(task, framework="pytorch").framework == Framework.pytorch == "PyTorch"
    assert OutputModel(task, framework=Framework.keras).framework == "Keras"
    assert OutputModel(task, framework="my own").framework == "my own"


@covers("BaseModel.get_weights")
def test_weights_are_got_as_a_path_on_this_machine(task, weights):
    made = OutputModel(task)
    with pytest.warns(UserWarning, match="has no version yet"):
        assert made.get_weights() is None
    with pytest.raises(WeightsUnavailable):
        made.get_weights(raise_on_error=True)
    path = weights("w.bin")
    made.update_weights(path, upload_uri=True, async_enable=False)
    assert made.get_weights() == str(path)
    first = path.read_bytes()
    path.write_bytes(b"others")
    found = made.get_weights(raise_on_error=True, force_download=True)
    assert found != str(path)
    assert Path(found).read_bytes() == first


@covers("BaseModel.get_weights_package", "OutputModel.update_weights_package", "Model.get_local_copy")
def test_several_files_are_one_version(task, weights, here):
    for name in ("model/a.bin", "model/inner/b.bin"):
        weights(name)
    made = OutputModel(task, name="pair")
    made.update_weights_package(weights_path=here / "model", iteration=4)
    assert made.system_tags == ["package"]
    assert [each.iteration for each in made.snapshots] == [4]
    assert made.get_weights_package() == [here / "model/a.bin", here / "model/inner/b.bin"]
    assert made.get_weights_package(return_path=True) == str(here / "model")
    assert Model(made.id).get_local_copy() == str(here / "model")
    made.update_weights_package(weights_filenames=[here / "model/a.bin", str(here / "model/inner/b.bin")])
    assert made.snapshots[1].digest == made.snapshots[0].digest
    made.update_weights_package(weights_filenames=[here / "model/a.bin"])
    assert made.snapshots[2].files == ("a.bin",) or made.snapshots[2].size == 2000
    for wrong in ({}, {"weights_path": here / "model", "weights_filenames": ["a"]}):
        with pytest.raises(BadValue, match="not both"):
            made.update_weights_package(**wrong)
    with pytest.raises(NotFound, match="there is no file at"):
        made.update_weights_package(weights_filenames=[here / "absent.bin"])
    assert len(made.snapshots) == 3


@covers("BaseModel.report_scalar", "BaseModel.report_single_value")
def test_scalars_are_metrics_that_queries_know(task):
    made = OutputModel(task, name="scored")
    for step, value in enumerate((0.5, 0.2, 0.3)):
        made.report_scalar("val", "loss", value, step)
    made.report_single_value("accuracy", 0.9)
    assert made.metrics == {"val/loss": 0.3, "accuracy": 0.9}
    assert made.get_metric("val/loss") == [(0, 0.5), (1, 0.2), (2, 0.3)]
    assert [each.id for each in autolog.models(where="val/loss < 0.4 and accuracy > 0.5")] == [made.id]
    assert task.get_last_iteration() == 2


@covers("BaseModel.report_histogram", "BaseModel.report_vector", "BaseModel.report_table",
        "BaseModel.report_line_plot", "BaseModel.report_scatter2d", "BaseModel.report_scatter3d",
        "BaseModel.report_confusion_matrix", "BaseModel.report_matrix",
        "BaseModel.report_surface")  # fmt: skip
def test_figures_are_kept_with_their_data(task):
    made = OutputModel(task)
    square = [[1, 2], [3, 4]]
    made.report_histogram("weights", "layer", [1, 2, 3], iteration=1, xaxis="x", yaxis="y")
    made.report_vector("bias", "layer", [1, 2], iteration=1)
    made.report_table("summary", "all", iteration=1, table_plot=[["name", "score"], ["a", 1]])
    made.report_line_plot(
        "roc", [autolog.SeriesInfo(name="a", data=[[0, 0], [1, 1]])], xaxis="fpr", yaxis="tpr", iteration=1
    )
    made.report_scatter2d("points", "a", [(0, 1), (2, 3)], iteration=1, mode="markers")
    made.report_scatter3d("points", "b", [(0, 1, 2)], iteration=1)
    made.report_confusion_matrix(
        "confusion", "val", square, iteration=1, xlabels=["a", "b"], ylabels=["a", "b"]
    )
    made.report_matrix("matrix", "m", square, iteration=1)
    made.report_surface("surface", "s", square, iteration=1)
    figures = made.figures
    assert sorted((each.title, each.series) for each in figures) == sorted(
        [("weights", "layer"), ("bias", "layer"), ("summary", "all"), ("roc", ""), ("points", "a"),
         ("points", "b"), ("confusion", "val"), ("matrix", "m"), ("surface", "s")]
    ) or len(figures) == 9  # fmt: skip
    for each in figures:
        assert each.iteration == 1
        assert json.dumps(each.figure["data"])
        assert each.figure["data"]
    made.report_vector("bias", "layer", [9], iteration=1)
    assert len(made.figures) == 9
    with pytest.raises(AutologError):
        made.report_table("summary", "all")


@covers("BaseModel.archive", "BaseModel.unarchive")
def test_the_archive_hides_and_gives_back(task):
    made = OutputModel(task)
    made.archive()
    assert made.archived
    assert len(autolog.models()) == 0
    assert len(autolog.models(archived=None)) == 1
    made.archive()
    made.unarchive()
    assert not made.archived
    assert len(autolog.models()) == 1


@covers("BaseModel.get_offline_mode_folder")
def test_everything_local_has_a_folder(task, tmp_path):
    assert OutputModel(task).get_offline_mode_folder() == str(tmp_path / "home")


@covers("BaseModel.set_metadata", "BaseModel.get_metadata", "BaseModel.get_metadata_casted",
        "BaseModel.get_all_metadata", "BaseModel.get_all_metadata_casted",
        "BaseModel.set_all_metadata")  # fmt: skip
def test_metadata_keeps_the_types_of_values(task):
    made = OutputModel(task)
    assert made.set_metadata("count", 3)
    made.set_metadata("rate", "0.5", "float")
    made.set_metadata("names", "['a', 'b']", v_type="list")
    made.set_metadata("on", "False", v_type="bool")
    assert made.get_metadata("count") == "3"
    assert made.get_metadata("absent") is None
    assert made.get_metadata_casted("rate") == 0.5
    assert made.get_metadata_casted("absent") is None
    assert made.get_all_metadata_casted() == {"count": 3, "rate": 0.5, "names": ["a", "b"], "on": False}
    assert made.get_all_metadata()["rate"] == {"value": "0.5", "type": "float"}
    made.set_all_metadata({"new": {"value": "7", "type": "int"}}, replace=False)
    assert made.get_metadata_casted("new") == 7
    assert made.get_metadata_casted("count") == 3
    made.set_all_metadata({"only": {"value": "x", "type": "str"}})
    assert made.get_all_metadata_casted() == {"only": "x"}
    copy = OutputModel(task)
    copy.set_all_metadata(made.get_all_metadata())
    assert copy.get_all_metadata() == made.get_all_metadata()


# -- Model --------------------------------------------------------------------------------------------


@covers("Model.query_models")
def test_models_are_looked_for_by_names_tags_and_metadata(task):
    for number in range(4):
        made = OutputModel(task, name=f"net-{number}", tags=[f"t{number}", "all"])
        made.set_metadata("number", number)
    names = lambda **asked: [each.name for each in Model.query_models(**asked)]  # noqa: E731
    assert names(project_name="lab") == ["net-3", "net-2", "net-1", "net-0"]
    assert names(project_name="elsewhere") == []
    assert names(model_name="net-[0-9]") == [] or names(model_name="net-?") == names()
    assert names(model_name="net-2") == ["net-2"]
    assert names(tags=["t1", "t2"]) == ["net-2", "net-1"]
    assert names(tags=["__$all", "all", "t1"]) == ["net-1"]
    assert names(tags=["all", "-t3"]) == ["net-2", "net-1", "net-0"]
    assert names(metadata={"number": 2}) == ["net-2"]
    assert names(max_results=2) == ["net-3", "net-2"]
    assert names(max_results=0) == []
    Model.query_models(model_name="net-0")[0].publish()
    Model.query_models(model_name="net-3")[0].archive()
    assert names(only_published=True) == ["net-0"]
    assert "net-3" not in names()
    assert "net-3" in names(include_archived=True)


@covers("Model.remove")
def test_removing_frees_our_bytes_and_no_file_of_the_scripts(task, weights, here):
    path = weights()
    made = OutputModel(task, name="gone")
    made.update_weights(path, upload_uri=here / "kept", async_enable=False)
    other = OutputModel(task, name="used")
    other.update_weights(weights("used.bin"), async_enable=False)
    task.close()
    later = Task.init("lab", "later")
    InputModel(other.id).connect(later)
    with pytest.raises(InUse, match="has been loaded by later"):
        Model.remove(other.id, raise_on_errors=True)
    with pytest.warns(UserWarning, match="not removed"):
        assert Model.remove(Model(other.id)) is False
    assert Model.remove(other, force=True)
    assert Model.remove(made.id)
    assert path.exists()
    assert [each for each in (here / "kept").rglob("*") if each.is_file()] == []
    with pytest.raises(NotFound):
        Model(made.id)
    with pytest.raises(NotFound):
        Model.remove(made.id, raise_on_errors=True)


@covers("Model.remove")
def test_what_is_published_is_removed_by_force_alone(task, weights, here):
    made = OutputModel(task, name="out")
    made.update_weights(weights(), upload_uri=here / "kept", async_enable=False)
    made.publish()
    task.close()
    for options in ({}, {"delete_weights_file": False}):
        with pytest.raises(InUse, match="published"):
            Model.remove(made.id, raise_on_errors=True, **options)
    with pytest.raises(InUse, match="published"):
        task.delete(raise_on_error=True, skip_models_used_by_other_tasks=False)
    assert [each for each in (here / "kept").rglob("*") if each.is_file()]
    assert Model(made.id).published
    assert Model.remove(made.id, force=True)
    with pytest.raises(NotFound):
        Model(made.id)


# -- InputModel ---------------------------------------------------------------------------------------


@covers("InputModel.import_model", "InputModel.load_model")
def test_a_file_becomes_a_model_once(task, weights):
    path = weights("vgg.h5")
    made = InputModel.import_model(
        path, config_dict={"depth": 16}, label_enumeration={"cat": 0}, name="vgg", project="zoo",
        tags=["base"],
        comment="from a disk", is_package=True, create_as_published=True, framework="keras",
    )  # fmt: skip
    assert (made.name, made.project, made.framework) == ("vgg", "zoo", "Keras")
    assert (made.config_dict, made.labels, made.tags) == ({"depth": 16}, {"cat": 0}, ["base"])
    assert made.comment == f"Imported by task id: {task.id}\nfrom a disk"
    assert made.published
    assert "package" in made.system_tags
    assert made.original_task is None
    again = InputModel.import_model(f"file://{path}", name="other")
    assert again.id == made.id
    assert again.name == "vgg"
    assert InputModel.load_model(str(path)).id == made.id
    copy = weights("copy.h5", path.read_bytes())
    assert InputModel.load_model(copy).id == made.id
    assert InputModel.load_model(weights("another.h5")) is None
    made.archive()
    assert InputModel.load_model(path) is None
    assert InputModel.load_model(path, load_archived=True).id == made.id
    with pytest.raises(NotFound, match="there is nothing at"):
        InputModel.import_model("absent.h5")
    with pytest.raises(BadValue, match="not as both"):
        InputModel.import_model(weights("both.h5"), config_text="a", config_dict={})
    assert InputModel.load_model("both.h5") is None


@covers("InputModel.empty")
def test_an_empty_model_brings_design_and_labels(task):
    empty = InputModel.empty(config_dict={"depth": 3}, label_enumeration={"cat": 0})
    assert (empty.id, empty.config_dict, empty.labels) == ("", {"depth": 3}, {"cat": 0})
    empty.connect(task)
    assert task.get_model_config_dict() == {"depth": 3}
    assert task.get_labels_enumeration() == {"cat": 0}
    assert len(task.models.input) == 0


@covers("InputModel.__init__")
def test_the_newest_with_these_names_and_tags(task):
    for tag in ("a", "b"):
        OutputModel(task, name="net", tags=[tag])
    assert InputModel(name="net", project="lab").tags == ["b"]
    assert InputModel(tags=["a"]).tags == ["a"]
    with pytest.raises(NotFound, match="no model has name='net', only_published=True"):
        InputModel(name="net", only_published=True)
    with pytest.raises(BadValue, match="say which model"):
        InputModel()


@covers("InputModel.connect", "Task.connect")
def test_a_connected_model_is_an_input_and_fills_the_task(task, weights):
    made = InputModel.import_model(weights("base.bin"), config_text="net", label_enumeration={"cat": 0})
    made.connect(task, name="backbone")
    assert made.task == task.id
    assert task.models.input["backbone"] == made
    assert (task.get_model_config_text(), task.get_labels_enumeration()) == ("net", {"cat": 0})
    other = InputModel.import_model(weights("other.bin"), config_text="another")
    assert task.connect(other) is other
    assert task.get_model_config_text() == "net"
    assert task.models.input.keys() == ["backbone", "other"]
    made.connect(task, name="renamed")
    assert task.models.input.keys() == ["renamed", "other"]
    fresh = OutputModel(task)
    assert (fresh.config_text, fresh.labels) == ("net", {"cat": 0})
    assert [each.id for each in fresh.lineage.parents] == [made.id, other.id]
    assert [each.id for each in made.lineage.children] == [fresh.id]
    parameters = {"rate": 0.1, "deep": {"a": (1, 2)}}
    assert task.connect(parameters, name="Args") is parameters
    assert task.get_parameters() == {"Args/rate": 0.1, "Args/deep": {"a": [1, 2]}}
    with pytest.raises(BadValue, match="can be connected, not int"):
        task.connect(3)


# -- OutputModel --------------------------------------------------------------------------------------


@covers("OutputModel.__init__")
def test_an_output_model_is_made_by_a_task(here, task):
    made = OutputModel(
        config_dict={"a": 1},
        label_enumeration={"cat": 0},
        name="net",
        tags=["x"],
        comment="c",
        framework="onnx",
    )
    assert (made.config_dict, made.labels, made.name, made.tags) == ({"a": 1}, {"cat": 0}, "net", ["x"])
    assert (made.comment, made.framework, made.project) == ("c", "ONNX", "lab")
    assert OutputModel(task).name == "trial"
    again = OutputModel(task, base_model_id=made.id, comment="more")
    assert again.id == made.id
    assert again.comment == f"c\nOverwritten by task id: {task.id}\nmore"
    assert again.config_dict == {"a": 1}
    with pytest.raises(BadValue, match="made by a Task, not by a str"):
        OutputModel("task")
    task.close()
    with pytest.raises(BadValue, match=r"call autolog.init\(\) first"):
        OutputModel(name="alone")


@covers("OutputModel.config_text", "OutputModel.config_text=", "OutputModel.config_dict",
        "OutputModel.config_dict=", "OutputModel.update_design")  # fmt: skip
def test_the_design_is_written_at_once(task):
    made = OutputModel(task)
    made.config_text = "conv"
    assert Model(made.id).config_text == made.config_text == "conv"
    made.config_dict = {"depth": 3}
    assert Model(made.id).config_dict == made.config_dict == {"depth": 3}
    assert made.update_design(config_dict={"depth": 4})
    assert Model(made.id).config_dict == {"depth": 4}
    assert task.get_model_config_text() == "conv"


@covers("OutputModel.labels", "OutputModel.labels=", "OutputModel.update_labels")
def test_labels_are_names_of_whole_numbers(task):
    made = OutputModel(task)
    made.labels = {"cat": 0}
    assert Model(made.id).labels == made.labels == {"cat": 0}
    made.update_labels({"cat": 0, "dog": 1})
    assert Model(made.id).labels == {"cat": 0, "dog": 1}
    assert task.get_labels_enumeration() == {"cat": 0}
    for wrong in ({"cat": 0.5}, {"cat": "0"}, {"cat": True}, {1: 1}, ["cat"]):
        with pytest.raises(BadValue):
            made.update_labels(wrong)
    assert Model(made.id).labels == {"cat": 0, "dog": 1}


@covers("OutputModel.upload_storage_uri", "OutputModel.set_upload_destination",
        "OutputModel.set_default_upload_uri")  # fmt: skip
def test_weights_go_where_it_is_said(task, weights, here):
    made = OutputModel(task, name="net")
    assert made.upload_storage_uri == ""
    OutputModel.set_default_upload_uri(here / "all")
    assert made.upload_storage_uri == str(here / "all")
    made.update_weights(weights("a.bin"), async_enable=False)
    made.set_upload_destination(here / "own")
    assert made.upload_storage_uri == str(here / "own")
    made.update_weights(weights("b.bin"), async_enable=False)
    made.update_weights(weights("c.bin"), upload_uri=here / "call", async_enable=False)
    OutputModel.set_default_upload_uri(None)
    assert OutputModel(task).upload_storage_uri == ""
    kept = sorted(str(each.relative_to(here)) for each in here.rglob("*.bin") if "models" in str(each))
    folder = f"lab/trial.{task.id[:12]}/models/net"
    assert kept == [f"all/{folder}/v1/a.bin", f"call/{folder}/v3/c.bin", f"own/{folder}/v2/b.bin"]


@covers("OutputModel.connect")
def test_a_model_has_a_name_on_its_task(task):
    made = OutputModel(task, config_text="net", label_enumeration={"cat": 0})
    made.connect(task, name="main")
    assert task.models.output["main"] == made
    assert (task.get_model_config_text(), task.get_labels_enumeration()) == ("net", {"cat": 0})
    with pytest.raises(BadValue, match="is made by task"):
        made.connect(Task())


@covers("OutputModel.update_weights")
def test_updating_weights_makes_the_next_version(task, weights, here):
    made = OutputModel(task, name="net")
    path = weights("w.bin")
    assert made.update_weights(str(path), iteration=3) == f"file://{path}"
    path.write_bytes(b"second")
    kept = made.update_weights(
        path, upload_uri=here / "kept", target_filename="other.bin", iteration=4, async_enable=False
    )
    assert kept.endswith("/v2/other.bin")
    assert Path(kept.removeprefix("file://")).read_bytes() == b"second"
    made.update_weights(
        register_uri="https://user:secret@example.org/net.bin?token=abc", update_comment=False
    )
    versions = made.snapshots
    assert [(each.version, each.iteration) for each in versions] == [(1, 3), (2, 4), (3, None)]
    assert [each.state for each in versions] == ["overwritten", "at_path", "at_path"]
    assert "secret" not in str(versions[2].uri) + made.comment
    assert made.comment.split("\n") == [f"snapshot {path} stored"]
    made.update_weights(path, is_package=True, update_comment=False)
    assert "package" in made.system_tags
    going = weights("going.bin")
    made.update_weights(going, upload_uri=True, auto_delete_file=True)
    assert not going.exists()
    assert made.snapshots[-1].is_kept
    for wrong in ({}, {"weights_filename": path, "register_uri": str(path)}, {"weights_filename": 3},
                  {"weights_filename": path, "iteration": 0.5},
                  {"weights_filename": path, "target_filename": "a/b"}):  # fmt: skip
        with pytest.raises(BadValue):
            made.update_weights(**wrong)
    with pytest.raises(NotFound, match="there are no weights at"):
        made.update_weights("absent.bin")
    assert len(made.snapshots) == 5


@covers("OutputModel.wait_for_uploads")
def test_uploads_can_be_waited_for(task, weights):
    made = OutputModel(task)
    made.update_weights(weights(), upload_uri=True)
    OutputModel.wait_for_uploads(timeout=60, max_num_uploads=1)
    from autolog.sdk._records import records

    assert [each.keeping for each in records().store.model(made.id).snapshots] == ["kept"]


# -- Task ---------------------------------------------------------------------------------------------


@covers("Task.init", "Task.current_task")
def test_init_takes_what_clearml_takes(here, capfd):
    task = Task.init(
        project_name="p", task_name="t", task_type="testing", tags=["a"], reuse_last_task_id=False,
        auto_connect_frameworks={"pytorch": "*.pt"}, auto_connect_streams=False,
    )  # fmt: skip
    assert Task.current_task() is task
    assert (task.project, task.name, task.tags, task.status) == ("p", "t", ["a"], "running")
    err = capfd.readouterr().err
    assert (
        err == "autolog: reuse_last_task_id, auto_connect_streams: not tracked here, so it changes nothing\n"
    )
    made = OutputModel(task, name="net")
    task.close()
    assert Task.current_task() is None
    again = Task.init("p", "t", continue_last_task=True)
    assert again.id == task.id
    assert again.status == "running"
    assert again.models.output["net"] == made
    again.close()
    other = Task.init("p", "t")
    assert other.id != task.id
    other.close()
    by_id = Task.init("p", "t", continue_last_task=task.id)
    assert by_id.id == task.id


@covers("Task.get_task", "Task.get_tasks", "Task.id", "Task.name", "Task.project", "Task.set_archived")
def test_tasks_are_found_by_id_names_and_tags(here):
    for name, tags in (("one", ["a"]), ("two", ["b"])):
        Task.init("lab", name, tags=tags).close()
    two = Task.get_task(project_name="lab", task_name="two")
    assert (two.name, two.project, two.status, len(two.id)) == ("two", "lab", "completed", 32)
    assert Task.get_task(task_id=two.id) == two
    assert Task.get_task(task_id=two.id[:10]) == two
    assert Task.get_task(task_name="three") is None
    assert [each.name for each in Task.get_tasks(project_name="lab")] == ["two", "one"]
    assert [each.name for each in Task.get_tasks(tags=["a"])] == ["one"]
    assert [each.name for each in Task.get_tasks(task_ids=[two.id])] == ["two"]
    two.set_archived(True)
    assert two.archived
    assert Task.get_task(task_name="two", allow_archived=False) is None
    assert Task.get_task(task_name="two") == two
    with pytest.raises(NotFound):
        Task.get_task(task_id="feedfeed")


@covers("Task.status", "Task.close", "Task.mark_completed", "Task.mark_failed", "Task.mark_stopped")
def test_a_task_ends_as_it_is_said(here):
    for end, status in (
        (lambda task: task.close(), "completed"),
        (lambda task: task.mark_completed(status_message="done"), "completed"),
        (lambda task: task.mark_failed(status_reason="no data"), "failed"),
        (lambda task: task.mark_stopped(status_message="enough"), "stopped"),
    ):
        task = Task.init("lab", status)
        assert task.status == "running"
        end(task)
        assert task.status == status
        assert Task.current_task() is None
    found = Task.get_task(task_name="failed")
    found.mark_completed()
    assert found.status == "completed"


@covers("Task.parent", "Task.comment", "Task.set_comment", "Task.tags", "Task.add_tags", "Task.rename",
        "Task.move_to_project")  # fmt: skip
def test_what_is_said_of_a_task(task):
    made, apart = OutputModel(task, name="net"), OutputModel(task, name="apart")
    apart.project = "elsewhere"
    assert task.parent is None
    task.set_parent(task.id)
    assert task.parent == task.id
    task.set_comment("a text")
    assert task.comment == "a text"
    task.add_tags(["a", "b"])
    task.add_tags("a")
    assert task.tags == ["a", "b"]
    task.rename("renamed")
    task.move_to_project("moved")
    assert (task.name, task.project) == ("renamed", "moved")
    assert (made.project, apart.project) == ("moved", "elsewhere")


@covers("Task.output_uri", "Task.output_uri=", "Task.storage_uri", "Task.storage_uri=")
def test_the_destination_of_a_task_can_be_changed(here, weights):
    task = Task.init("lab", "trial", output_uri=here / "first")
    assert task.output_uri == task.storage_uri == str(here / "first")
    made = OutputModel(task, name="net")
    made.update_weights(weights("a.bin"), async_enable=False)
    task.output_uri = here / "second"
    made.update_weights(weights("b.bin"), async_enable=False)
    task.storage_uri = None
    assert task.output_uri == ""
    made.update_weights(weights("c.bin"))
    folder = f"lab/trial.{task.id[:12]}/models/net"
    kept = sorted(str(each.relative_to(here)) for each in here.rglob("*.bin") if "models" in str(each))
    assert kept == [f"first/{folder}/v1/a.bin", f"second/{folder}/v2/b.bin"]
    assert [each.is_kept for each in made.snapshots] == [True, True, False]
    task.close()
    assert Task.get_task(task.id).output_uri == ""


@covers("Task.models", "Task.get_models", "Task.input_models_id", "Task.output_models_id")
def test_the_models_of_a_task_have_names(task, weights):
    first, second = OutputModel(task, name="first"), OutputModel(task, name="second")
    loaded = InputModel.import_model(weights("base.bin"))
    task.connect(loaded)
    models = task.models
    assert models["output"] is not None
    assert [each.id for each in models.output] == [first.id, second.id]
    assert models.output[-1] == models["output"]["second"] == second
    assert models.output[0:1] == [first]
    assert models["input"][0] == models.input["base"] == loaded
    assert dict(task.get_models()).keys() == {"input", "output"}
    assert task.input_models_id == {"base": loaded.id}
    assert task.output_models_id == {"first": first.id, "second": second.id}
    with pytest.raises(NotFound, match="has no output model called 'third'; it has 'first', 'second'"):
        _ = models.output["third"]
    with pytest.raises(KeyError):
        _ = models["others"]


@covers("Task.connect_configuration")
def test_configurations_are_recorded_as_text(task, here):
    given = {"a": [1, 2], "b": {"c": None}}
    assert task.connect_configuration(given, name="main", description="all of it") is given
    assert json.loads(task.get_configuration_object("main")) == given
    (here / "conf.yaml").write_text("rate: 0.1\n")
    assert task.connect_configuration("conf.yaml", name="file") == Path("conf.yaml")
    assert task.connect_configuration(here / "conf.yaml", name="file").as_posix() == str(here / "conf.yaml")
    assert task.get_configuration_object("file") == "rate: 0.1\n"
    assert task.get_configuration_object("absent") is None
    with pytest.raises(NotFound, match=r"absent.json can't be read"):
        task.connect_configuration("absent.json")


@covers("Task.connect_label_enumeration", "Task.get_labels_enumeration", "Task.set_model_label_enumeration",
        "Task.set_model_config", "Task.get_model_config_text", "Task.get_model_config_dict",
        "Task.get_model_design")  # fmt: skip
def test_a_task_has_labels_and_a_design_for_its_models(task):
    labels = {"cat": 0}
    assert task.connect_label_enumeration(labels) is labels
    assert task.get_labels_enumeration() == labels
    task.set_model_label_enumeration({"dog": 1})
    assert task.get_labels_enumeration() == {"dog": 1}
    task.set_model_config(config_dict={"depth": 3})
    assert task.get_model_config_dict() == {"depth": 3}
    task.set_model_config("conv")
    assert task.get_model_config_text() == task.get_model_design() == "conv"
    made = OutputModel(task)
    assert (made.labels, made.config_text) == ({"dog": 1}, "conv")


@covers("Task.set_input_model", "Task.remove_input_models")
def test_input_models_are_set_and_taken_away(task, weights):
    made = InputModel.import_model(
        weights("base.bin"), config_text="conv", label_enumeration={"cat": 0}, name="b"
    )
    task.set_model_config("own")
    task.set_input_model(model_id=made.id, update_task_design=False, name="backbone")
    assert task.models.input.keys() == ["backbone"]
    assert task.get_model_config_text() == "own"
    assert task.get_labels_enumeration() == {"cat": 0}
    task.set_input_model(model_name="b")
    assert task.get_model_config_text() == "conv"
    task.remove_input_models([made])
    assert task.input_models_id == {}


@covers("Task.update_output_model")
def test_an_output_model_is_updated_by_its_name(task, weights):
    path = weights("net.bin")
    task.update_output_model(path, name="the net", comment="c", tags=["a"], iteration=1)
    path.write_bytes(b"second")
    task.update_output_model(path, iteration=2)
    task.update_output_model(weights("other.bin"), model_name="role")
    assert task.models.output.keys() == ["net", "role"]
    made = task.models.output["net"]
    assert (made.name, made.tags, [each.iteration for each in made.snapshots]) == ("the net", ["a"], [1, 2])


@covers("Task.artifacts", "Task.upload_artifact", "Task.delete_artifacts")
def test_artifacts_are_kept_beside_the_models(task, here):
    (here / "notes.txt").write_text("hello")
    assert task.upload_artifact("notes", here / "notes.txt", metadata={"by": "me"})
    task.upload_artifact("numbers", {"a": [1, 2]}, wait_on_upload=True)
    assert sorted(task.artifacts) == ["notes", "numbers"]
    assert task.artifacts["numbers"].get() == {"a": [1, 2]}
    assert Path(task.artifacts["notes"].get_local_copy()).read_text() == "hello"
    assert task.artifacts["notes"].metadata == {"by": "me"}
    assert task.delete_artifacts(["notes"])
    assert list(task.artifacts) == ["numbers"]


@covers("Task.publish")
def test_publishing_a_task_publishes_its_models(task, weights):
    made = OutputModel(task)
    made.update_weights(weights())
    with pytest.raises(InUse, match="is running"):
        task.publish()
    task.close()
    assert task.publish()
    assert (task.status, made.published) == ("published", True)


def test_publishing_a_model_publishes_its_task(task):
    made = OutputModel(task)
    task.close()
    made.publish()
    assert task.status == "published"


@covers("Task.flush")
def test_flushing_waits_for_what_was_saved(task, weights):
    made = OutputModel(task)
    made.update_weights(weights(), upload_uri=True)
    assert task.flush(wait_for_uploads=True)
    from autolog.sdk._records import records

    assert [each.keeping for each in records().store.model(made.id).snapshots] == ["kept"]


@covers("Task.delete")
def test_deleting_a_task_takes_its_models_along_unless_they_are_used(here, weights):
    first = Task.init("lab", "first")
    used, alone = OutputModel(first, name="used"), OutputModel(first, name="alone")
    path = weights("used.bin")
    used.update_weights(path)
    alone.update_weights(weights("alone.bin"))
    first.upload_artifact("numbers", {"a": 1})
    with pytest.raises(InUse, match="is running"):
        first.delete(raise_on_error=True)
    first.close()
    second = Task.init("lab", "second")
    InputModel(used.id).connect(second)
    second.close()
    with pytest.raises(InUse, match="1 models of first have been loaded by other tasks"):
        first.delete(raise_on_error=True)
    assert [each.name for each in autolog.models()] == ["used"]
    with pytest.warns(UserWarning, match="not deleted"):
        assert not first.delete(delete_artifacts_and_models=False)
    assert first.delete(skip_models_used_by_other_tasks=False, raise_on_error=True)
    assert Task.get_task(task_name="first") is None
    assert path.exists()
    assert second.delete()


@covers("Task.get_last_iteration", "Task.set_initial_iteration")
def test_iterations_go_on_from_where_an_earlier_run_ended(task, weights):
    made = OutputModel(task)
    made.update_weights(weights(), iteration=7)
    assert task.get_last_iteration() == 7
    assert task.set_initial_iteration(task.get_last_iteration() + 1) == 8
    made.report_scalar("loss", "loss", 0.5, 2)
    made.update_weights(weights(), iteration=3)
    assert made.get_metric("loss") == [(10, 0.5)]
    assert task.get_last_iteration() == 11
    with pytest.raises(BadValue):
        task.set_initial_iteration(0.5)


# -- callbacks ----------------------------------------------------------------------------------------


@covers("WeightsFileHandler.add_pre_callback", "WeightsFileHandler.add_post_callback",
        "WeightsFileHandler.remove_pre_callback", "WeightsFileHandler.remove_post_callback")  # fmt: skip
def test_callbacks_see_and_stop_saves(here, tmp_path):
    """In a process of its own: it is the toy framework of the tests that saves."""
    code = """
import sys; sys.path[:0] = {paths!r}
import autolog
from autolog import Task, WeightsFileHandler
from autolog.capture import callbacks
task = Task.init("lab", "trial", output_uri={kept!r})
seen = []
def before(kind, info):
    seen.append((kind, info.framework, info.local_model_path.rpartition("/")[2], info.model, info.task is
    task))
    if info.local_model_path.endswith("skip.pkl"):
        return None
    info.upload_filename = "named.pkl"
    return info
def after(kind, info):
    if kind == "save":
        info.model.tags.add("seen")
        info.model.comment = kind
first = WeightsFileHandler.add_pre_callback(before)
second = WeightsFileHandler.add_post_callback(after)
import joblib
from sklearn.linear_model import LinearRegression
model = LinearRegression().fit([[0], [1]], [0, 1])
joblib.dump(model, "keep.pkl"); joblib.dump(model, "skip.pkl"); joblib.load("keep.pkl")
assert WeightsFileHandler.remove_pre_callback(first) and not WeightsFileHandler.remove_pre_callback(first)
assert WeightsFileHandler.remove_post_callback(second)
joblib.dump(model, "later.pkl")
print(seen)
print(sorted((each.name, each.tags, each.comment) for each in task.models.output))
print(sorted(each.url.rpartition("/")[2] for each in task.models.output))
"""
    pytest.importorskip("sklearn")
    paths = [str(Path(autolog.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", code.format(paths=paths, kept=str(here / "kept"))],
        capture_output=True, text=True, check=False, cwd=here, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    seen, models, urls = done.stdout.splitlines()
    assert eval(seen) == [
        ("save", "ScikitLearn", "keep.pkl", None, True),
        ("save", "ScikitLearn", "skip.pkl", None, True),
        ("load", "ScikitLearn", "keep.pkl", None, True),
    ]
    assert eval(models) == [("trial - keep", ["seen"], "save"), ("trial - later", [], "")]
    assert eval(urls) == ["later.pkl", "named.pkl"]
