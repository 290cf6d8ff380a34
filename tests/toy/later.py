"""Frameworks that tests use in their own process: imported by the first test that does.

Otherwise every worker imports all of them to collect what another one runs.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

import pytest

__all__ = ["IN_ONE_WORKER", "Later", "needs"]

#: The mark of tests that import frameworks into their own process.
IN_ONE_WORKER = pytest.mark.xdist_group("frameworks-here")


class Later:
    """Stands for a module, which is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)


def needs(*packages: str) -> pytest.MarkDecorator:
    """The mark of tests, or scripts in them, that import these packages."""
    missing = [each for each in packages if find_spec(each) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")
