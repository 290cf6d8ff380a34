"""What `autolog doctor` looks at, one function a subject; each returns plain data and never raises.

Every finding is JSON as docs/json.md describes it. A problem is `{"what", "fix"}`.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autolog import _guard, config
from autolog.errors import StoreError, StoreMissing
from autolog.events import NOT_IMPORTED
from autolog.shown import plain as _json

from ._checks_kept import look_at_kept
from ._settings import listed

if TYPE_CHECKING:
    from autolog.store import TaskRecord

__all__ = ["Findings", "examine"]

_LOG_LINES = 20
_LOW_SPACE = 200 << 20
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "lustre", "glusterfs", "ceph", "beegfs", "afs", "9p"}
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*([^;]*)")
_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|~=|>|<)\s*v?(\d+(?:\.\d+)*)")


@dataclass(slots=True)
class Findings:
    """The whole examination; `problems` are what keeps autolog from working."""

    data: dict[str, Any] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: How many versions' bytes wait to be kept, and why.
    waiting: tuple[int, str] = (0, "")

    def broken(self, what: str, fix: str) -> None:
        """Add a problem and how to solve it."""
        self.problems.append({"what": what, "fix": fix})


def examine(home: str | None, store: str | None) -> Findings:
    """Look at everything."""
    found = Findings()
    _python(found)
    settings = _settings(found, home, store)
    if settings is not None:
        _home(found, settings)
    task = _store(found, settings)
    if settings is not None:
        look_at_kept(found, settings)
    _hooks(found, task, settings)
    if settings is not None:
        found.data["log"] = _tail(os.path.join(settings.home, "agent.log"))
    return found


def _python(found: Findings) -> None:
    import platform

    from autolog import __version__

    found.data["autolog"] = __version__
    found.data["python"] = {
        "version": sys.version.split()[0],
        "executable": sys.executable,
        "platform": platform.platform(),
    }
    if sys.platform != "linux":
        found.broken(f"{sys.platform} is not supported yet: init() captures nothing here", "use Linux")


def _settings(found: Findings, home: str | None, store: str | None) -> config.Settings | None:
    try:
        settings = config.load(home=home, store=store)
    except config.ConfigurationProblem as problem:
        found.data["settings"] = {}
        found.broken(f"the configuration can't be used: {problem}", "correct what it names")
        return None
    found.data["settings"] = {
        name: {"value": each.value, "source": each.source} for name, each in listed(settings).items()
    }
    if not settings.enabled:
        found.notes.append(f"capture is switched off by {settings.sources.get('enabled', 'a setting')}")
    return settings


def _home(found: Findings, settings: config.Settings) -> None:
    """Whether spool and log can be written, and what the spool still holds."""
    home = settings.home
    there = home
    while not os.path.exists(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    problem = _write_problem(there, is_ours=there == home)
    free = None
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        problem = problem or str(error.strerror)
    kind = _filesystem(there)
    found.data["home"] = {
        "path": home,
        "exists": there == home,
        "writable": problem is None,
        "free": free,
        "filesystem": kind,
    }
    if problem is not None:
        found.broken(f"{there} can't be written ({problem})", "set AUTOLOG_HOME to a folder that can be")
    elif free is not None and free < _LOW_SPACE:
        found.broken(f"only {free >> 20} MiB are free at {there}", "make room, or set AUTOLOG_HOME elsewhere")
    if kind in _NETWORK:
        found.notes.append(
            f"{home} is on a network filesystem ({kind}): set AUTOLOG_HOME to a local disk, and for a store"
            " that several hosts share use PostgreSQL (AUTOLOG_STORE=postgresql+psycopg://...)"
        )


def _write_problem(folder: str, *, is_ours: bool) -> str | None:
    """Why `folder` can't be written; tried out only where it is our own."""
    import tempfile

    if not os.path.isdir(folder):
        return "it is not a folder"
    if not is_ours:
        return None if os.access(folder, os.W_OK | os.X_OK) else "permission denied"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return error.strerror or str(error)
    return None


