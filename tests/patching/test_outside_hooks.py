"""A hook that another distribution offers by its entry point, from init() to the store."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import blake3
import pytest

from autolog import agent, config
from autolog.store import Store

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.core

FRAMEWORK = """
    import io
    import os

    __version__ = "2.5"

    class Net:
        def __init__(self, weights=()):
            self.weights = list(weights)

        def state(self):
            return {"weights": self.weights}

        @classmethod
        def read(cls, path):
            with open(path) as file:
                return cls(file.read().split())

    def write(net, target):
        if hasattr(target, "write"):
            target.write(" ".join(map(str, net.weights)).encode())
        else:
            with open(target, "wb") as file:
                write(net, file)

    def save(net, path, callbacks=(), fail=False):
        buffer = io.BytesIO()
        write(net, buffer)
        for each in callbacks:
            each(net)
        with open(path, "wb") as file:
            file.write(buffer.getvalue())
            if fail:
                raise OSError("the disk is full")

    def export(net, name):
        temporary = name + ".tmp"
        write(net, temporary)
        os.replace(temporary, name + ".toy")
        return name + ".toy"
"""
HOOK = """
    from autolog.hooks import Hook, load, save

    hook = Hook(
        key="toybox",
        framework="Toybox",
        supports="toybox>=2",
        design=lambda net: f"Net of {len(net.weights)}",
        points=(
            save("toybox:write", path="target", model="net"),
            save("toybox:save", path="path", model="net"),
            save("toybox:export", path="return", model="net"),
            load("toybox:Net.read", path="path"),
            save("toybox:gone", path="path"),
        ),
    )
    number = 7
"""
SCRIPT = """
    import sys
    leave = sys.exit
    from toybox import save as keep
    import autolog
    task = autolog.init(project="p", task="t")
    import io, os, toybox

    net = toybox.Net([1, 2, 3])
    toybox.write(net, "plain.toy")
    keep(net, "early.toy")
    ema = toybox.Net([0, 1])
    toybox.save(net, "whole.toy", callbacks=[lambda n: toybox.write(ema, "ema.toy")])
    try:
        toybox.save(net, "failed.toy", callbacks=[lambda n: toybox.write(ema, "ema.toy")], fail=True)
    except OSError as error:
        print(error, error.__context__)
    try:
        toybox.Net.read("missing.toy")
    except FileNotFoundError as error:
        print(error.__context__)
    print(toybox.export(toybox.Net([7]), "exported"))
    toybox.write(toybox.Net([9, 9]), io.BytesIO())
    with open("open.toy", "wb") as file:
        toybox.write(toybox.Net([4]), file)
        file.write(b" 5")
    print(toybox.Net.read("ema.toy").weights, toybox.Net.read(path="open.toy").weights)
    print(task.flush(), type(leave).__name__, sys.exit is leave)
    task.close()
    print(type(leave).__name__, sys.exit is leave)
    print(type(vars(toybox)["save"]).__name__, type(vars(toybox.Net)["read"]).__name__)
    toybox.write(net, "afterwards.toy")
"""


def _distribution(folder: Path, name: str, entry_points: str, modules: dict[str, str]) -> None:
    """Install a distribution as pip leaves it: its modules and a dist-info folder."""
    information = folder / f"{name}-2.5.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.5\n")
    (information / "entry_points.txt").write_text(textwrap.dedent(entry_points))
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(textwrap.dedent(source))


def _run(tmp_path: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    (work / "script.py").write_text(textwrap.dedent(script))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AUTOLOG")},
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(tmp_path / "site")]),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "AUTOLOG_HOME": str(tmp_path / "home"),
        "AUTOLOG_STRICT": "1",
        **more,
    }
    return subprocess.run(
        [sys.executable, "script.py"],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _recorded(tmp_path: Path) -> tuple[Any, dict[str, Any]]:
    """The one task, and its models by their last file's name."""
    settings = config.load(home=tmp_path / "home")
    assert agent.settle(settings).pending == 0
    store = Store.open(settings.store, create=False)
    try:
        (listed,) = store.tasks()
        task = store.task(listed.id)
        models = [store.model(each.model_id) for each in task.outputs]
    finally:
        store.close()
    return task, {os.path.basename(each.snapshots[-1].uri or "<memory>"): each for each in models}


def _digest(path: Path) -> str:
    return f"blake3:{blake3.blake3(path.read_bytes()).hexdigest()}"


def test_hook_of_another_distribution(tmp_path: Path) -> None:
    points = "[autolog.hooks]\ntoybox = toybox_hook:hook\n"
    _distribution(tmp_path / "site", "toybox", points, {"toybox": FRAMEWORK, "toybox_hook": HOOK})
    done = _run(tmp_path, SCRIPT)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "the disk is full None",
        "None",
        "exported.toy",
        "['0', '1'] ['4', '5']",
        "True Patched True",
        "builtin_function_or_method True",
        "function classmethod",
    ]
    task, models = _recorded(tmp_path)
    assert task.faults == ()
    assert task.versions["toybox"] == "2.5"
    assert task.hooks == {
        **{key: value for key, value in task.hooks.items() if not key.startswith("toybox")},
        "toybox:write": "applied",
        "toybox:save": "applied",
        "toybox:export": "applied",
        "toybox:Net.read": "applied",
        "toybox:gone": "this version has no such function",
    }
    expected = {
        "plain.toy": "toybox:write",
        "early.toy": "toybox:save",  # by the name bound before init()
        "whole.toy": "toybox:save",  # and not the buffer in it
        "ema.toy": "toybox:write",  # a callback's, inside one save that returned and one that raised
        "exported.toy": "toybox:export",  # and not the temporary file in it
        "<memory>": "toybox:write",
        "open.toy": "toybox:write",
    }
    assert {name: model.snapshots[-1].function for name, model in models.items()} == expected
    versions = {name: len(model.snapshots) for name, model in models.items()}
    assert versions == {**dict.fromkeys(expected, 1), "ema.toy": 2}
    for name, model in models.items():
        assert (model.framework, model.model_type) == ("Toybox", "toybox.Net")
        if name != "<memory>":
            assert model.snapshots[-1].digest == _digest(tmp_path / "work" / name)
    assert models["plain.toy"].design == "Net of 3"
    assert [(os.path.basename(each.path), each.own, each.version) for each in task.inputs] == [
        ("ema.toy", True, 2),
        ("open.toy", True, 1),
    ]


def test_hook_that_can_not_be_imported_takes_no_other_with_it(tmp_path: Path) -> None:
    points = """
        [autolog.hooks]
        broken = toybox_broken:hook
        number = toybox_hook:number
        toybox = toybox_hook:hook
    """
    modules = {"toybox": FRAMEWORK, "toybox_hook": HOOK, "toybox_broken": "raise RuntimeError('too old')"}
    _distribution(tmp_path / "site", "toybox", points, modules)
    script = "import autolog, toybox\nautolog.init()\ntoybox.write(toybox.Net([1]), 'a.toy')\n"
    done = _run(tmp_path, script, AUTOLOG_STRICT="0")
    assert done.returncode == 0
    said = done.stderr.splitlines()
    assert len(said) == 2
    assert "could not load the hook 'broken' (RuntimeError: too old)" in said[0]
    assert "'number' is not a Hook" in said[1]
    task, models = _recorded(tmp_path)
    assert set(models) == {"a.toy"}
    assert [each.where for each in task.faults] == ["load the hook 'broken'"]
