"""Framework by hard case: every cell is a run of the real framework, or the fact that makes it impossible."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import table

from autolog import agent, config, hooks
from autolog.store import Store

HERE = Path(__file__).resolve().parent
CASES = table.CASES
DRIVERS = table.drivers()
HOOKS = {hook.key: hook for hook in hooks.discover()}


class Ran:
    """One driver's run, and what the store says of it."""

    def __init__(self, key: str, folder: Path) -> None:
        self.key = key
        self.driver = DRIVERS[key]
        self.folder = folder / "work"
        self.folder.mkdir()
        home = folder / "home"
        environment = {
            **{name: os.environ[name] for name in os.environ if not name.startswith(("AUTOLOG_", "PYTEST_"))},
            "AUTOLOG_HOME": str(home),
            "AUTOLOG_STRICT": "1",
            "AUTOLOG_PROJECT": "hard",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(HERE.parent.parent / "src"),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        done = subprocess.run(
            [sys.executable, str(HERE / "cases.py"), key, str(self.folder)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert "autolog:" not in done.stderr, done.stderr
        settings = config.load(home=home)
        agent.settle(settings)
        with closing(Store.open(settings.store, create=False)) as store:
            self.tasks = {each.name: store.task(each.id) for each in store.tasks()}
            self.models = [store.model(each.model_id) for each in self.tasks["train"].outputs]

    def of(self, case: str) -> list[Any]:
        """Every snapshot of the files in a case's folder, oldest first, with its model."""
        inside = str(self.folder / case) + os.sep
        found = [
            (snapshot, model)
            for model in self.models
            for snapshot in model.snapshots
            if (snapshot.uri or "").startswith(inside)
        ]
        return sorted(found, key=lambda each: each[0].created)

    def in_memory(self) -> list[Any]:
        """Every snapshot of what was saved into memory."""
        return [each for model in self.models for each in model.snapshots if each.state == "in_memory"]

    def check(
        self, case: str, *names: str, state: str = "at_path", versions: int = 1, single: bool = False
    ) -> None:
        """The case made one model per name, each with so many versions, the last of them in this state."""
        if self.driver.KIND == "memory":
            # The script wrote the bytes itself: they are told by their digest, and nothing else was captured.
            files = [self.folder / case / f"{name}{self.driver.SUFFIX}" for name in names]
            assert {digest(file) for file in files} <= {each.digest for each in self.in_memory()}
            assert {model.framework for model in self.models} == {self.driver.FRAMEWORK}
            return
        found = self.of(case)
        got = sorted({os.path.relpath(snapshot.uri, self.folder / case) for snapshot, _ in found})
        assert got == sorted(f"{name}{self.driver.SUFFIX}" for name in names)
        for model in {model.id: model for _, model in found}.values():
            assert model.framework == self.driver.FRAMEWORK
            assert [each.version for each in model.snapshots] == [*range(1, versions + 1)]
            assert all(each.digest for each in model.snapshots), [each.reason for each in model.snapshots]
            assert len({each.digest for each in model.snapshots}) == versions
            assert model.snapshots[-1].state == state
            assert len(model.snapshots[-1].parts) > 1 or single or self.driver.KIND == "file"

    # -- the cases --------------------------------------------------------------------------------

    def early(self) -> None:
        self.check("early", "early")

    def buffer(self) -> None:
        written = self.folder / "buffer" / f"from_buffer{self.driver.SUFFIX}"
        assert digest(written) in {each.digest for each in self.in_memory()}
        assert self.of("buffer") == []

    def file(self) -> None:
        self.check("file", "open", single=True)

    def pathlike(self) -> None:
        self.check("pathlike", "in/path")

    def chdir(self) -> None:
        self.check("chdir", "relative")

    def unicode(self) -> None:
        self.check("unicode", f"ünï 码 {'long ' * 34}end")

    def symlink(self) -> None:
        found = self.of("symlink")
        assert len(found) == 2
        assert len({snapshot.digest for snapshot, _ in found}) == 2
        last, _ = found[-1]
        assert last.state == "at_path"
        if self.driver.KIND != "prefix":
            assert os.path.samefile(last.uri, self.folder / "symlink" / f"link{self.driver.SUFFIX}")

    def overwrite(self) -> None:
        self.check("overwrite", "same", versions=3)
        states = [snapshot.state for snapshot, _ in self.of("overwrite")]
        assert states == ["overwritten", "overwritten", "at_path"]

    def rename(self) -> None:
        self.check("rename", "final")

    def raises(self) -> None:
        assert self.of("raises") == []
        if self.driver.KIND == "memory":  # no more than the other cases have saved
            saves = {*CASES, "copied"} - {*self.driver.IMPOSSIBLE, "raises"}
            made = {"threads": 4, "load_copied": 0, "load_external": 0, "load_fails": 0}
            assert len(self.in_memory()) == sum(made.get(case, 1) for case in saves)

    def nested(self) -> None:
        self.check("nested", "nested")

    def threads(self) -> None:
        self.check("threads", "thread0", "thread1", versions=2)

    def fork(self) -> None:
        self.check("fork", "forked")

    def spawn(self) -> None:
        self.check("spawn", "spawned")

    def deleted(self) -> None:
        self.check("deleted", "deleted", state="gone")

    def folder_over(self) -> None:
        self.check("folder_over", "folder", versions=2)
        last, model = self.of("folder_over")[-1]
        base = f"folder{self.driver.SUFFIX}{'/' if self.driver.KIND == 'folder' else ''}"
        left = json.loads((self.folder / "folder_over" / "left.json").read_text())
        weights = {base + part.name for part in last.parts if part.weights}
        assert weights
        assert weights.isdisjoint(left)
        if self.driver.READ_BACK:
            assert left
            (used,) = self.inputs("folder_over")
            assert (used.model_id, used.version) == (model.id, self.driver.READ_BACK)

    def load_copied(self) -> None:
        (used,) = self.inputs("copied")
        if self.driver.KIND == "memory":
            original = digest(self.folder / "copied" / f"original{self.driver.SUFFIX}")
            ((snapshot, model),) = [
                (each, model) for model in self.models for each in model.snapshots if each.digest == original
            ]
        else:
            (snapshot, model) = self.of("copied")[0]
        assert (used.model_id, used.version, used.own) == (model.id, snapshot.version, False)

    def load_external(self) -> None:
        (used,) = self.inputs("load_external")
        assert used.version == 1
        assert used.origin
        assert used.origin.startswith(str(self.folder / "load_external" / "external"))
        assert used.model_id not in {model.id for model in self.models}

    def load_fails(self) -> None:
        assert self.inputs("load_fails") == []

    def inputs(self, case: str) -> list[Any]:
        """The inputs of the second task that lie in a case's folder."""
        inside = f"{self.folder / case}{os.sep}"
        return [each for each in self.tasks["infer"].inputs if (each.path or "").startswith(inside)]


def digest(path: Path) -> str:
    """The digest of a file."""
    from blake3 import blake3

    return f"blake3:{blake3(path.read_bytes()).hexdigest()}"


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ran]:
    """The runs of a driver, made when its first cell is looked at."""
    made: dict[str, Ran | BaseException] = {}

    def get(key: str) -> Ran:
        if key not in made:
            try:
                made[key] = Ran(key, tmp_path_factory.mktemp(key))
            except (AssertionError, subprocess.TimeoutExpired) as error:
                made[key] = error
        found = made[key]
        if isinstance(found, BaseException):
            raise found
        return found

    return get


@pytest.mark.parametrize(
    ("key", "case"),
    [
        pytest.param(key, case, marks=pytest.mark.xdist_group(f"hard-{key}"))
        for key, driver in DRIVERS.items()
        for case in CASES
        if case not in driver.IMPOSSIBLE
    ],
)
def test_cell(ran: Callable[[str], Ran], key: str, case: str) -> None:
    roots = {point.module.partition(".")[0] for point in HOOKS[key].points}
    missing = sorted(root for root in roots if find_spec(root) is None)
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    getattr(ran(key), case)()


def test_every_hook_has_a_driver_or_a_reason() -> None:
    assert set(HOOKS) == set(DRIVERS) | set(table.WITHOUT)


def test_the_table_is_up_to_date() -> None:
    assert table.PATH.read_text(encoding="utf-8") == table.text(), "run: python tests/hard/table.py"
