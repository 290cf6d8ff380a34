"""Where artifacts and weights go: to the task's own destination, whatever the configuration says by then."""

import os
import time
from pathlib import Path

import pytest

import autolog
from autolog import InputModel, OutputModel, Task

pytestmark = [pytest.mark.core, pytest.mark.slow]


def url_of(task, name="it"):
    return task.artifacts[name].url


def test_artifacts_go_where_the_task_is_told_to(here):
    task = autolog.init("lab", "trial", output_uri=here / "first")
    task.upload_artifact("it", [1])
    assert url_of(task).startswith(f"{here}/first/artifacts/{task.id}/")
    task.output_uri = here / "second"
    task.upload_artifact("it", [2])
    assert url_of(task).startswith(f"{here}/second/artifacts/{task.id}/")
    assert task.artifacts["it"].get() == [2]
    assert not (here / "first/artifacts").exists()
    task.output_uri = None  # they have to be somewhere
    task.upload_artifact("it", [3])
    assert url_of(task).startswith(f"{here.parent}/home/content/artifacts/")
    assert task.artifacts["it"].get() == [3]


def test_artifacts_of_an_ended_task_go_where_its_others_are(here):
    autolog.init("lab", "trial", output_uri=here / "kept").close()
    task = Task.get_task(project_name="lab", task_name="trial")
    task.upload_artifact("it", [1])
    assert url_of(task).startswith(f"{here}/kept/artifacts/{task.id}/")


def test_artifacts_of_a_task_without_a_destination_go_where_the_configuration_says(here, monkeypatch):
    autolog.init("lab", "trial").close()
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", str(here / "kept"))
    task = Task.get_task(project_name="lab", task_name="trial")
    task.upload_artifact("it", [1])
    assert url_of(task).startswith(f"{here}/kept/artifacts/{task.id}/")


@pytest.mark.parametrize("is_this_process", [True, False])
def test_weights_after_the_end_go_to_the_destination_of_the_task(here, weights, is_this_process):
    task = autolog.init("lab", "trial", output_uri=here / "kept")
    task.close()
    made = OutputModel(task if is_this_process else Task.get_task(task.id), name="late")
    path = weights("late.bin")
    kept = made.update_weights(path, async_enable=False).removeprefix("file://")
    assert kept == f"{made.upload_storage_uri}/lab/trial.{task.id[:12]}/models/late/v1/late.bin"
    assert made.upload_storage_uri == str(here / "kept")
    assert Path(kept).read_bytes() == path.read_bytes()
    made.update_weights(weights("own.bin"), upload_uri=here / "own", async_enable=False)
    made.update_weights(weights("left.bin"), upload_uri=False)
    assert [each.is_kept for each in made.snapshots] == [True, True, False]
    assert len(list((here / "own").rglob("own.bin"))) == 1


def test_weights_stay_after_the_end_where_the_task_has_no_destination(here, weights, monkeypatch):
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", str(here / "kept"))
    first = autolog.init("lab", "first", output_uri=False)
    second = autolog.init("lab", "second")
    second.output_uri = None
    second.close()
    for task in (first, second):
        made = OutputModel(task, name="late")
        assert made.upload_storage_uri == ""
        made.update_weights(weights("late.bin"))
        assert [each.is_kept for each in made.snapshots] == [False]


def test_what_is_imported_is_kept_where_the_run_says(here, weights):
    autolog.init("lab", "before").close()
    autolog.models().first()  # with the settings of no run
    task = autolog.init("lab", "trial", output_uri=here / "kept")
    task.upload_artifact("it", [1])
    assert InputModel.import_model(weights("base.bin")).snapshot().is_kept
    task.close()
    assert not InputModel.import_model(weights("other.bin")).snapshot().is_kept


def test_a_task_knows_its_settings_when_the_script_has_gone_elsewhere(here, weights):
    (here / "autolog.toml").write_text(f'content_store = "{here}/packs"\n')
    task = autolog.init("lab", "trial", output_uri=True)
    os.chdir(here.parent)  # where that file isn't found
    task.upload_artifact("it", [1])
    assert url_of(task).startswith(f"{here}/packs/artifacts/")


def test_the_password_of_a_destination_is_given_to_it_and_not_recorded(here):
    url = "memory://me:secret@place/models"
    task = autolog.init("lab", "trial", output_uri=url)
    task.upload_artifact("it", [1])
    assert url_of(task).startswith("memory://me:***@place/models/artifacts/")
    assert task.output_uri == "memory://me:***@place/models"
    assert task.artifacts["it"].get() == [1]


def test_flushing_tells_of_bytes_that_wait(here, weights):
    (here / "kept").write_bytes(b"in the way")
    task = autolog.init("lab", "trial", output_uri=here / "kept")
    OutputModel(task, name="net").update_weights(weights("w.bin"))
    assert not task.flush(wait_for_uploads=True)
    assert task.flush()
    (here / "kept").unlink()
    deadline = time.monotonic() + 30
    while not task.flush(wait_for_uploads=True) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert autolog.get("net").snapshots[-1].is_kept
