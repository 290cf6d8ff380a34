"""The tests of saving and loading that frameworks ship end with capture on exactly as without it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import own_suites

from autolog import agent, config
from autolog.store import Store
from autolog.store.records import TaskRecord

#: `make suites` runs all of them in full.
IS_LONG = os.environ.get("AUTOLOG_TEST_LONG", "") == "1"
CHOSEN = [name for name, suite in own_suites.SUITES.items() if IS_LONG or not suite.rare]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(f"own-{name}")) for name in CHOSEN]
)
def test_ends_as_without_us(name: str, tmp_path: Path) -> None:
    suite = own_suites.SUITES[name]
    if not IS_LONG:
        suite = own_suites.shortened(suite)
    if find_spec(suite.package) is None:
        pytest.skip(f"{suite.package} is not installed")
    bare, captured = own_suites.both(suite, tmp_path)
    assert len(bare.outcomes) >= suite.least, bare.said[-5000:]
    assert own_suites.changed(bare, captured) == {}, captured.said[-5000:]
    assert captured.status == bare.status, captured.said[-5000:]

    task = _task(captured.home)
    assert task.faults == ()
    if name == "joblib":
        assert task.hooks["joblib.numpy_pickle:dump"] == "applied"
        rules = {each.rule for each in task.skipped}
        assert {"array", "joblib cache"} <= rules
        assert not [each for each in task.outputs if each.framework != "ScikitLearn"]
    else:
        assert task.outputs, "the suite saves models, and none was captured"


def _task(home: Path) -> TaskRecord:
    settings = config.load(home=home)
    assert agent.settle(settings, wait=60).pending == 0
    store = Store.open(settings.store, create=False)
    try:
        (listed,) = store.tasks()
        return store.task(listed.id)
    finally:
        store.close()
