"""The part of `autolog run` that works in the script's own process, before the script's first line.

Nothing may be left that the script could see: no variable, no entry of `sys.path`, no attribute of
`__main__`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

from autolog import _guard, init

from . import _spawn

__all__ = ["BOOT", "REQUEST", "begin"]

#: The folder that is put first on PYTHONPATH.
BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot")
#: The variable that carries what this process has to know.
REQUEST = "_AUTOLOG_RUN"


def begin() -> None:
    """Take the request out of the environment and start capturing."""
    text = os.environ.pop(REQUEST, None)
    if text is None:
        return
    request = json.loads(text)
    if request["pythonpath"] is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = request["pythonpath"]
    with _guard.guard("start capturing"):
        path = _module_path(request["module"]) if request["module"] else _script_path(request["script"])
        if path is None:
            return  # there is no such script: Python will say so, and there is no run to record
        with _as_if_running(path, is_module=bool(request["module"])):
            task = init(tags=request["tags"])
        if task.id:
            _spawn.follow()


def _script_path(script: str) -> str | None:
    """The file that `python SCRIPT` runs; `` for the standard input; None if there is none."""
    if script == "-":
        return ""
    if os.path.isdir(script):
        return os.path.join(script, "__main__.py")
    return script if os.path.exists(script) else None


def _module_path(name: str) -> str:
    """The file that `python -m NAME` runs, found without importing any package on the way.

    Where no finder knows it, the name alone: the run is recorded all the same.
    """
    search: Sequence[str] = sys.path if getattr(sys.flags, "safe_path", False) else [os.getcwd(), *sys.path]
    parts = name.split(".")
    for number, part in enumerate(parts, 1):
        spec = _find(".".join(parts[:number]), search, is_top=number == 1)
        if spec is None:
            break
        if spec.submodule_search_locations is None:
            return spec.origin if spec.origin and number == len(parts) else part
        search = list(spec.submodule_search_locations)
    else:
        spec = PathFinder.find_spec(f"{name}.__main__", search)
        if spec is not None and spec.origin:
            return spec.origin
    return f"{parts[-1]}.py"


def _find(name: str, search: Sequence[str], *, is_top: bool) -> ModuleSpec | None:
    found = PathFinder.find_spec(name, search)
    if found is not None or not is_top:
        return found
    # An editable installation may bring a finder of its own.
    for finder in sys.meta_path:
        find_spec: Any = getattr(finder, "find_spec", None)
        if find_spec is not None and (found := find_spec(name, None)) is not None:
            return found  # type: ignore[no-any-return]
    return None


@contextmanager
def _as_if_running(path: str, *, is_module: bool) -> Iterator[None]:
    """`__main__` and `sys.argv` as they will be when the script's first line runs."""
    main = vars(sys.modules["__main__"])
    argument = sys.argv[0]
    if path:
        main["__file__"] = path
    if is_module:
        sys.argv[0] = path
    try:
        yield
    finally:
        main.pop("__file__", None)
        sys.argv[0] = argument
