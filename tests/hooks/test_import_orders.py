"""Frameworks that share modules are imported one before `init()` and the other after it, in both orders.

Each order is a process of its own, which imports, saves once and loads once with each framework. Single
frameworks are elsewhere: behind `init()` in all that tests/contract captures, before it in tests/hard.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import table

from autolog import agent, config, hooks
from autolog.store import Store

HERE = Path(__file__).resolve().parent
HOOKS = {hook.key: hook for hook in hooks.discover()}
#: A converter of TFLite returns bytes, which have no path; a hook on request is applied only where named.
DRIVERS = {
    key: driver for key, driver in table.drivers().items() if key != "tflite" and not HOOKS[key].opt_in
}

#: One imports the other, or both the same third, so that modules of the one are half loaded or there already.
PAIRS = [
    (one, other)
    for one, other in (
        ("tensorflow", "keras"),
        ("pytorch", "accelerate"),
        ("pytorch", "fastai"),
        ("pytorch", "lightning"),
        ("pytorch", "safetensors"),
        ("pytorch", "transformers"),
    )
    if one in DRIVERS and other in DRIVERS
]


def _orders() -> Iterator[tuple[str, ...]]:
    for one, other in PAIRS:
        yield one, "init", other
        yield other, "init", one


@pytest.mark.parametrize("steps", [*_orders()], ids=" ".join)
def test_a_save_and_a_load_are_captured_whatever_was_imported_first(
    tmp_path: Path, steps: tuple[str, ...]
) -> None:
    keys = [step for step in steps if step != "init"]
    roots = {point.module.partition(".")[0] for key in keys for point in HOOKS[key].points}
    missing = sorted(root for root in roots if find_spec(root) is None)
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")

    imported = _run(tmp_path, *steps)

    assert imported == []
    task, models = _recorded(tmp_path)
    assert (task.status, task.faults) == ("completed", ())
    for key in keys:
        inside = f"{tmp_path / 'work' / key}{os.sep}"
        (model,) = (each for each in models if (each.snapshots[-1].uri or "").startswith(inside))
        (snapshot,) = model.snapshots
        assert (model.framework, snapshot.state) == (DRIVERS[key].FRAMEWORK, "at_path")
        assert snapshot.digest
        (used,) = (each for each in task.inputs if (each.path or "").startswith(inside))
        assert (used.model_id, used.version, used.own, used.count) == (model.id, 1, True, 1)
    assert len(models) == len(task.inputs) == len(keys)


def test_init_imports_no_framework(tmp_path: Path) -> None:
    assert _run(tmp_path, "init") == []


def _run(folder: Path, *steps: str) -> Any:
    """What a process that takes these steps tells; it must come to its end, and say nothing of ours."""
    (folder / "work").mkdir()
    kept = {name: os.environ[name] for name in os.environ if not name.startswith(("AUTOLOG_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, str(HERE / "ordering.py"), str(folder / "work"), *steps],
        env={
            **kept,
            "AUTOLOG_HOME": str(folder / "home"),
            "AUTOLOG_STRICT": "1",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(HERE.parent.parent / "src"),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "autolog:" not in done.stderr, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _recorded(folder: Path) -> tuple[Any, list[Any]]:
    """The one task, and its output models."""
    settings = config.load(home=folder / "home")
    agent.settle(settings)
    with closing(Store.open(settings.store, create=False)) as store:
        (task,) = store.tasks()
        return store.task(task.id), [store.model(each.model_id) for each in store.task(task.id).outputs]