def _filesystem(path: str) -> str | None:
    """The type of the filesystem that holds `path`, where the system tells."""
    best, kind = "", None
    path = os.path.realpath(path)
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
            for line in file:
                place, name = line.split(" ")[1:3]
                inside = path == place or path.startswith(place.rstrip("/") + "/")
                if inside and len(place) >= len(best):
                    best, kind = place, name
    except (OSError, ValueError):
        return None
    return kind


def _store(found: Findings, settings: config.Settings | None) -> TaskRecord | None:
    """Spool, store and faults; returns the latest task."""
    spool: dict[str, Any] = {"pending": 0, "folders": [], "problems": []}
    found.data.update(spool=spool, store=None, faults=[], last_task=None)
    if settings is None:
        return None
    state: dict[str, Any] = {"url": config.mask(settings.store), "status": "unusable"}
    state.update(schema=None, counts={})
    found.data["store"] = state
    latest: TaskRecord | None = None
    try:
        _settle(found, settings)
        latest = _open(found, settings, state)
    except StoreMissing:
        state["status"] = "missing"
        found.notes.append("there is no store yet: run a script with `autolog run`, or autolog.init() in it")
    except StoreError as error:
        found.broken(str(error), "do as it says, or set AUTOLOG_STORE to another store")
    spool["folders"] = _folders(settings.spool)
    return latest


def _settle(found: Findings, settings: config.Settings) -> None:
    from autolog.agent import settle

    try:
        settled = settle(settings, wait=5.0)
    except OSError as error:
        found.broken(
            f"the spool {settings.spool} can't be brought into the store ({error.strerror})",
            "make it and what is in it yours, or set AUTOLOG_HOME to another folder",
        )
        return
    found.data["spool"].update(pending=settled.pending, problems=list(settled.problems))
    found.waiting = (settled.waiting, settled.reason)
    if settled.pending:
        why = "; ".join(settled.problems) or "a script is still running"
        found.notes.append(f"{settled.pending} events are not in the store yet: {why}")


def _open(found: Findings, settings: config.Settings, state: dict[str, Any]) -> TaskRecord | None:
    from autolog.store import Store
    from autolog.store.migrations import NEWEST

    store = Store.open(settings.store, create=False)
    try:
        state.update(status="open", schema=NEWEST, counts=store.counts())
        found.data["faults"] = [{"task": task, **_json.fault(each)} for task, each in store.recent_faults(10)]
        tasks = store.tasks(limit=1)
    finally:
        store.close()
    if not tasks:
        return None
    latest = tasks[0]
    found.data["last_task"] = {"id": latest.id, "name": latest.name, "status": latest.status}
    return latest


def _folders(spool: str) -> list[str]:
    try:
        return sorted(os.listdir(spool))
    except OSError:
        return []


def _hooks(found: Findings, latest: TaskRecord | None, settings: config.Settings | None) -> None:
    """Every hook: what it supports, what is installed, and how it fared in the latest task."""
    from autolog import hooks

    known = list(hooks.discover())
    known += hooks.discover_outside(lambda what: _guard.guard(what, quiet=True))
    for fault in tuple(_guard.faults):
        what = f"could not {fault.where}: {fault.error}"
        found.broken(what, "update what it names; if that is autolog, please report it with this output")
    results = {} if latest is None else latest.hooks
    found.data["hooks"] = []
    for hook in known:
        modules = dict.fromkeys(point.module.partition(".")[0] for point in hook.points)
        installed = _installed(hook.supports, [*modules])
        targets = {point.target: results.get(point.target) for point in hook.points}
        result = _fared(targets, installed)
        if settings is not None and _is_off(settings.filter, hook.key):
            result = f"switched off by {settings.sources.get('frameworks', 'a setting')}"
        elif hook.opt_in and not any(targets.values()):
            result = f'only where frameworks={{"{hook.key}": True}} asks for it'
        found.data["hooks"].append(
            {
                "key": hook.key,
                "framework": hook.framework,
                "supports": hook.supports,
                "installed": installed,
                "result": result,
                "targets": targets,
            }
        )
    for each in found.data["hooks"]:
        for package in each["installed"]:
            if package["within"] is False:
                found.notes.append(
                    f"{package['name']} {package['version']} is outside of what the {each['key']} hook"
                    f" supports ({each['supports']})"
                )


