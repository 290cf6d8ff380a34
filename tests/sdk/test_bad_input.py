"""What people get wrong: typed errors that say what, and nothing half written. No password is seen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autolog
from autolog import InputModel, Model, OutputModel, Task
from autolog.errors import AutologError, BadName, BadValue, DestinationError, NotFound

pytestmark = [pytest.mark.core, pytest.mark.slow]

SECRET = "hunter2hunter2"


def _counts():
    from autolog.sdk._records import records

    found = records()
    found.settle()
    return found.store.counts()


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda task, path: Model("feedfeedfeed"), NotFound),
        (lambda task, path: Model(""), BadName),
        (lambda task, path: Model(3), BadName),
        (lambda task, path: autolog.get("x" * 10_000_000), BadName),
        (lambda task, path: autolog.get("net@absent"), NotFound),
        (lambda task, path: Task.get_task(task_id="feedfeedfeed"), NotFound),
        (lambda task, path: OutputModel(task, name="x" * 10_000_000), BadName),
        (lambda task, path: OutputModel(task, name=" "), BadName),
        (lambda task, path: OutputModel(task, label_enumeration={"cat": "0"}), BadValue),
        (lambda task, path: OutputModel(task, label_enumeration={"cat": 0.0}), BadValue),
        (lambda task, path: OutputModel(task, label_enumeration={"cat": 1 << 70}), BadValue),
        (lambda task, path: OutputModel(task, tags="best"), BadName),
        (lambda task, path: OutputModel(task, tags=["x" * 10_000_000]), BadName),
        (lambda task, path: OutputModel(task, config_text="x" * 10_000_001), BadValue),
        (lambda task, path: OutputModel(task, config_dict=3), BadValue),
        (lambda task, path: OutputModel(task, framework=3), BadValue),
        (lambda task, path: OutputModel(task, base_model_id="feedfeed"), NotFound),
        (lambda task, path: InputModel.import_model("absent.pt"), NotFound),
        (lambda task, path: InputModel.import_model("http://127.0.0.1:9/x.pt"), AutologError),
        (lambda task, path: InputModel.import_model(path, label_enumeration={1: 1}), BadValue),
        (lambda task, path: InputModel.import_model(path, name="x" * 10_000_000), BadName),
        (lambda task, path: task.rename("x" * 10_000_000), BadName),
        (lambda task, path: task.rename(""), BadName),
        (lambda task, path: task.upload_artifact("", {"a": 1}), BadName),
        (lambda task, path: task.upload_artifact("a", object()), BadValue),
        (lambda task, path: setattr(task, "output_uri", 3), BadValue),
        (lambda task, path: setattr(task, "output_uri", f"s3://me:{SECRET}@bucket/a"), DestinationError),
        (lambda task, path: OutputModel.set_default_upload_uri(f"s3://a/b?token={SECRET}"), DestinationError),
    ],
)
def test_nothing_is_written_of_what_is_wrong(task, weights, wrong, kind):
    path = weights("base.pt")
    assert task.tags == []  # it is in the store
    before = _counts()
    with pytest.raises(kind) as caught:
        wrong(task, path)
    assert len(str(caught.value)) < 1000
    assert SECRET not in str(caught.value)
    assert _counts() == before


@pytest.mark.parametrize(
    "wrong",
    [
        lambda made: made.update_weights("absent.pt"),
        lambda made: made.update_weights("absent.pt", iteration=1),
        lambda made: made.update_weights_package(weights_path="absent"),
        lambda made: made.alias("v3", 1),
        lambda made: made.alias("best", 1),
        lambda made: made.alias("x" * 10_000_000, 1),
        lambda made: made.update_labels({"cat": None}),
        lambda made: made.labels.update(cat="x"),
        lambda made: made.tags.add(""),
        lambda made: made.tags.add(3),
        lambda made: made.metadata.update({"a": object()}),
        lambda made: made.metadata.update({"a": "x" * 10_000_000}),
        lambda made: made.metadata.update({3: "a"}),
        lambda made: made.metadata.update({"": "a"}),
        lambda made: setattr(made, "name", "x" * 10_000_000),
        lambda made: setattr(made, "project", ""),
        lambda made: made.report_scalar("x" * 10_000_000, "y", 1, 1),
        lambda made: made.report_scalar("", "", 1, 1),
        lambda made: made.report_scalar("a", "b", "high", 1),
        lambda made: made.report_scalar("a", "b", 1, "first"),
        lambda made: made.report_single_value("a", None),
        lambda made: made.set_upload_destination(3),
        lambda made: made.set_upload_destination("nosuch://bucket/x"),
        lambda made: made.download("x.pt"),
        lambda made: made.load(),
    ],
)
def test_a_model_stays_as_it_is(task, wrong):
    made = OutputModel(task, name="net", label_enumeration={"cat": 0}, tags=["a"])
    made.metadata["b"] = 1
    before = made._whole
    with pytest.raises(AutologError) as caught:
        wrong(made)
    assert len(str(caught.value)) < 1000
    assert made._whole == before
    assert made.metrics == {}


def test_files_whose_names_are_no_text_are_recorded_and_restored(task, here):
    name = b"caf\xe9-\xff.bin"
    (Path(os.fsdecode(os.fsencode(here) + b"/" + name))).write_bytes(b"weights")
    made = OutputModel(task, name="net")
    made.update_weights(os.fsdecode(os.fsencode(here) + b"/" + name), upload_uri=True, async_enable=False)
    assert made.snapshots[0].size == 7
    assert Path(made.download("copy.bin")).read_bytes() == b"weights"
    assert InputModel.import_model(os.fsencode(here) + b"/" + name).snapshots[0].size == 7


def test_no_password_is_seen_or_stored(here, weights, tmp_path):
    """In a process of its own, to see all that it says."""
    weights("w.bin")
    code = """
import sys; sys.path.insert(0, {path!r})
import autolog
from autolog import InputModel, OutputModel
from autolog.errors import AutologError
task = autolog.init("lab", "trial", output_uri="s3://me:{secret}@bucket/models")
made = OutputModel(task, name="net")
made.update_weights(register_uri="https://me:{secret}@example.org/net.pt?token={secret}")
print(task.output_uri, made.url, made.comment, made, made.snapshots, autolog.models().rows())
for wrong in (
    lambda: made.update_weights("w.bin", upload_uri="s3://me:{secret}@bucket/x"),
    lambda: made.set_upload_destination("s3://me:{secret}@bucket/x"),
    lambda: InputModel.import_model("https://me:{secret}@127.0.0.1:9/net.pt?token={secret}"),
    lambda: InputModel.load_model("https://me:{secret}@127.0.0.1:9/net.pt"),
):
    try:
        print(wrong())
    except AutologError as error:
        print(type(error).__name__, error, repr(error))
task.flush(timeout=3)
"""
    done = subprocess.run(
        [sys.executable, "-c", code.format(path=str(Path(autolog.__file__).parents[1]), secret=SECRET)],
        capture_output=True, text=True, check=False, env={**os.environ, "AUTOLOG_WAIT": "0"}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("DestinationError") == 4
    assert SECRET not in done.stdout + done.stderr
    holding = [
        str(each) for each in tmp_path.rglob("*") if each.is_file() and SECRET.encode() in each.read_bytes()
    ]
    assert holding == []
