"""joblib's own tests of dump, load and its memory cache end with capture on exactly as without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from autolog import agent, config
from autolog.store import Store

ROOT = Path(__file__).resolve().parents[2]
SUITES = ("test_numpy_pickle.py", "test_numpy_pickle_compat.py", "test_memory.py", "test_store_backends.py")

pytestmark = pytest.mark.skipif(find_spec("joblib") is None, reason="joblib is not installed")


def _start(top: Path, capture: str) -> subprocess.Popen[str]:
    """Run the suites with the plugin beside this file; everything they write stays under `top`."""
    spec = find_spec("joblib")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "test"
    (top / "tmp").mkdir(parents=True)
    (top / "pytest.ini").write_text("[pytest]\n")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AUTOLOG", "PYTEST"))},
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)]),
        "HOME": str(top),
        "XDG_CONFIG_HOME": str(top / "config"),
        "TMPDIR": str(top / "tmp"),
        "AUTOLOG_HOME": str(top / "autolog"),
        "AUTOLOG_STRICT": "1",
        "OUTCOMES_CAPTURE": capture,
        "OUTCOMES_FILE": str(top / "outcomes.json"),
    }
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "outcomes_plugin", "-p", "no:cacheprovider"),
            *("-c", str(top / "pytest.ini"), "--rootdir", str(top), "--basetemp", str(top / "base")),
            *(str(folder / name) for name in SUITES),
        ],
        cwd=top,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_ends_as_without_us(tmp_path: Path) -> None:
    running = {name: _start(tmp_path / name, capture) for name, capture in (("bare", "0"), ("captured", "1"))}
    said = {name: process.communicate(timeout=240)[0] for name, process in running.items()}
    outcomes = {}
    for name in running:
        path = tmp_path / name / "outcomes.json"
        assert path.exists(), said[name]
        outcomes[name] = json.loads(path.read_text())

    assert len(outcomes["bare"]) > 150
    changed = {
        test: (ended, outcomes["captured"].get(test))
        for test, ended in outcomes["bare"].items()
        if outcomes["captured"].get(test) != ended
    }
    assert changed == {}, said["captured"][-5000:]
    assert set(outcomes["captured"]) == set(outcomes["bare"])
    assert running["captured"].returncode == running["bare"].returncode, said["captured"][-5000:]

    settings = config.load(home=tmp_path / "captured" / "autolog")
    assert agent.settle(settings, wait=60).pending == 0
    store = Store.open(settings.store, create=False)
    try:
        (listed,) = store.tasks()
        task = store.task(listed.id)
    finally:
        store.close()
    assert task.faults == ()
    assert task.hooks["joblib.numpy_pickle:dump"] == "applied"
    rules = {each.rule for each in task.skipped}
    assert {"array", "joblib cache"} <= rules
    assert not [each for each in task.outputs if each.framework != "ScikitLearn"]
