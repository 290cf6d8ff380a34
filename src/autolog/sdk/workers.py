"""Workers in which the main module never runs again: capture goes on in those that joblib (loky) starts.

Each is a new interpreter that is given functions and no script, so an `init()` at the script's top says
nothing there. The command that starts one is made to begin capture first. What `init` was given goes along in
its environment, since any user of the machine sees a command line, and passwords may be in it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from autolog import _guard, patching
from autolog.capture import job

from . import run

if TYPE_CHECKING:
    from .task import Task

__all__ = ["begin", "follow", "join"]

#: joblib's own copy of loky, and loky by itself.
_LOKY = ("joblib.externals.loky", "loky")
#: The variable that carries what `init` was given.
_GIVEN = "_AUTOLOG_WORKER"
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
#: Found even where the package lies in the working folder only; taken out again by its own name.
_PROGRAM = (
    f"import sys; sys.path.append({_ROOT!r}); from autolog.sdk.workers import begin; begin(); sys.path.pop();"
    " del sys, begin; import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
)


def follow() -> None:
    """From now on, workers that loky starts capture as well, for whatever run is the current one."""
    for package in _LOKY:
        patching.when_imported(f"{package}.backend.fork_exec", _extend)


def begin() -> None:
    """In a worker, before anything else: join the task of the parent."""
    text = os.environ.pop(_GIVEN, None)
    if text is None:
        return
    with _guard.guard("go on in a worker of joblib"):
        import json

        given = json.loads(text)
        join(**given)
        current = run.current()
        if current is None:
            return
        watch = functools.partial(_watch, given, current.settings.spool)
        for package in _LOKY:
            patching.when_imported(f"{package}.process_executor", watch)


def join(**given: Any) -> Task:
    """`init` in a worker that has only just begun: its parent is the process that started it."""
    from multiprocessing import process

    # `parent_process()` knows its parent only once the worker's own work begins.
    known = vars(process)
    before = known.get("_parent_process")
    known["_parent_process"] = SimpleNamespace(pid=os.getppid())
    try:
        return run.init(**given)
    finally:
        known["_parent_process"] = before


def _watch(given: Mapping[str, Any], spool: str, module: ModuleType) -> None:
    """Be in the run that the parent is in whenever there is something to do.

    joblib goes on with the workers that it has, also where the script has begun another run since. What is to
    be done is still bytes then: a function in it that saves is looked up when the hooks are in place.
    """
    original = vars(module).get("_process_worker")
    if original is None:
        return

    @functools.wraps(original)
    def process_worker(call_queue: Any, *args: Any, **kwargs: Any) -> Any:
        with _guard.guard("follow the runs of the parent"):
            _listen(call_queue, given, spool)
        return original(call_queue, *args, **kwargs)

    vars(module)["_process_worker"] = process_worker


def _listen(queue: Any, given: Mapping[str, Any], spool: str) -> None:
    receive = queue._recv_bytes

    def received(*args: Any, **kwargs: Any) -> Any:
        found = receive(*args, **kwargs)
        with _guard.guard("follow the runs of the parent"):
            _go_on(given, spool)
        return found

    queue._recv_bytes = received


def _go_on(given: Mapping[str, Any], spool: str) -> None:
    """Be in the run that the parent is in, or in none; what `init` is given is what the first one was."""
    current = run.current()
    task_id = job.parent_task(spool, "" if current is None else current.started.task_id)
    if current is not None and current.started.task_id != task_id:
        current.end("completed", "")
        current = None
    if current is None and task_id is not None:
        run.init(**given)


def _extend(module: ModuleType) -> None:
    with _guard.guard("follow workers of joblib"):
        original = vars(module).get("fork_exec")
        if original is None or vars(original).get("_by_autolog"):
            return
        worker = f"{module.__name__.rpartition('.')[0]}.popen_loky_posix"

        @functools.wraps(original)
        def fork_exec(cmd: Sequence[str], keep_fds: Any, env: Mapping[str, str] | None = None) -> Any:
            current = run.current()
            if current is not None:
                with _guard.guard("go on in a worker of joblib"):
                    cmd, env = _begun(current, worker, cmd, env)
            return original(cmd, keep_fds, env=env)

        vars(fork_exec)["_by_autolog"] = True
        vars(module)["fork_exec"] = fork_exec


def _begun(
    current: run.Run, worker: str, command: Sequence[str], environment: Mapping[str, str] | None
) -> tuple[Sequence[str], Mapping[str, str] | None]:
    """The command and the environment of a worker that captures; as they are if it starts something else."""
    if list(command[1:3]) != ["-m", worker]:
        return command, environment
    import json

    # A forked process has no journal before it saves, and whoever joins its task looks for that.
    current.session.open()
    given = json.dumps(current.given, default=os.fspath)
    command = [command[0], "-c", _PROGRAM.replace("{module!r}", repr(worker)), *command[3:]]
    return command, {**(environment or {}), _GIVEN: given}
