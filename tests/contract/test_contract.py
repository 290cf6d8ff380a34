"""The contract of a hook, held against every hook found and every script under tests/scripts/<key>.

Nobody edits this file to add a hook: one file in src/autolog/hooks, and one real script with its
`.expect.json` beside it, is all it takes.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import surface
from blake3 import blake3
from observing import Observed
from packaging.requirements import Requirement
from running import ORDERS, ROOT, Run, Runs, Script, scripts

from autolog import hooks

HOOKS = {hook.key: hook for hook in hooks.discover()}
POINTS = [(key, point.target) for key, hook in HOOKS.items() for point in hook.points]
SCRIPTS = scripts()
#: What TensorFlow begins the lines of its log with: the time, and the process.
_STAMP = re.compile(r"^[IWEF]\d{4} \d\d:\d\d:\d+\.\d+ +\d+ ", re.MULTILINE)
COMPARED = ("stdout", "exit code", "stderr", "files")
#: `make suites` sets it.
IS_LONG = os.environ.get("AUTOLOG_TEST_LONG", "") == "1"
#: What happens to imports in a thread of their own is the same for all hooks; `make suites` tries each.
_LAZY = ("joblib", "pytorch", "transformers", "xgboost")
_ORDERS = [
    (key, order) for order in ORDERS for key in HOOKS if order == "in_both_orders" or IS_LONG or key in _LAZY
]


def _skip_without_framework(key: str) -> None:
    roots = {point.module.partition(".")[0] for point in HOOKS[key].points}
    missing = sorted(root for root in roots if find_spec(root) is None)
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")


@pytest.fixture
def script(request: pytest.FixtureRequest) -> Script:
    """One script, if everything that it and those before it import is there."""
    found: Script = request.param
    needed = [each for each in found.chain if each.depth < found.depth or each == found]
    missing = sorted({name for each in needed for name in each.missing})
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    return found


def _each_script() -> Any:
    return pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: f"{s.key}/{s.name}", indirect=True)


# -- the hook ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", HOOKS)
def test_supports_the_installed_version(key: str) -> None:
    _skip_without_framework(key)
    requirement = Requirement(HOOKS[key].supports)
    assert requirement.specifier.contains(version(requirement.name), prereleases=True)


@pytest.mark.parametrize("key", HOOKS)
def test_supports_begins_with_a_release_that_is_tested(key: str) -> None:
    """The lower bound is what the environments of tests/environments.py install."""
    requirement = Requirement(HOOKS[key].supports)
    listed = [line.strip(' ",') for line in (ROOT / "pyproject.toml").read_text("utf-8").splitlines()]
    listed += re.findall(r'"(megengine==[^"]+)"', " ".join(listed))
    (pinned,) = (
        each.partition("==")[2]
        for each in listed
        if each.startswith(f"{requirement.name.replace('_', '-')}==") and each != "torch==2.13.0"
    )
    (bound,) = requirement.specifier
    assert pinned.startswith(bound.version)


@pytest.mark.parametrize("key", HOOKS)
def test_has_scripts(key: str) -> None:
    assert scripts(key), f"write a real script in tests/scripts/{key}, without autolog in it"


def test_every_script_has_its_hook() -> None:
    assert {each.key for each in SCRIPTS} == set(HOOKS)


@pytest.mark.parametrize(("key", "order"), _ORDERS)
def test_order_of_install_import_and_remove(key: str, order: str, runs: Runs) -> None:
    """Also that targets and parameters exist, and that nobody can tell a wrapped function apart."""
    _skip_without_framework(key)
    assert runs.problems(key, order) == []


@pytest.mark.parametrize(("key", "target"), POINTS)
def test_point_is_exercised(key: str, target: str, runs: Runs) -> None:
    _skip_without_framework(key)
    able = [each for each in scripts(key) if not each.missing]
    assert any(target in runs.of(each, "captured").fired for each in able), (
        f"no script in tests/scripts/{key} calls {target} with something to save or load"
    )


# -- the scripts ------------------------------------------------------------------------------------


# -- the whole surface ------------------------------------------------------------------------------


def test_every_row_of_the_surface_is_covered() -> None:
    """Each way to save or load is exercised by a script, or a hook says why it is left."""
    rows = surface.rows()
    covered = {row for script in SCRIPTS for row in script.expected.get("covers", [])}
    left = {each.function for hook in HOOKS.values() for each in hook.left}
    assert sorted((covered | left) - set(rows)) == [], "not a row of tests/contract/surface.txt"
    assert sorted(set(rows) - covered - left) == [], "neither covered by a script nor left by a hook"
    assert sorted(covered & left) == [], "covered by a script and left by a hook"


def test_the_tables_are_up_to_date() -> None:
    for path, text in surface.tables().items():
        assert path.read_text(encoding="utf-8") == text, "run: python tests/contract/surface.py"


#: A recorder that fails is in the way of a call or it isn't, whatever framework that is of. One chain of
#: scripts shows it for each way in which points work: functions, methods, callbacks' series, what is opened
#: before it is written to, what is fetched; `make suites` shows it with all scripts.
_UNDER_A_FAILING = ("joblib", "keras", "pytorch", "torch_package", "xgboost")
_MODES = [
    pytest.param(script, mode, id=f"{mode}-{script.key}/{script.name}")
    for script in SCRIPTS
    for mode in ("captured", "raising")
    if mode == "captured" or IS_LONG or (script.key in _UNDER_A_FAILING and script.is_of_longest_chain)
]


@pytest.mark.parametrize(("script", "mode"), _MODES, indirect=["script"])
@pytest.mark.parametrize("what", COMPARED)
def test_script_does_the_same(script: Script, mode: str, what: str, runs: Runs) -> None:
    """What differs from the bare run must be what differs between two bare runs; most often nothing does."""
    bare, ours = runs.of(script, "bare"), runs.of(script, mode)
    if what == "stdout":
        _assert_stable(ours.stdout, bare.stdout, lambda: runs.of(script, "again").stdout)
    elif what == "exit code":
        assert ours.code == bare.code, ours.stderr
    elif what == "stderr":
        left = ours.stderr_without_us
        if mode == "raising":
            lines = left.splitlines(keepends=True)
            told = [line for line in lines if line.startswith("autolog: ")]
            assert len(told) == 1
            assert "the recorder fails in" in told[0]
            left = "".join(line for line in lines if line not in told)
        _assert_stable(
            _STAMP.sub("", left),
            _STAMP.sub("", bare.stderr),
            lambda: _STAMP.sub("", runs.of(script, "again").stderr),
        )
    else:
        assert set(ours.files) == set(bare.files)
        differing = {name for name, fact in bare.files.items() if ours.files[name] != fact}
        varying = script.expected.get("varying", [])  # globs of files that two bare runs may make differ
        rest = {name for name in differing if not any(fnmatch.fnmatch(name, glob) for glob in varying)}
        # Where somebody has said what is equal in such files, that is asked below; `make suites` asks both.
        if rest and (IS_LONG or not script.judge.exists()):
            again = runs.of(script, "again")
            assert {name for name in rest if again.files.get(name) == bare.files[name]} == set()
        _assert_equal(script, differing, runs, mode)


def _assert_stable(ours: str, bare: str, again: Callable[[], str]) -> None:
    if ours != bare:
        second = again()
        assert _stable(ours, bare, second) == _stable(bare, bare, second)


def _stable(text: str, bare: str, again: str) -> str:
    """What must be the same in a stream: all of it, or all but the numbers where two bare runs differ.

    TensorFlow writes times, process ids and addresses.
    """
    return text if bare == again else re.sub(r"\s*\d+", "#", text)


def _assert_equal(script: Script, names: set[str], runs: Runs, mode: str) -> None:
    """Files that differ between two bare runs: the scripts' own `_equal.py` says what is equal in them."""
    if not names:
        return
    judge = script.judge
    assert judge.exists(), f"{sorted(names)} differ between two bare runs; write {judge.name} to compare them"
    two = runs.of(script, "bare"), runs.of(script, mode)
    pairs = [str(Path(run.folder, name)) for name in sorted(names) for run in two]
    done = runs.judged(script, pairs)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


