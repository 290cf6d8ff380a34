"""A store filled by real runs: scripts of `runs/`, in frameworks' own words, each in a process of its own.

    python tests/browser/real_runs.py FOLDER

fills `FOLDER/home`, a home like any other (`autolog ui --home FOLDER/home`). It takes some forty seconds of
processor time, so tests share one: copied, a home is still complete. Afterwards somebody has published the
network of Keras and put the first forest into the archive.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import autolog
from autolog import config
from autolog.agent import settle
from autolog.store import Store, edit, publish

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
    _look_after(home)
    return home


def _look_after(home: Path) -> None:
    store = Store.open(f"sqlite:///{home}/autolog.db")
    publish(store, store.find_model("digits in Keras - digits")[0])
    edit(store, store.find_model("forest - forest")[0], lambda _: {"archived": True})
    store.close()


def copied(shared: Path, folder: Path) -> Path:
    """A home of one's own like the shared one, which the first who asks for it fills."""
    shared.mkdir(parents=True, exist_ok=True)
    with open(shared / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Those of older scripts are no use.
        done, stamp = shared / "done", _stamp()
        if not done.exists() or done.read_text() != stamp:
            for name in ("work", "home", "config"):
                shutil.rmtree(shared / name, ignore_errors=True)
            fill(shared)
            done.write_text(stamp)
    return Path(
        shutil.copytree(shared / "home", folder / "home", ignore=shutil.ignore_patterns("*.lock", "*.sock"))
    )


def _stamp() -> str:
    found = hashlib.sha256()
    for path in (Path(__file__), *sorted(_SCRIPTS.glob("*.py"))):
        found.update(path.read_bytes())
    return found.hexdigest()


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
