"""When `autolog.init` goes on with the task that is on, and when it starts another."""

import os

import pytest

import autolog
from autolog import Task

pytestmark = [pytest.mark.core, pytest.mark.slow]


@pytest.fixture
def elsewhere(here):
    """Another folder, with a configuration of its own."""
    folder = here / "outputs" / "1"
    folder.mkdir(parents=True)
    (folder / "autolog.toml").write_text('task = "of that folder"\nexclude = ["*.tmp"]\n')
    return folder


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"task": "trial"},
        {"project": "lab", "task": "trial", "tags": ["a"]},
        {"frameworks": {"pytorch": "*.pt"}, "exclude": ["*.bin"], "output_uri": "kept"},
    ],
)
def test_the_same_arguments_are_the_same_task_wherever_the_script_has_gone(elsewhere, given):
    first = autolog.init(**given)
    os.chdir(elsewhere)
    assert autolog.init(**given) is first
    assert autolog.init() is first
    assert Task.init() is first
    assert first.status == "running"


def test_other_arguments_are_another_task(here):
    first = autolog.init("lab", "trial", frameworks={"pytorch": True})
    second = autolog.init("lab", "trial", frameworks={"pytorch": False})
    third = autolog.init("lab", "other")
    assert len({first.id, second.id, third.id}) == 3
    assert [each.status for each in (first, second, third)] == ["completed", "completed", "running"]


def test_what_is_said_otherwise_but_means_the_same_is_the_same_task(here):
    first = autolog.init(task="trial", output_uri=here / "kept")
    assert autolog.init(here.name, "trial", output_uri="kept") is first


def test_after_the_end_the_same_arguments_are_a_new_task(here):
    first = autolog.init("lab", "trial")
    first.close()
    second = autolog.init("lab", "trial")
    assert second != first
    assert Task.init("lab", "trial", continue_last_task=first.id) is second


def test_a_sweep_of_runs_in_one_process_opens_the_store_once(here):
    def open_stores():
        found = 0
        for each in os.listdir("/proc/self/fd"):
            try:
                found += os.readlink(f"/proc/self/fd/{each}").endswith("autolog.db")
            except OSError:
                continue
        return found

    counts = []
    for number in range(5):
        task = autolog.init(task=f"sweep {number}", output_uri=f"kept-{number % 2}")
        assert task.name == f"sweep {number}"
        assert len(autolog.models()) == 0
        counts.append(open_stores())
        task.close()
    # Its pool may have another connection for another thread.
    assert max(counts) <= counts[0] + 1, counts
