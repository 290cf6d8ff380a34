"""The save and load tests that frameworks ship inside their packages, run with capture on and without.

    python tests/hooks/own_suites.py [NAME...]     prints the counts of both runs, and what ended otherwise

They need no network. What a suite writes stays under one folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

__all__ = ["SUITES", "Ran", "Suite", "both"]

ROOT = Path(__file__).resolve().parents[2]


class Suite(NamedTuple):
    """Tests of one package: globs of its files, and pytest's `-k` where they are of more than saving.

    Of those that take minutes `make test` runs the files in `short`, and of these what is chosen there; `make
    suites` runs all, also of those that are `rare`.
    """

    package: str
    files: tuple[str, ...]
    chosen: str = ""
    #: at least so many tests, so that a renamed file doesn't go unnoticed
    least: int = 1
    environment: tuple[tuple[str, str], ...] = ()
    short: tuple[str, ...] = ()
    #: at least so many of those
    least_short: int = 1
    chosen_short: str = ""
    rare: bool = False


def shortened(suite: Suite) -> Suite:
    """A suite as `make test` runs it."""
    if not suite.short:
        return suite
    chosen = suite.chosen_short or suite.chosen
    return suite._replace(files=suite.short, least=suite.least_short, chosen=chosen)


SUITES = {
    "joblib": Suite(
        "joblib",
        (
            "test/test_numpy_pickle.py",
            "test/test_numpy_pickle_compat.py",
            "test/test_memory.py",
            "test/test_store_backends.py",
        ),
        least=150,
    ),
    "sklearn": Suite(
        "sklearn",
        (
            "callback/tests/test_pickle.py",
            "compose/tests/test_*.py",
            "ensemble/tests/test_*.py",
            "ensemble/_hist_gradient_boosting/tests/test_gradient_boosting.py",
            "feature_extraction/tests/test_text.py",
            "linear_model/tests/test_sgd.py",
            "model_selection/tests/test_search.py",
            "neighbors/tests/test_*.py",
            "neural_network/tests/test_mlp.py",
            "tests/test_*.py",
            "tree/tests/test_tree.py",
        ),
        chosen="pickle or joblib or persist",
        least=50,
        short=(
            "compose/tests/test_*.py",
            "ensemble/tests/test_*.py",
            "linear_model/tests/test_sgd.py",
            "neighbors/tests/test_*.py",
            "tree/tests/test_tree.py",
        ),
        least_short=20,
    ),
    "skops": Suite(
        "skops",
        ("io/tests/test_*.py", "cli/tests/test_*.py"),
        least=300,
        short=("io/tests/test_external.py",),
        least_short=8,
        chosen_short="lightgbm or (xgboost and regressor and gbtree)",
    ),
    "keras": Suite(
        "keras",
        (
            "src/saving/*_test.py",
            "src/legacy/saving/*_test.py",
            "src/callbacks/model_checkpoint_test.py",
            "src/callbacks/backup_and_restore_test.py",
            "src/callbacks/swap_ema_weights_test.py",
            "src/export/saved_model_test.py",
            "src/export/tfsm_layer_test.py",
            "src/backend/tensorflow/saved_model_test.py",
        ),
        least=150,
        environment=(("KERAS_BACKEND", "tensorflow"), ("TF_CPP_MIN_LOG_LEVEL", "3")),
        short=("src/saving/saving_api_test.py", "src/callbacks/model_checkpoint_test.py"),
        least_short=10,
    ),
    "keras on torch": Suite(
        "keras",
        (
            "src/saving/saving_lib_test.py",
            "src/saving/saving_api_test.py",
            "src/callbacks/model_checkpoint_test.py",
        ),
        least=80,
        environment=(("KERAS_BACKEND", "torch"),),
        rare=True,
    ),
}


class Ran(NamedTuple):
    """One run of a suite: how every phase of every test ended, the exit status, and all that it printed."""

    outcomes: dict[str, list[list[str]]]
    status: int
    said: str
    home: Path

    @property
    def counts(self) -> dict[str, int]:
        """How many tests passed, failed and were skipped."""
        ends = Counter(_end(phases) for phases in self.outcomes.values())
        return {end: ends[end] for end in ("passed", "failed", "skipped")}


def both(suite: Suite, top: Path) -> tuple[Ran, Ran]:
    """A suite's run without capture and its run with capture, side by side."""
    processes = [(_start(suite, top / mode, capture), top / mode) for mode, capture in _MODES]
    bare, captured = (_ended(process, folder) for process, folder in processes)
    return bare, captured


_MODES = (("bare", "0"), ("captured", "1"))


def changed(bare: Ran, captured: Ran) -> dict[str, tuple[list[list[str]], list[list[str]] | None]]:
    """The tests that did not end as they do without capture."""
    names = {**bare.outcomes, **captured.outcomes}
    return {
        test: (bare.outcomes.get(test, []), captured.outcomes.get(test))
        for test in names
        if captured.outcomes.get(test) != bare.outcomes.get(test)
    }


def _start(suite: Suite, top: Path, capture: str) -> subprocess.Popen[str]:
    spec = find_spec(suite.package)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    files = [str(path) for glob in suite.files for path in sorted(folder.glob(glob))]
    (top / "tmp").mkdir(parents=True)
    (top / "pytest.ini").write_text("[pytest]\n")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AUTOLOG", "PYTEST"))},
        **dict(suite.environment),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)]),
        "HOME": str(top),
        "XDG_CONFIG_HOME": str(top / "config"),
        "TMPDIR": str(top / "tmp"),
        "AUTOLOG_HOME": str(top / "autolog"),
        "AUTOLOG_STRICT": "1",
        "OMP_NUM_THREADS": "1",
        "OUTCOMES_CAPTURE": capture,
        "OUTCOMES_FILE": str(top / "outcomes.json"),
    }
    with (top / "output.txt").open("w") as output:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "outcomes_plugin", "-p", "no:cacheprovider"),
                *(
                    "-p",
                    "no:xdist",
                    "-p",
                    "no:randomly",
                    "-c",
                    str(top / "pytest.ini"),
                    "--rootdir",
                    str(top),
                ),
                *("--basetemp", str(top / "base"), "-W", "ignore", "-k", suite.chosen, *files),
            ],
            cwd=top,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _ended(process: subprocess.Popen[str], top: Path) -> Ran:
    try:
        process.wait(timeout=900)
    finally:
        process.kill()
    path = top / "outcomes.json"
    outcomes = json.loads(path.read_text()) if path.exists() else {}
    return Ran(
        outcomes, process.returncode, (top / "output.txt").read_text(errors="replace"), top / "autolog"
    )


def _end(phases: list[list[str]]) -> str:
    ends = [outcome for _, outcome in phases]
    return "failed" if "failed" in ends else "skipped" if "skipped" in ends else "passed"


def main(names: list[str]) -> int:
    """Run them and print how they ended; 1 if capture changes anything."""
    status = 0
    for name in names or SUITES:
        with tempfile.TemporaryDirectory() as folder:
            bare, captured = both(SUITES[name], Path(folder))
            print(f"{name}: without capture {bare.counts}, with capture {captured.counts}")
            for test, (before, after) in changed(bare, captured).items():
                status = 1
                print(f"  {test}: {before} without, {after} with capture")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
