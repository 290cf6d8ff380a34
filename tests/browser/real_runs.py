"""A store filled by real runs: scripts of `runs/`, in frameworks' own words, each in a process of its own.

    python tests/browser/real_runs.py FOLDER

fills `FOLDER/home`, a home like any other (`autolog ui --home FOLDER/home`). It takes some forty seconds of
processor time, so tests share one: copied, a home is still complete.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import autolog
from autolog import config
from autolog.agent import settle

__all__ = ["RUNS", "copied", "fill"]

_SCRIPTS = Path(__file__).resolve().parent / "runs"
_SOURCE = Path(autolog.__file__).resolve().parent.parent

#: `(project, task, tags, script and its arguments, exit status)`, in their order: some load what others save.
RUNS = (
    ("vision", "train digits", ("baseline", "digits"), ("train_network.py", "0"), 0),
    ("vision", "", (), ("finetune.py",), 0),
    ("vision", "digits in Keras", ("keras",), ("train_keras.py",), 0),
    ("tabular", "forest", ("baseline",), ("train_forest.py",), 0),
    ("tabular", "forest, strictly", (), ("train_forest.py", "--strictly"), 1),
    ("tabular", "boosted wines", ("nightly",), ("train_boosted.py",), 0),
    ("serving", "serve", (), ("serve.py",), 0),
)


def fill(folder: Path) -> Path:
    """Run all of them below a folder; the home that they have filled. Raises RuntimeError if one fails."""
    work, home = folder / "work", folder / "home"
    work.mkdir(parents=True)
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("AUTOLOG_", "_AUTOLOG"))
    }
    environment.update(
        AUTOLOG_HOME=str(home),
        AUTOLOG_OUTPUT_URI="true",
        XDG_CONFIG_HOME=str(folder / "config"),
        PYTHONPATH=str(_SOURCE),
        PYTHONWARNINGS="ignore",
        OMP_NUM_THREADS="1",
        USER="ada",
        LOGNAME="ada",
    )
    _make_foreign(work / "given.joblib", environment)
    shutil.copytree(_SCRIPTS, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    _commit(work, environment)
    for project, task, tags, command, status in RUNS:
        named = ["--project", project, *(["--task", task] if task else [])]
        for tag in tags:
            named += ["--tag", tag]
        start = [sys.executable, "-m", "autolog", "run", *named] if task else [sys.executable]
        done = subprocess.run(
            [*start, *command], cwd=work, env=environment, capture_output=True, text=True, timeout=200
        )
        if done.returncode != status:
            raise RuntimeError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
    settle(config.load(home=str(home)), wait=30)
    return home


def copied(shared: Path, folder: Path) -> Path:
    """A home of one's own like the shared one, which the first who asks for it fills."""
    shared.mkdir(parents=True, exist_ok=True)
    with open(shared / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            for name in ("work", "home", "config"):
                shutil.rmtree(shared / name, ignore_errors=True)
            fill(shared)
            (shared / "done").touch()
    return Path(
        shutil.copytree(shared / "home", folder / "home", ignore=shutil.ignore_patterns("*.lock", "*.sock"))
    )


def _make_foreign(path: Path, environment: dict[str, str]) -> None:
    """Weights that no run of ours has made."""
    code = (
        "import joblib; from sklearn.linear_model import Ridge;"
        f" joblib.dump(Ridge().fit([[0.0], [1.0]], [0.0, 2.0]), {str(path)!r})"
    )
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=100)


def _commit(work: Path, environment: dict[str, str]) -> None:
    """Make the scripts a repository with one line that isn't committed."""
    named = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "--", "."], ["commit", "-q", "-m", "Scripts"]):
        subprocess.run(["git", *named, *command], cwd=work, env=environment, check=True, timeout=60)
    with open(work / "train_forest.py", "a") as file:
        file.write("# not committed\n")


if __name__ == "__main__":
    print(fill(Path(sys.argv[1]).resolve()))
