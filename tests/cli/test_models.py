"""`autolog models`."""

import pytest

from autolog.store import alias, edit, report
from autolog.store.where import FIELDS

pytestmark = [pytest.mark.core, pytest.mark.slow]


def test_lists_each_model_with_its_latest_version(autolog, story):
    answer = autolog("models")
    assert (answer.status, answer.err) == (0, "")
    head, *rows = answer.out.splitlines()
    assert " ".join(head.split()) == (
        "ID NAME PROJECT FRAMEWORK VERSIONS DIGEST SIZE PARAMETERS ITERATION STATE TASK UPDATED"
    )
    assert [row.split("  ")[1].strip() for row in rows] == ["base", "finetune - tuned", "train - best"]
    best = rows[2].split()
    assert best[1:8] == ["train", "-", "best", "demo", "PyTorch", "2", "000000000000"]
    assert best[8:14] == ["1.5", "kB", "50", "2", "at_path", "train"]


def test_ls_is_the_same_command(autolog, story):
    assert autolog("ls").out == autolog("models").out


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--project", "OTH*"], ["finetune - tuned"]),
        (["--name", "*best"], ["train - best"]),
        (["--framework", "xg*"], []),
        (["--sort", "name"], ["base", "finetune - tuned", "train - best"]),
        (["--sort", "-versions,-name"], ["train - best", "finetune - tuned", "base"]),
        (["--sort", "iteration,-name"], ["train - best", "finetune - tuned", "base"]),
        (["--sort", "-parameters,name"], ["finetune - tuned", "train - best", "base"]),
    ],
)
def test_filters_and_sorts(autolog, story, options, names):
    answer = autolog("models", "--json", *options)
    assert answer.status == 0
    assert [each["name"] for each in answer.json] == names


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--where", "versions > 1"], ["train - best"]),
        (["--where", "loss < 0.5 and meta.set = 'v3'"], ["train - best"]),
        (["--where", "loss is none", "--sort", "name"], ["base", "finetune - tuned"]),
        (["--tag", "good"], ["train - best"]),
        (["--tag", "-good", "--tag", "good"], []),
        (["--tag", "good", "--tag", "other", "--sort", "name"], ["finetune - tuned", "train - best"]),
        (["--tag", "__$all", "--tag", "good", "--tag", "other"], []),
    ],
)
def test_conditions_and_tags(autolog, story, options, names):
    best, tuned = (story.store.find_model(name)[0] for name in ("best", "tuned"))
    edit(story.store, best, lambda now: {"tags": ("good",), "metadata": {"set": "v3"}})
    edit(story.store, tuned, lambda now: {"tags": ("other",)})
    report(story.store, best, "loss", 0.25, 3)
    answer = autolog("models", "--json", *options)
    assert answer.status == 0, answer.err
    assert [each["name"] for each in answer.json] == names


def test_a_condition_that_means_nothing(autolog, story):
    answer = autolog("models", "--where", "loss <")
    assert answer.status == 2
    assert "a value is missing" in answer.err


def test_an_alias_names_a_version(autolog, story):
    model_id = story.store.find_model("best")[0]
    alias(story.store, model_id, "good", 1)
    assert autolog("models", "--json", "--name", "*best").json[0]["aliases"] == {"good": 1}
    assert story.store.find_model("best@good") == (model_id, 1)
    answer = autolog("show", "best@bad")
    assert answer.status == 4
    assert "'best' has no alias 'bad'; it has good" in answer.err
    assert "no model is called 'nobody'" in autolog("show", "nobody@bad").err


def test_the_help_names_every_field(autolog):
    said = " ".join(autolog("models", "--help").out.split())
    assert not [name for name in FIELDS if name not in said]


def test_json_holds_the_latest_version_only(autolog, story):
    best = autolog("models", "--json", "--name", "*best").json[0]
    assert best["versions"] == 2
    assert [each["version"] for each in best["snapshots"]] == [2]
    assert best["task"] == {"id": story.store.find_task("train"), "name": "train"}
    assert best["created"] == "2026-01-31T12:00:01.000Z"
    assert best["aliases"] == {}
    assert best["snapshots"][0]["files"] == []
    assert "tensors" not in best["snapshots"][0]


def test_limit_says_how_many_are_left_out(autolog, story):
    answer = autolog("models", "--json", "--limit", "1")
    assert len(answer.json) == 1
    assert answer.err == "autolog: 2 more; --limit 0 shows all 3\n"
    assert len(autolog("models", "--json", "--limit", "0").json) == 3


def test_an_unknown_sort_key_is_a_usage_error(autolog, story):
    answer = autolog("models", "--sort", "colour")
    assert answer.status == 2
    assert answer.out == ""
    assert "'colour' is not one of id, name" in answer.err


def test_names_cannot_move_the_cursor(autolog, book):
    book.save(book.task("t"), "/w/\x1b[2Jbad\nname.pt")
    answer = autolog("models")
    assert "\x1b" not in answer.out
    assert len(answer.out.splitlines()) == 2
    assert autolog("models", "--json").json[0]["name"] == "t - \x1b[2Jbad\nname"


def test_an_empty_store_is_an_empty_list(autolog, book):
    assert autolog("models", "--json").json == []
    assert len(autolog("models").out.splitlines()) == 1
