"""`autolog.init()`: puts the rooms of the writing half together in the user's process.

Every training script pays for importing this module, and `task`: nothing heavy stands at their tops.
"""

from __future__ import annotations

import atexit
import builtins
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autolog import _guard, config
from autolog.events import Started

from .task import Task

__all__ = ["Run", "current", "current_task", "endings", "init", "off_task", "start"]


_current: list[Run] = []
#: What `init` returned where nothing is captured.
_off: list[Task] = []
_fork_is_watched: list[bool] = []
_endings: list[str] = []


def init(
    project: str | None = None,
    task: str | None = None,
    *,
    tags: Sequence[str] = (),
    frameworks: bool | str | Mapping[str, Any] | None = None,
    exclude: str | Sequence[str] | None = None,
    store: str | None = None,
    home: str | os.PathLike[str] | None = None,
    output_uri: bool | str | os.PathLike[str] | None = None,
) -> Task:
    """Capture every weights file that this script saves and loads from here on.

    Called again with the same arguments, or with none, it returns the same task; other names close it and
    start another.
    `frameworks` is True, False or maps a framework (`"pytorch"`, `"joblib"`, `"xgboost"`) to a bool, a
    glob on the path or a list of globs; `exclude` lists globs of paths to leave alone. `store` is an
    SQLAlchemy URL, `home` the folder of everything local. `output_uri` says where the bytes of every snapshot
    are kept: True for the content store, which keeps what didn't change only once, a folder or a URL (`s3://...`)
    for plain files. What isn't given comes from the environment and the configuration files.

    Never raises for a fault of ours: the script goes on, and one line on stderr says what is wrong.
    """
    return start(
        tuple(tags),
        project=project,
        task=task,
        frameworks=frameworks,
        exclude=exclude,
        store=store,
        home=home,
        output_uri=output_uri,
    )


def start(
    tags: tuple[str, ...],
    find: Callable[[config.Settings], str] | None = None,
    task_type: str = "training",
    **given: Any,
) -> Task:
    """`init`, with the settings that are given; `find` says which earlier task goes on, if one does."""
    task: Task | None = None
    with _guard.guard("start capturing"):
        # As text: an object may have changed by the time that it is given again.
        said = {
            name: repr(each) for name, each in {**given, "tags": tags or None}.items() if each is not None
        }
        if _current and find is None and (not said or said in _current[0].said):
            # Not derived anew: the working folder may be another one by now.
            return _current[0].task
        task = _start(tags, find, task_type, given)
        if task is not None:
            _current[0].said.append(said)
    if task is None:
        task = Task()
        _off[:] = [task]
    return task


def off_task() -> Task | None:
    """What `init` returned if nothing is captured in this process: models can be made of it all the same."""
    return _off[0] if _off and not _current else None


def _start(
    tags: tuple[str, ...],
    find: Callable[[config.Settings], str] | None,
    task_type: str,
    given: Mapping[str, Any],
) -> Task | None:
    try:
        settings = config.load(**given)
    except config.ConfigurationProblem as problem:
        _guard.complain(f"{problem}. Nothing is captured in this run.")
        return None
    # What the environment says counts at every moment; a file's or a call's word, from here on.
    is_said = settings.sources.get("strict", "AUTOLOG_STRICT") != "AUTOLOG_STRICT"
    _guard.set_strict(settings.strict if is_said else None)
    if not settings.enabled:
        return None
    if sys.platform != "linux":
        _guard.complain(f"{sys.platform} is not supported yet: nothing is captured in this run.")
        return None
    return _begin(settings, tags, "" if find is None else find(settings), task_type, given)


def current() -> Run | None:
    """What `init()` set going in this process, None if it hasn't or that is over."""
    return _current[0] if _current else None


def endings() -> int:
    """How many runs of this process are over."""
    return len(_endings)


def current_task() -> Task | None:
    """The task that this process is capturing for, None if it isn't."""
    return _current[0].task if _current else None


def _begin(
    settings: config.Settings, tags: tuple[str, ...], task_id: str, task_type: str, given: Mapping[str, Any]
) -> Task | None:
    from autolog.capture.code import script_name

    from . import workers

    project = settings.project or os.path.basename(os.getcwd()) or "default"
    name = settings.task or script_name()
    if _current:
        run = _current[0]
        is_named_so = (run.started.project, run.started.name) == (project, name)
        if is_named_so and but_names(run.settings) == but_names(settings):
            return run.task
        run.end("completed", "")
    try:
        run = Run(settings, (project, name), tags, task_id, task_type)
        # From its own folder, and whatever folder the script is in by then, a worker means the same places.
        places = {key: getattr(settings, key) for key in ("home", "store", "output_uri")}
        filters = {key: given[key] for key in ("frameworks", "exclude") if given.get(key) is not None}
        run.given = {"project": project, "task": name, **places, **filters}
        run.begin()
    except OSError as error:
        _guard.complain(
            f"can't write to {settings.spool} ({error.strerror}); nothing is captured in this run."
            " Set AUTOLOG_HOME to a folder on a disk with room that you may write to."
        )
        return None
    _current.append(run)
    if not _fork_is_watched:
        _fork_is_watched.append(True)
        os.register_at_fork(after_in_child=_after_fork)
    with _guard.guard("follow workers of joblib"):
        workers.follow()
    return run.task


