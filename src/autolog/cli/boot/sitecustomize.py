"""Found by Python's `site` in a process that `autolog run` started; see autolog/cli/_boot.py.

It leaves no trace: PYTHONPATH and sys.path are put back, and the `sitecustomize` that would have been
found without us takes our place.
"""

import importlib.machinery
import importlib.util
import os
import sys


def _begin() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    sys.path_importer_cache.pop(folder, None)
    root = os.path.dirname(os.path.dirname(os.path.dirname(folder)))
    # Where the package lies in the working folder only, `site` has not made it findable yet.
    sys.path.append(root)
    try:
        from autolog.cli import _boot

        _boot.begin()
    finally:
        sys.path.pop()


def _hand_over() -> bool:
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return False
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)
    return True


try:
    _begin()
except BaseException:
    _hand_over()
    raise
if not _hand_over():
    # What `site` takes for "there is none"; the import system then forgets this module.
    raise ImportError("no other sitecustomize", name="sitecustomize")
