"""`autolog doctor`."""

import sqlite3

import pytest

from autolog.cli._checks import _installed, _within
from autolog.store.migrations import NEWEST

pytestmark = pytest.mark.core


def test_a_fresh_installation_is_healthy(autolog, home):
    answer = autolog("doctor")
    assert answer.status == 0
    assert "Everything works." in answer.out
    assert "there is no store yet" in answer.out
    assert f"home      {home} (writable, " in answer.out
    assert not home.exists()


def test_a_used_one(autolog, story, home):
    (home / "agent.log").write_text("a line of the agent\n")
    answer = autolog("doctor")
    assert answer.status == 0
    assert f"open, schema {NEWEST}, 3 tasks, 3 models, 4 snapshots" in answer.out
    assert "how they fared in the latest task, evaluate" in answer.out
    assert "ValueError: no" in answer.out
    assert "a line of the agent" in answer.out
    found = autolog("doctor", "--json").json
    assert found["healthy"] is True
    assert found["store"]["counts"] == {"tasks": 3, "models": 3, "snapshots": 4, "faults": 1}
    assert found["last_task"]["name"] == "evaluate"
    assert found["settings"]["home"]["source"] == "AUTOLOG_HOME"


def test_how_the_hooks_fared(autolog, book):
    book.hooks(book.task("t"), {"torch.serialization:save": "applied"})
    hooks = {each["key"]: each for each in autolog("doctor", "--json").json["hooks"]}
    assert hooks["pytorch"]["targets"]["torch.serialization:save"] == "applied"
    assert hooks["pytorch"]["targets"]["torch.serialization:load"] is None
    assert {"pytorch", "joblib", "xgboost"} <= set(hooks)


def test_what_one_process_found_out_stands(autolog, book):
    task, target = book.task("t"), "torch.serialization:save"
    for result in ("torch.serialization is not imported", "this version has no such function"):
        book.hooks(task, {target: result})
    book.hooks(task, {target: "torch.serialization is not imported"})
    hooks = {each["key"]: each for each in autolog("doctor", "--json").json["hooks"]}
    assert hooks["pytorch"]["targets"][target] == "this version has no such function"


XGBOOST = (
    "xgboost.core:Booster.save_model",
    "xgboost.core:Booster.save_raw",
    "xgboost.core:Booster.load_model",
    "xgboost.callback:TrainingCheckPoint.after_iteration",
    "xgboost.sklearn:XGBModel.save_model",
)


def _row(answer, key):
    """The line of a hook in the table, and those of its functions."""
    lines = answer.out.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith(f"{key} "))
    end = next(index for index in range(at + 1, len(lines)) if not lines[index].startswith("   "))
    return [" ".join(line.split()) for line in lines[at:end]]


@pytest.mark.parametrize(
    ("results", "told"),
    [
        (["applied"] * 5, ["applied"]),
        (
            [f"xgboost.{name} is not imported" for name in ("core", "core", "core", "callback", "sklearn")],
            ["not imported"],
        ),
        (
            ["applied"] * 3 + ["xgboost.callback is not imported", "applied"],
            ["applied to 4 of 5 functions, 1 not imported"],
        ),
        (
            ["applied"] * 3 + ["this version has no such function", "applied"],
            [
                "applied to 4 of 5 functions, 1 not possible",
                "xgboost.callback:TrainingCheckPoint.after_iteration: this version has no such function",
            ],
        ),
    ],
)
def test_how_one_hook_fared(autolog, book, monkeypatch, results, told):
    monkeypatch.setattr("autolog.cli._checks._installed", lambda *_: [_package("xgboost", "3.2.0", True)])
    book.hooks(book.task("t"), dict(zip(XGBOOST, results, strict=True)))
    first, *more = _row(autolog("doctor"), "xgboost")
    assert [first, *more] == [f"xgboost XGBoost xgboost>=2.1 3.2.0 {told[0]}", *told[1:]]


def _package(name, version, within):
    return {"name": name, "version": version, "within": within}


def test_a_framework_that_is_not_installed(autolog, monkeypatch):
    monkeypatch.setattr("autolog.cli._checks._installed", lambda *_: [_package("xgboost", None, None)])
    assert _row(autolog("doctor"), "xgboost") == ["xgboost XGBoost xgboost>=2.1 no not installed"]


def test_a_framework_that_is_too_old(autolog, monkeypatch):
    monkeypatch.setattr("autolog.cli._checks._installed", lambda *_: [_package("xgboost", "1.6", False)])
    answer = autolog("doctor")
    assert _row(answer, "xgboost") == ["xgboost XGBoost xgboost>=2.1 1.6 (not supported) not seen yet"]
    assert "note: xgboost 1.6 is outside of what the xgboost hook supports (xgboost>=2.1)" in answer.out


def test_hooks_that_nobody_asked_for(autolog, monkeypatch):
    (row,) = _row(autolog("doctor"), "pickle")
    assert row.endswith('only where frameworks={"pickle": True} asks for it')
    monkeypatch.setenv("AUTOLOG_FRAMEWORKS", "false")
    found = autolog("doctor", "--json").json["hooks"]
    assert {each["result"] for each in found} == {"switched off by AUTOLOG_FRAMEWORKS"}


