"""`autolog tasks`."""

import pytest

pytestmark = pytest.mark.core


def test_lists_the_newest_first(autolog, story):
    answer = autolog("tasks")
    assert answer.status == 0
    head, *rows = answer.out.splitlines()
    assert " ".join(head.split()) == "ID NAME PROJECT STATUS STARTED DURATION USER IN OUT"
    assert [row.split()[1] for row in rows] == ["evaluate", "finetune", "train"]
    assert rows[2].split()[2:4] == ["demo", "completed"]
    assert rows[2].split()[-6:] == ["min", "5", "s", "ada", "1", "1"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--project", "d*"], ["evaluate", "train"]),
        (["--status", "failed"], []),
        (["--sort", "name"], ["evaluate", "finetune", "train"]),
        (["--sort", "-out,started"], ["train", "finetune", "evaluate"]),
        (["--limit", "1"], ["evaluate"]),
    ],
)
def test_filters_and_sorts(autolog, story, options, names):
    assert [each["name"] for each in autolog("tasks", "--json", *options).json] == names


def test_json_tells_inputs_and_outputs(autolog, story):
    task = autolog("tasks", "--json", "--sort", "started").json[1]
    assert task["name"] == "finetune"
    assert task["started"] == "2026-01-31T12:01:40.000Z"
    (given,) = task["inputs"]
    assert given["name"] == "train - best"
    assert (given["version"], given["path"], given["own"], given["count"]) == (2, "/data/copy.pt", False, 1)
    (made,) = task["outputs"]
    assert (made["name"], made["versions"]) == ("finetune - tuned", 1)
