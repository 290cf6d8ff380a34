"""Runs every script once in every mode, for all tests that look at what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from running import Runs, scripts


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The runs of the scripts, begun at once, as many at a time as there are processors.

    Begun are those of the hooks that the chosen tests are about; each test waits for what it needs.
    """
    chosen = [getattr(item, "callspec", None) for item in request.session.items]
    named = [each.params for each in chosen if each is not None]
    keys = {each["key"] for each in named if "key" in each}
    keys |= {each["script"].key for each in named if "script" in each}
    able = [script for script in scripts() if script.key in keys and not script.missing]
    found = Runs(tmp_path_factory.mktemp("scripts"))
    # With several workers each has the keys of its own, and makes their runs when it comes to them.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        found.start(sorted({script.key for script in able}), able)
    yield found
    found.close()


#: Hooks whose scripts import the same: in one worker they share the process that has imported it.
_TOGETHER = {
    "torch": (
        "huggingface_hub",
        "onnx",
        "pytorch",
        "safetensors",
        "torch_distributed",
        "torch_export",
        "torch_package",
        "torchscript",
    ),
    "tensorflow": ("tensorflow", "tflite"),
    "light": ("joblib", "pickle", "skops", "xgboost"),
}


def _group(key: str) -> str:
    return next((name for name, together in _TOGETHER.items() if key in together), key)


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in this hook, too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of one key go to one worker (`--dist loadgroup`): they share their scripts' runs."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        key = parameters.get("key") or getattr(parameters.get("script"), "key", None)
        if key is not None and Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group(f"contract-{_group(key)}"))