def test_a_broken_configuration(autolog, tmp_path):
    (tmp_path / "work" / "autolog.toml").write_text("stoer = 1")
    answer = autolog("doctor")
    assert answer.status == 9
    assert "broken: the configuration can't be used: unknown setting 'stoer'" in answer.out
    assert "fix: " in answer.out
    assert autolog("doctor", "--json").json["settings"] == {}


def test_a_newer_store(autolog, book, home):
    with sqlite3.connect(home / "autolog.db") as connection:
        connection.execute("INSERT INTO migrations VALUES (999)")
    connection.close()
    answer = autolog("doctor", "--json")
    assert answer.status == 9
    assert answer.json["store"]["status"] == "unusable"
    assert "pip install -U autolog-models" in answer.json["problems"][0]["what"]


def test_a_home_that_is_no_folder(autolog, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTOLOG_HOME", str(tmp_path / "file"))
    answer = autolog("doctor")
    assert answer.status == 9
    assert "set AUTOLOG_HOME" in answer.out


def test_passwords_are_masked(autolog):
    answer = autolog("doctor", "--store", "postgresql+nodriver://me:secret@localhost/x")
    assert answer.status == 9
    assert "secret" not in answer.out + answer.err
    assert "me:***@localhost" in answer.out


def test_what_the_spool_holds(autolog, home):
    folder = home / "spool" / ("a" * 32)
    folder.mkdir(parents=True)
    (folder / "lock").mkdir()  # can't be opened for writing, not even by root
    found = autolog("doctor", "--json")
    assert found.status == 9
    assert found.json["spool"]["folders"] == ["a" * 32]
    assert "can't be brought into the store (Is a directory)" in found.json["problems"][0]["what"]


@pytest.mark.parametrize(
    ("version", "specifier", "fits"),
    [
        ("2.13.0+cpu", ">=2.0", True),
        ("1.7", ">=1.7.0", True),
        ("1.6.9", ">=1.7", False),
        ("3.0.0rc1", ">=1.7,<3", False),
        ("1.10", "!=1.9", True),
        ("2.4", "~=2.3", True),
        ("3.0", "~=2.3", False),
        ("2.3.9", "~=2.3.1", True),
        ("1.0", "", True),
        ("1.0", "==1.*", None),
        ("unknown", ">=1", None),
    ],
)
def test_versions_by_their_release_numbers(version, specifier, fits):
    assert _within(version, specifier) is fits


def test_a_framework_that_another_distribution_brings():
    assert _installed("no-such-package>=1", ["_pickle", "pytest"])[0]["name"] == "pytest"
    assert _installed("no-such-package>=1", ["no_such_module"]) == [_package("no-such-package", None, None)]
    assert _installed("no-such-package>=1", ["_pickle"]) == [_package("no-such-package", None, None)]


def test_what_is_installed():
    pytest_here, absent = _installed("pytest>=1; no-such-package[extra]>=2")
    assert pytest_here["within"] is True
    assert absent == {"name": "no-such-package", "version": None, "within": None}


def test_where_bytes_go_and_are(autolog, versions, shelf, tmp_path, monkeypatch):
    answer = autolog("doctor")
    assert "kept  nowhere but at their own paths (output_uri is not set)" in answer.out
    assert "held  20" in answer.out
    assert f"kB in {shelf.home}/content" in answer.out
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", "true")
    found = autolog("doctor", "--json").json
    assert found["kept"]["destination"] == {
        "place": f"{shelf.home}/content",
        "packed": True,
        "writable": True,
    }
    assert found["kept"]["places"] == [
        {"place": f"{shelf.home}/content", "held": shelf.held(), "problem": None}
    ]
    assert found["settings"]["output_uri"] == {"value": "true", "source": "AUTOLOG_OUTPUT_URI"}
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", str(tmp_path / "file" / "plain"))
    answer = autolog("doctor")
    assert answer.status == 9
    assert f"({tmp_path}/file" not in answer.out
    assert f"{tmp_path}/file is not a folder" in answer.out
    assert "NOT WRITABLE" in answer.out


def test_a_place_that_is_out_of_reach(autolog, versions, shelf):
    with shelf.store._writing() as connection:
        connection.exec_driver_sql("UPDATE places SET url = '/no/such/folder'")
    answer = autolog("doctor", "--json")
    assert answer.status == 0
    (place,) = answer.json["kept"]["places"]
    assert "can't be read" in place["problem"]
    assert any("is out of reach" in note for note in answer.json["notes"])


def test_what_waits_is_told(autolog, versions, shelf, home):
    (home / "waiting" / "x").mkdir(parents=True)
    (home / "waiting" / "x" / "chunks").write_bytes(b"x" * 500)
    assert autolog("doctor", "--json").json["kept"]["waiting"]["size"] == 500


def test_a_remote_destination_is_tried_out(autolog, monkeypatch):
    import fsspec

    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", "memory://bucket/models")
    found = autolog("doctor", "--json").json
    assert found["kept"]["destination"] == {
        "place": "memory://bucket/models",
        "packed": False,
        "writable": True,
    }
    assert fsspec.filesystem("memory").find("/bucket") == []
    monkeypatch.setenv("AUTOLOG_OUTPUT_URI", "nosuch://bucket")
    answer = autolog("doctor")
    assert answer.status == 9
    assert "weights can't be kept in nosuch://bucket" in answer.out
