"""The public names, and promises about the source that a person can rely on."""

import ast
import importlib
import pathlib
import subprocess
import sys

import pytest

import autolog
from autolog import hooks

pytestmark = pytest.mark.core

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src" / "autolog").rglob("*.py"))


def test_public_names_are_sorted_and_there():
    assert autolog.__all__ == sorted(autolog.__all__)
    for name in autolog.__all__:
        assert hasattr(autolog, name)
    assert autolog.init.__module__ == "autolog"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_all_is_true(path):
    tree = ast.parse(path.read_text())
    lists = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    ]
    for names in lists:
        module = importlib.import_module(
            ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        )
        assert [name for name in names if not hasattr(module, name)] == []


def test_there_is_one_broad_except():
    found = {
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and not any(isinstance(each, ast.Raise) and each.exc is None for each in ast.walk(node))
    }
    assert found <= {"_guard.py"}


def test_the_readme_lists_what_the_hooks_support():
    text = (ROOT / "README.md").read_text()
    for hook in hooks.discover():
        assert f"`{hook.supports}`" in text, f"the README's table lacks {hook.framework} ({hook.supports})"


def test_importing_and_starting_brings_nothing_heavy(tmp_path):
    code = (
        "import sys, wrapt; before = set(sys.modules); import autolog; autolog.init();"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "AUTOLOG_HOME": str(tmp_path / "home"), "HOME": str(tmp_path),
             "PYTHONPATH": str(ROOT / "src"), "AUTOLOG_STRICT": "1"},
    )  # fmt: skip
    brought = set(ast.literal_eval(answer.stdout))
    heavy = {"sqlalchemy", "numpy", "pandas", "fsspec", "requests", "urllib3", "httpx", "click", "rich",
             "blake3", "torch", "joblib", "sklearn", "xgboost", "sqlite3", "ssl"}  # fmt: skip
    assert brought & heavy == set()
    allowed = "__future__ _array _blake2 _hashlib _json _opcode array atexit faulthandler fcntl fnmatch"
    allowed += " hashlib json platform posixpath resource tomllib zlib"
    standard = {name for name in brought if name in sys.stdlib_module_names}
    assert standard <= set(allowed.split())