def but_names(settings: config.Settings) -> config.Settings:
    """What is in force besides the names, wherever it was said."""
    return settings._replace(project=None, task=None, sources={})


def _argument(given: Any) -> str:
    # A script may have put anything there; passwords in URLs are written down nowhere.
    return config.mask(os.fsdecode(given) if isinstance(given, bytes) else str(given))


def _after_fork() -> None:
    with _guard.guard("go on in a forked process"):
        for run in _current:
            run.become_child()


class Run:
    """Everything that one `init()` set going in this process."""

    def __init__(
        self,
        settings: config.Settings,
        names: tuple[str, str],
        tags: tuple[str, ...],
        earlier: str = "",
        task_type: str = "training",
    ) -> None:
        from autolog import hooks
        from autolog.capture import Capture, Ending, Process, Session, code, job

        described = job.describe()
        # First: a worker that a rank has spawned has the rank's environment, too.
        inherited = job.parent_task(settings.spool)
        script = code.script()
        self.settings = settings
        #: The arguments of the calls that this is the task of.
        self.said: list[dict[str, str]] = []
        #: What `init` is to be given in a worker of this run.
        self.given: dict[str, Any] = {}
        self.started = Started(
            task_id=inherited or earlier or job.task_id(described),
            time=time.time(),
            project=names[0],
            name=names[1],
            script=script,
            argv=tuple(map(_argument, sys.argv)),
            cwd=os.getcwd(),
            user=code.user(),
            host=os.uname().nodename,
            python=sys.version.split()[0],
            tags=tags,
            git=code.git_head(os.path.dirname(script) if script else os.getcwd()),
            job={key: value for key, value in described.items() if key not in ("key", "rank")},
            store=config.mask(settings.store),
            interactive=code.is_interactive(),
            output_uri=config.mask(settings.output_uri),
            content_store=config.mask(settings.content_store),
            task_type=task_type,
            continues=bool(earlier) and not inherited,
        )
        role = "child" if inherited else "rank" if described else "main"
        self.session = Session(settings, self.started, Process(role, described.get("rank")))
        self.capture = Capture(self.session, hooks.sort)
        self.ending = Ending(
            os.path.join(self.session.folder, f"signal-{os.getpid()}"), interactive=self.started.interactive
        )
        self.task = Task(run=self)

    def begin(self) -> None:
        """Write the first lines, watch for the end, and put the hooks in place."""
        from autolog import hooks
        from autolog.patching import Patches

        self.session.open()
        # Not before the journal is open: a hook from outside that can't be loaded is a fault to record.
        found = (*hooks.discover(), *hooks.discover_outside(_guard.guard))
        wanted = (each for each in found if not each.opt_in or self.settings.filter.names(each.key))
        self.patches = Patches(wanted, self.capture)
        self.session.bound = lambda: (dict(self.patches.results), self.patches.versions())
        self.capture.retry = self.patches.retry
        self.ending.watch()
        for owner, name in ((sys, "exit"), (builtins, "exit"), (builtins, "quit")):
            if hasattr(owner, name):  # `python -S` has no exit() and quit()
                self.patches.watch_call(owner, name, self.ending.exiting)
        self.patches.install()
        atexit.register(self.at_exit)

    @property
    def is_over(self) -> bool:
        """Whether nothing is captured for it any more."""
        return self not in _current

    def save(self, path: str | os.PathLike[str], root: str, names: tuple[str, ...], **fields: Any) -> str:
        """Record what is at a path or URL as a snapshot, as people ask for it; the id of the event.

        Of several files `names` are those below `root`. `fields` are those of `Saved` that are known. Raises
        FileNotFoundError where nothing is.
        """
        from autolog.hooks import Bundle

        target = Bundle(os.fspath(path), root, "", names) if names else path
        return self.capture.record(target, **fields)

    def settle(self, seconds: float) -> bool:
        """See everything so far into the store."""
        with _guard.guard("wait for the agent"):
            return self.session.settle(seconds)
        return False

    def end(self, status: str, reason: str) -> None:
        """End this run here: hooks out, events through, everything closed."""
        if self not in _current:
            return
        _current.remove(self)
        _endings.append(self.started.task_id)
        atexit.unregister(self.at_exit)
        with _guard.guard("take the hooks away"):
            bound = self.session.bound()  # how they fared is what counts, not that they are gone by now
            self.session.bound = lambda: bound
            self.patches.remove()
        self._finish(status, reason)

    def at_exit(self) -> None:
        """The interpreter ends."""
        if self in _current:
            _current.remove(self)
        with _guard.guard("see how the run ended"):
            status, reason = self.ending.outcome()
            self._finish(status, reason)

    def become_child(self) -> None:
        """After a fork: join the parent's task."""
        self.patches.become_child()
        self.ending.unwatch()
        self.capture.become_child()
        self.session.become_child()

    def _finish(self, status: str, reason: str) -> None:
        with _guard.guard("finish the run"):
            self.capture.finish()
            wait = os.environ.get("AUTOLOG_WAIT", "") != "0" and status != "stopped"
            self.session.finish(status, reason, wait=wait)
            self.ending.unwatch()
