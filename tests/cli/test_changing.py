"""`autolog tag`, `alias`, `publish` and `archive`."""

import pytest

pytestmark = pytest.mark.core


def test_tags_are_added_and_taken_away(autolog, versions):
    answer = autolog("tag", "m", "--add", "best", "-a", "demo", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert [each["tags"] for each in answer.json] == [["best", "demo"]]
    assert autolog("tag", "m", "-r", "demo", "-a", "best", "--json").json[0]["tags"] == ["best"]
    assert [each["name"] for each in autolog("models", "--tag", "best", "--json").json] == ["train - m"]
    assert autolog("tag", "m").status == 2
    wrong = autolog("tag", "m", "--add", " ")
    assert (wrong.status, "a tag is text" in wrong.err) == (9, True)


def test_nothing_is_changed_if_one_of_several_is_not_there(autolog, versions):
    answer = autolog("tag", "m", "absent", "--add", "best")
    assert answer.status == 4
    assert autolog("models", "--json").json[0]["tags"] == []


def test_an_alias_stands_for_a_version(autolog, versions):
    assert autolog("alias", "m:v2", "good", "--json").json[0]["aliases"] == {"good": 2}
    assert autolog("alias", "m", "newest", "--json").json[0]["aliases"] == {"good": 2, "newest": 4}
    assert autolog("alias", "m", "good").status == 0
    assert autolog("models", "--json").json[0]["aliases"] == {"good": 4, "newest": 4}
    assert autolog("alias", "m", "good", "--remove", "--json").json[0]["aliases"] == {"newest": 4}
    assert autolog("alias", "m", "good", "--remove").status == 4
    assert autolog("alias", "m", "v3").status == 9


def test_publishing_asks_first(autolog, versions):
    refused = autolog("publish", "m")
    assert (refused.status, "--yes" in refused.err) == (2, True)
    assert "--dry-run" not in refused.err  # it has none
    assert autolog("models", "--json").json[0]["status"] == "draft"
    assert autolog("publish", "m", "--yes", "--json").json[0]["status"] == "published"
    assert "published" in autolog("publish", "m", "--yes").out


def test_the_archive_and_back(autolog, versions):
    assert autolog("archive", "m", "--json").json[0]["archived"] is True
    found = autolog("models", "--where", "archived = true", "--json").json
    assert [each["name"] for each in found] == ["train - m"]
    assert autolog("models", "--json").json == []
    assert autolog("models", "--where", 'versions > 0 or "a" in tags', "--json").json == []
    assert autolog("models", "--where", "not (archived = false)", "--json").json == found
    assert autolog("archive", "m", "--undo", "--json").json[0]["archived"] is False
    assert len(autolog("models", "--json").json) == 1
