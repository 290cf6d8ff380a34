"""Workers that the script starts with `multiprocessing`'s spawn or forkserver: capture goes on in them.

A forked worker inherits everything. A spawned one is a new interpreter, which would know nothing of us
unless the script itself calls `autolog.init()`; so the command line it is started with gets one
statement more. The environment would reach it, too, but also every other Python that the script starts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from autolog import _guard

__all__ = ["begin_worker", "follow"]

#: Spawned workers and the fork server are started by its `spawnv_passfds`.
_MODULE = "multiprocessing.util"
_WORKERS = ("from multiprocessing.spawn import", "from multiprocessing.forkserver import")


def follow() -> None:
    """From now on, workers that are spawned capture as well."""
    module = sys.modules.get(_MODULE)
    if module is None:
        sys.meta_path.insert(0, _Watch())
    else:
        _extend(module)


def begin_worker() -> None:
    """In a spawned worker (or the fork server), before anything else: join the task of the parent."""
    with _guard.guard("go on in a spawned process"):
        from autolog.sdk import workers

        if workers.join().id:
            follow()


class _Watch(MetaPathFinder):
    """Waits for the import of `multiprocessing.util`, once."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            _then(spec.loader, _extend)
        return spec


def _then(loader: Loader, act: Callable[[ModuleType], None]) -> None:
    """Have `act` called with the module once this loader has executed it."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        del vars(loader)["exec_module"]
        execute(module)
        act(module)

    vars(loader)["exec_module"] = exec_module


def _extend(module: ModuleType) -> None:
    with _guard.guard("follow spawned processes"):
        original: Any = vars(module).get("spawnv_passfds")
        if original is None or vars(original).get("_by_autolog"):
            return

        def spawnv_passfds(path: Any, args: Sequence[Any], passfds: Any) -> Any:
            started = [
                f"{_PROGRAM}; {each}" if isinstance(each, str) and each.startswith(_WORKERS) else each
                for each in args
            ]
            return original(path, started, passfds)

        vars(spawnv_passfds)["_by_autolog"] = True
        vars(module)["spawnv_passfds"] = spawnv_passfds


_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
#: Found even where the package lies in the working folder only; taken out again by its own name.
_PROGRAM = (
    f"import sys; sys.path.append({_ROOT!r}); from autolog.cli._spawn import begin_worker; begin_worker();"
    " sys.path.pop(); del sys, begin_worker"
)