def _is_off(filter_: config.Filter, key: str) -> bool:
    rules = filter_.frameworks
    return not rules if isinstance(rules, bool) or not rules else rules.get(key, True) is False


def _fared(targets: Mapping[str, str | None], installed: list[dict[str, Any]]) -> str:
    """How the functions of a hook fared together; those that it failed with are told one by one elsewhere."""
    is_there = any(package["version"] is not None for package in installed)
    results = [each for each in targets.values() if each is not None]
    if not results:
        return "not seen yet" if is_there else "not installed"
    absent = sum(each.endswith(NOT_IMPORTED) for each in results)
    applied = results.count("applied")
    if absent == len(results):
        return "not imported" if is_there else "not installed"
    if applied == len(targets):
        return "applied"
    others = len(targets) - applied - absent
    told = [f"applied to {applied} of {len(targets)} functions"]
    told += [f"{absent} not imported"] if absent else []
    told += [f"{others} not possible"] if others else []
    return ", ".join(told)


def _installed(supports: str, modules: Sequence[str] = ()) -> list[dict[str, Any]]:
    """`[{"name", "version", "within"}]` for each requirement; None where not installed or not known.

    What is not installed by that name may be by another that brings one of the same `modules`
    (`tensorflow-cpu`, `xgboost-cpu`, `pytorch-lightning`).
    """
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for text in supports.split(";"):
        match = _REQUIREMENT.match(text)
        if match is None:
            continue
        name, here = match[1], None
        try:
            here = version(name)
        except PackageNotFoundError:
            name = next(filter(None, map(_provider, modules)), name)
            if name != match[1]:
                here = version(name)
        within = None if here is None else _within(here, match[2])
        found.append({"name": name, "version": here, "within": within})
    return found


def _provider(module: str) -> str | None:
    """The distribution that brings a module, whatever its name; None if there is none."""
    from importlib.metadata import packages_distributions

    if module in sys.stdlib_module_names or not _is_importable(module):
        return None  # reading what every distribution brings takes a moment
    return next(iter(packages_distributions().get(module, ())), None)


def _is_importable(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # ValueError: it is in sys.modules without a spec
        return False


_COMPARE: Mapping[str, Callable[[list[int], list[int]], bool]] = {
    ">=": lambda here, bound: here >= bound,
    "<=": lambda here, bound: here <= bound,
    ">": lambda here, bound: here > bound,
    "<": lambda here, bound: here < bound,
    "==": lambda here, bound: here == bound,
    "!=": lambda here, bound: here != bound,
}


def _within(version: str, specifier: str) -> bool | None:
    """Whether a version fits, by its release numbers alone; None where that can't tell."""
    release = re.match(r"v?(\d+(?:\.\d+)*)", version)
    clauses = [part for part in specifier.split(",") if part.strip()]
    parsed = [_CLAUSE.fullmatch(part.rstrip()) for part in clauses]
    if release is None or any(each is None for each in parsed):
        return None
    here = _numbers(release[1])
    for each in parsed:
        assert each is not None
        operator, bound = each[1], _numbers(each[2])
        if operator == "~=":
            size = each[2].count(".")
            if not (here >= bound and here[:size] == bound[:size]):
                return False
        elif not _COMPARE[operator](here, bound):
            return False
    return True


def _numbers(release: str) -> list[int]:
    found = [int(part) for part in release.split(".")]
    return found + [0] * (6 - len(found))


def _tail(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            return file.read().decode("utf-8", "replace").splitlines()[-_LOG_LINES:]
    except OSError:
        return []