# -- what is captured -------------------------------------------------------------------------------


@_each_script()
def test_script_is_captured_as_expected(script: Script, runs: Runs) -> None:
    run = runs.of(script, "captured")
    observed = Observed(runs.home(script), run.folder)
    try:
        task = observed.task(script.name)
        found = observed.expected(task)
        models = observed.models(task)
    finally:
        observed.close()

    assert (observed.left.pending, task.faults) == (0, ())
    assert task.status == script.expected.get("status", "completed")
    assert found["models"] == script.expected.get("models", [])
    assert found["inputs"] == script.expected.get("inputs", [])
    _assert_skipped(found["skipped"], script.expected.get("skipped", []))

    described = {model.name: model for model in models}
    for name, labels in script.expected.get("labels", {}).items():
        assert described[name].labels == labels, name
    for name, text in script.expected.get("design", {}).items():  # a part of it
        assert text in (described[name].design or ""), name

    for model in models:
        for snapshot in model.snapshots:
            assert snapshot.state in ("at_path", "in_memory", "overwritten", "gone"), (model.name, snapshot)
            if snapshot.uri is not None and "://" in snapshot.uri:
                continue  # bytes that nobody here can read
            assert snapshot.digest is not None, (model.name, snapshot)
            if snapshot.state == "at_path":
                assert snapshot.uri is not None
                there = _digest_there(run, os.path.relpath(snapshot.uri, run.folder), snapshot)
                assert snapshot.digest == f"blake3:{there}", (model.name, snapshot.version)
        same = script.expected.get("same", {}).get(model.name, 0)  # versions with the very bytes of another
        assert len({each.digest for each in model.snapshots}) == len(model.snapshots) - same, model.name


def _digest_there(run: Run, name: str, snapshot: Any) -> str:
    """The digest of what is at a snapshot's path now; of several files, by the listing that defines it."""
    if not snapshot.parts:
        return run.files[name][1]
    lines = []
    for part in snapshot.parts:
        there = {
            digest
            for path, (_, digest) in run.files.items()
            if path.endswith(part.name) and path.startswith(os.path.dirname(name))
        }
        assert part.digest.removeprefix("blake3:") in there, (name, part.name)
        lines.append(f"{part.name}\0{part.size}\0{part.digest}\n")
    return blake3("".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()


def _assert_skipped(found: list[Any], expected: list[Any]) -> None:
    """The capture report lists exactly these: path (a glob, some names are random), rule and count."""
    left = list(found)
    for glob, rule, count in expected:
        same = [each for each in left if fnmatch.fnmatch(each[0], glob) and each[1:] == [rule, count]]
        assert same, f"the capture report has no {glob} skipped {count} times as {rule!r}: {found}"
        left.remove(same[0])
    assert left == []
