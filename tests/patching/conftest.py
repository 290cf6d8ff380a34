"""A small framework of our own per test, as a real package on disk, and a recorder that takes notes."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autolog import _guard, hooks
from autolog.patching import Patches

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("AUTOLOG_HOME", "HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    yield
    _guard.faults.clear()
    _guard._told.clear()


class Notes:
    """Writes down what it is told: `("keep", target, path)` and so on."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Any]] = []
        self.calls: list[Any] = []

    def _note(self, what: str, call: Any) -> None:
        self.told.append((what, call.point.name, call.target))

    def begin(self, call: Any) -> None:
        """Before the original."""
        self._note("begin", call)

    def pin(self, call: Any) -> None:
        """After the original."""
        self._note("pin", call)

    def lies_in(self, inner: Any, outer: Any) -> bool:
        """No call of another thread is a part of one here."""
        return False

    def belongs(self, inner: Any, outer: Any) -> bool:
        """The same target, or a buffer."""
        return inner.target is outer.target or inner.target == outer.target or hasattr(inner.target, "read")

    def keep(self, call: Any, origins: Any) -> None:
        """The call stands for itself."""
        self._note("keep", call)
        self.calls.append(call)

    def drop(self, call: Any) -> None:
        """The call counts for nothing."""
        self._note("drop", call)

    def of(self, what: str) -> list[Any]:
        """The targets of everything told under one name."""
        return [target for name, _, target in self.told if name == what]


@pytest.fixture
def notes() -> Notes:
    """A recorder."""
    return Notes()


class Toy:
    """A package written for one test; its name is new each time, since a name is watched for good."""

    def __init__(self, folder: Path) -> None:
        self.name = f"toy{os.getpid()}_{next(_numbers)}"
        self.folder = folder / self.name
        self.folder.mkdir()
        self.write("__init__", "")

    def write(self, module: str, source: str) -> Toy:
        """Write one of its modules; `TOY` in the source stands for the package's name."""
        text = textwrap.dedent(source).replace("TOY", self.name)
        (self.folder / f"{module}.py").write_text(text, encoding="utf-8")
        return self

    def load(self, module: str) -> ModuleType:
        """Import one of its modules."""
        return importlib.import_module(f"{self.name}.{module}")

    def at(self, target: str) -> str:
        """`io:save` as a hook names it."""
        return f"{self.name}.{target}"

    def hook(self, *points: hooks.Point) -> hooks.Hook:
        """A hook of these points."""
        return hooks.Hook("toy", "Toy", "toy>=1", points)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toy]:
    """A package `<toy>`; `write` gives it modules."""
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Toy(tmp_path)
    yield found
    for name in [name for name in sys.modules if name.partition(".")[0] == found.name]:
        del sys.modules[name]


@pytest.fixture
def install(notes: Notes, toy: Toy) -> Iterator[Callable[..., Patches]]:
    """Installs points with `notes` as the recorder, and takes them away after the test."""
    installed: list[Patches] = []

    def put(*points: hooks.Point, recorder: Any = None) -> Patches:
        patches = Patches([toy.hook(*points)], recorder or notes)
        patches.install()
        installed.append(patches)
        return patches

    yield put
    for patches in installed:
        patches.remove()
