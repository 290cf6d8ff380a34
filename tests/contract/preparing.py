"""What runner.py does before the script: nothing, or autolog.

The modes: `bare` leaves autolog out, `captured` calls `autolog.init()`, `raising` installs every hook
with a recorder that fails whatever it is told. When a captured script ends, the targets that were
called are written to the file that CONTRACT_FIRED names.
"""

import atexit
import json
import os
import sys

from warm import serve

__all__ = ["prepare"]


def prepare():
    """Make `__main__` look as Python leaves it for a script, set autolog going, return the code."""
    if sys.argv[1] == "warm":
        serve(sys.argv[2:])
    mode, script = sys.argv[1:3]
    main = sys.modules["__main__"]
    for name in [name for name in vars(main) if not name.startswith("__")]:
        delattr(main, name)
    sys.argv[:] = sys.argv[2:]
    sys.path[0] = os.path.dirname(script)
    main.__file__ = script

    if mode == "captured":
        note_what_fires(os.environ["CONTRACT_FIRED"])
        import autolog

        autolog.init(**json.loads(os.environ["CONTRACT_INIT"]))
    elif mode == "raising":
        from autolog import hooks
        from autolog.patching import Patches

        Patches(hooks.discover(), RaisingRecorder()).install()

    with open(script, encoding="utf-8") as file:
        return compile(file.read(), script, "exec")


def note_what_fires(path):
    """Write the targets that are called in this process to `path` at its end."""
    from autolog.patching.calls import Nesting

    fired = set()
    leave = Nesting.leave

    def noted(self, call, result):
        leave(self, call, result)
        if call.is_tracked or call.point.role not in ("save", "load"):
            fired.add(call.point.target)

    def write():
        with open(path, "w", encoding="utf-8") as file:
            json.dump(sorted(fired), file)

    Nesting.leave = noted
    atexit.register(write)


class RaisingRecorder:
    """A recorder whose every method fails."""

    def __getattr__(self, name):
        def fail(*arguments):
            raise RuntimeError(f"the recorder fails in {name}")

        return fail
