"""Every name that `--json` prints is in docs/json.md."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.core

DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"
#: Names under which users, packages or hooks choose the names.
FREE = {"aliases", "labels", "metadata", "metrics", "hooks", "targets", "settings"}


def names(value, found: set[str]) -> set[str]:
    if isinstance(value, list):
        for each in value:
            names(each, found)
    elif isinstance(value, dict):
        for name, inside in value.items():
            found.add(name)
            if name == "settings":
                names(list(inside.values()), found)
            elif not (isinstance(inside, dict) and (name in FREE or name == "versions")):
                names(inside, found)
    return found


@pytest.mark.parametrize(
    "command",
    [
        ["models"],
        ["tasks"],
        ["show", "best", "--tensors", "--lineage"],
        ["show", "tuned", "--lineage"],
        ["show", "base"],
        ["show", "evaluate"],
        ["doctor"],
    ],
    ids=" ".join,
)
def test_every_name_is_documented(autolog, story, command):
    answer = autolog(*command, "--json")
    documented = set(re.findall(r"`([a-z_]+)`", DOCUMENT.read_text()))
    printed = names(answer.json, set())
    assert len(printed) > 10
    assert printed <= documented
    assert ("schema" in printed) is isinstance(answer.json, dict)


@pytest.mark.parametrize(
    "command",
    [
        ["restore", "m", "out"],
        ["verify", "--deep"],
        ["gc", "--keep-last", "1", "--yes", "--repack"],
        ["rm", "m:v1", "--yes"],
        ["show", "m"],
    ],
    ids=" ".join,
)
def test_every_name_of_what_is_kept_is_documented(autolog, versions, shelf, command):
    (shelf.work / "m.bin").unlink()
    if command[0] == "verify":
        shelf.packs()[0].unlink()
    answer = autolog(*command, "--json")
    documented = set(re.findall(r"`([a-z_]+)`", DOCUMENT.read_text()))
    printed = names(answer.json, set())
    assert len(printed) > 5
    assert printed <= documented
    assert answer.json["schema"] == 1


def test_every_documented_exit_status_is_the_codes_own():
    from autolog.cli import EXITS

    rows = re.findall(r"^\| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(map(int, rows)) == sorted(EXITS.values())


@pytest.mark.parametrize(
    ("table", "promised"),
    [
        (
            "model",
            "id name project framework status archived tags aliases task labels design metadata comment"
            " created updated snapshots",
        ),
        (
            "snapshot",
            "version digest weights_digest size uri state iteration metrics created files tensors",
        ),
        (
            "task",
            "id name project status started finished user host script argv git versions inputs outputs"
            " skipped faults",
        ),
        ("input", "model_id name framework version digest path origin own also_made_by count"),
        ("output", "model_id name framework versions"),
    ],
)
def test_the_promised_names_are_there(autolog, story, table, promised):
    model = autolog("show", "best", "--tensors", "--json").json
    task = autolog("show", "finetune", "--json").json
    found = {
        "model": model,
        "snapshot": model["snapshots"][-1],
        "task": task,
        "input": task["inputs"][0],
        "output": task["outputs"][0],
    }
    assert set(promised.split()) <= set(found[table])
