"""`autolog show MODEL --lineage`."""

import pytest

from autolog.cli import _lineage

pytestmark = [pytest.mark.core, pytest.mark.slow]


def test_up_to_the_first_task_and_down_to_the_last(autolog, story):
    best, tuned = story.store.find_model("best")[0], story.store.find_model("tuned")[0]
    answer = autolog("show", "tuned", "--lineage")
    assert answer.status == 0
    assert answer.out.splitlines() == [
        f"model finetune - tuned v1 ({tuned[:8]}, blake3:000000000000)",
        "└─ made by task finetune (66696e65, completed)",
        f"   └─ input copy train - best v2 ({best[:8]}, blake3:000000000000)",
        "      └─ made by task train (74726169, completed)",
        f"         └─ its own best, loaded back train - best v2 ({best[:8]}, blake3:000000000000)",
        "",
        f"model finetune - tuned v1 ({tuned[:8]}, blake3:000000000000)",
        "└─ loaded v1 by task evaluate (6576616c, completed)",
    ]


def test_json(autolog, story):
    found = autolog("show", "best", "--lineage", "--json").json["lineage"]
    assert set(found) == {"up", "down"}
    up = found["up"]
    assert (up["kind"], up["name"], up["version"]) == ("model", "train - best", 2)
    (task,) = up["nodes"]
    assert (task["kind"], task["name"], task["status"]) == ("task", "train", "completed")
    assert [each["own"] for each in task["nodes"]] == [True]
    (finetune,) = found["down"]["nodes"]
    assert (finetune["name"], finetune["version"]) == ("finetune", 2)
    (tuned,) = finetune["nodes"]
    assert [each["name"] for each in tuned["nodes"]] == ["evaluate"]


def test_only_what_used_the_version_asked_for(autolog, story):
    assert autolog("show", "best:v1", "--lineage", "--json").json["lineage"]["down"]["nodes"] == []


def test_an_imported_model(autolog, story):
    answer = autolog("show", "base", "--lineage")
    assert "imported from /hub/base.pt" in answer.out.splitlines()[0]
    assert "loaded v1 by task evaluate" in answer.out


def test_a_cycle_ends(autolog, book):
    """Two tasks that exchange weights while both run."""
    one, two = book.task("one"), book.task("two")
    first = book.save(one, "/w/a.pt", at=1)
    book.load(two, first, "/w/a.pt", at=2)
    second = book.save(two, "/w/b.pt", at=3)
    book.load(one, second, "/w/b.pt", at=4)
    answer = autolog("show", "a", "--lineage")
    assert answer.status == 0
    assert answer.out.count("... shown above") == 2


def test_a_diamond_is_followed_once(autolog, book):
    """Each of 25 tasks loads two models of the one before: 2**25 ways, 25 tasks."""
    before: list[str] = []
    for number in range(25):
        task = book.task(f"t{number:02}", at=number)
        for digest in before:
            book.load(task, digest, f"/w/{number}.pt", at=number + 0.5)
        before = [book.save(task, f"/w/{number}-{side}.pt", at=number + 0.6) for side in "ab"]
    answer = autolog("show", "24-a", "--lineage")
    assert answer.status == 0
    assert len(answer.out.splitlines()) < 200


def test_a_terminal_without_box_characters():
    leaf = _lineage.Node("task", "1" * 32, "t", "made by task", {"status": "completed"})
    node = _lineage.Node("model", "2" * 32, "m", "model", {}, (leaf, leaf))
    assert list(_lineage.draw(node, "ascii")) == [
        "model m (22222222)",
        "|- made by task t (11111111, completed)",
        "`- made by task t (11111111, completed)",
    ]
