"""Finds the scripts under tests/scripts and runs them: bare twice, captured, and under a failing recorder.

Scripts that name others in `after` run behind those in the same folder, as a project's scripts do.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import blake3
from packaging.requirements import Requirement
from warming import RUNNER, Warm

__all__ = ["MODES", "ORDERS", "ROOT", "Run", "Runs", "Script", "scripts"]

ROOT = Path(__file__).resolve().parents[2]
#: What every script is run in. `raising`, under a recorder that fails, is asked for by some tests alone;
#: `again` is a second bare run, made only where something differs from the first.
MODES = ("bare", "captured")
#: What probe.py does, each in a process of its own.
ORDERS = ("in_both_orders", "lazy_in_thread")
#: Those that run in a process that has the framework imported; so init() in it comes after the import. So do
#: captured runs but for one of each hook, which begins with init().
_WARM = ("bare", "raising", "captured")
#: Packages that cost little to import: a process may have them for another script than the one that it runs.
_LIGHT = {
    "cloudpickle",
    "fastcore",
    "fsspec",
    "h5py",
    "huggingface_hub",
    "joblib",
    "numpy",
    "onnx",
    "pandas",
    "safetensors",
    "sklearn",
    "skops",
}
#: MegEngine looks for CUDA when it is first used, and says so: in a fork it says something else.
_ALWAYS_ALONE = ("megengine",)
#: Hooks for a module that any script has imported, or for parts of what another hook's scripts import: no
#: further order of imports is left to try.
_IMPORTED_WITH_OTHERS = (
    "pickle",
    "tflite",
    "torch_distributed",
    "torch_export",
    "torch_package",
    "torchscript",
)
_WRAPPER = os.path.join("autolog", "patching", "importlib_bootstrap.py")


@dataclass(frozen=True)
class Script:
    """One script of users' kind, and what is expected of it (`<name>.expect.json` beside it)."""

    path: Path

    @property
    def key(self) -> str:
        """The key of the hook that it is for."""
        return self.path.parent.name

    @property
    def name(self) -> str:
        """The script's stem, which is the task's name."""
        return self.path.stem

    @cached_property
    def expected(self) -> dict[str, Any]:
        """What capturing it should put into the store, with the releases that are installed here.

        Where a release is captured otherwise than the others, `in_release` of a model or an input says what:
        `{"torch<2.7": {"type": "..."}}`.
        """
        path = self.path.with_suffix(".expect.json")
        found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        for entry in (*found.get("models", []), *found.get("inputs", [])):
            for text, others in entry.pop("in_release", {}).items():
                if _is_met(Requirement(text)):
                    entry.update(others)
        return found

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """The modules it imports, in that order, but for its helpers."""
        helpers = {path.stem for path in self._helpers}
        return tuple(name for name in _names(self.path) if name not in helpers)

    @property
    def missing(self) -> list[str]:
        """The modules it imports that aren't installed here, and the releases it needs that aren't."""
        missing = {name for name in _roots(self.imports) if find_spec(name) is None}
        needs = [Requirement(text) for text in self.expected.get("needs", [])]
        return sorted(missing | {str(each) for each in needs if not _is_met(each)})

    @property
    def heavy(self) -> frozenset[str]:
        """The packages it imports that take long."""
        return frozenset(_roots(self.imports) - sys.stdlib_module_names - _LIGHT)

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables that it, or a helper, sets for the frameworks' imports to go by.

        `{work}` in a value is the folder it runs in.
        """
        tree = ast.parse(self.path.read_text("utf-8"))
        last = max(node.lineno for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)))
        first = [node for node in tree.body if node.lineno < last]
        helpers = [each for each in self._helpers if each.stem in _names(self.path)]
        nodes = [node for each in helpers for node in ast.walk(ast.parse(each.read_text("utf-8")))]
        return {name: value for node in (*nodes, *first) for name, value in _sets(node)}

    @property
    def _helpers(self) -> list[Path]:
        return list(self.path.parent.glob("_*.py"))

    @property
    def judge(self) -> Path:
        """The script that says what must be equal in files that differ between two runs, if there is one."""
        return self.path.with_name("_equal.py")

    @property
    def chain(self) -> tuple[Script, ...]:
        """All scripts that share a folder with this one, in the order they run."""
        together = [each for each in scripts(self.key) if each.first == self.first]
        return tuple(sorted(together, key=lambda each: each.depth))

    @property
    def begins_with_init(self) -> bool:
        """Whether its captured run imports nothing before init(): the first of the hook's longest chain."""
        return self.key not in _IMPORTED_WITH_OTHERS and self.is_of_longest_chain and self.first == self

    @property
    def is_of_longest_chain(self) -> bool:
        """Whether it is one of the most scripts of its hook that run behind each other."""
        chains = {each.first for each in scripts(self.key) if not each.missing}
        longest = max(chains, key=lambda each: (len(each.chain), each.name), default=self.first)
        return self.first == longest

    @property
    def first(self) -> Script:
        """The first of the scripts that this one runs behind, itself if it is alone."""
        after = self.expected.get("after")
        return self if after is None else Script(self.path.with_name(after)).first

    @property
    def depth(self) -> int:
        """How many scripts must have run before."""
        after = self.expected.get("after")
        return 0 if after is None else 1 + Script(self.path.with_name(after)).depth


def _sets(node: ast.AST) -> list[tuple[str, str]]:
    """The variables that a statement sets, to texts or to paths from where it runs. Raises ValueError."""
    match node:
        case ast.Assign(targets=[ast.Subscript(value=owner, slice=ast.Constant(value=name))], value=value):
            found = {name: value}
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=owner, attr="setdefault"), args=[ast.Constant(value=name), value]
            )
        ):
            found = {name: value}
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=owner, attr="update"), args=[], keywords=given)
        ):
            found = {each.arg: each.value for each in given}
        case _:
            return []
    if ast.unparse(owner) != "os.environ":
        return []
    return [(str(name), _value(value)) for name, value in found.items()]


def _value(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Call(args=[ast.Constant(value=str(folder))]) if ast.unparse(node.func) == "os.path.abspath":
            return f"{{work}}/{folder}"
    raise ValueError(f"{ast.unparse(node)} is not known before the script runs; set it behind the imports")


def _names(path: Path) -> list[str]:
    """The modules that a file imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names


def _roots(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _is_met(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False


def scripts(key: str | None = None) -> list[Script]:
    """The scripts of one hook, or of all. Names with an underscore in front are helpers."""
    folders = ROOT / "tests" / "scripts"
    return [
        Script(path) for path in sorted(folders.glob(f"{key or '*'}/*.py")) if not path.name.startswith("_")
    ]


@dataclass(frozen=True)
class Run:
    """What one run of a script left behind; `files` maps relative paths to (mode, blake3)."""

    code: int
    stdout: str
    stderr: str
    folder: Path
    home: Path
    files: dict[str, tuple[int, str]]
    fired: list[str] = field(default_factory=list)

    @property
    def stderr_without_us(self) -> str:
        """stderr without the frames of our wrapper in tracebacks."""
        kept: list[str] = []
        is_ours = False
        for line in self.stderr.splitlines(keepends=True):
            if line.startswith('  File "'):
                is_ours = _WRAPPER in line
            elif not line.startswith("    "):
                is_ours = False
            if not is_ours:
                kept.append(line)
        return "".join(kept)


class Runs:
    """Runs chains of scripts in all modes, each once, as many at a time as there are processors."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
        self._started: dict[tuple[Path, str], Future[dict[Path, Run]]] = {}
        self._probes: dict[tuple[str, str], Future[list[str]]] = {}
        self._warm: dict[tuple[tuple[tuple[str, str], ...], frozenset[str]], Warm] = {}
        self._making = threading.Lock()

    def start(self, keys: list[str], wanted: list[Script]) -> None:
        """Begin all probes of these hooks, and all runs of these scripts."""
        for key in keys:
            for order in ORDERS:
                self._probe(key, order)
        for script in wanted:
            for mode in MODES:
                self._future(script, mode)

    def of(self, script: Script, mode: str) -> Run:
        """What a script's run in a mode has left; waits for it."""
        return self._future(script, mode).result()[script.path]

    def judged(self, script: Script, pairs: list[str]) -> subprocess.CompletedProcess[str]:
        """What `_equal.py`, beside a script, says of files, given as one of a run and the same of another."""
        top = self._folder / f"{script.key}-{script.name}-judged"
        return self._start(script, "bare", script.judge, top, pairs)

    def problems(self, key: str, order: str) -> list[str]:
        """What probe.py finds wrong with a hook in one order of install, import and remove."""
        return self._probe(key, order).result()

    def home(self, script: Script) -> Path:
        """AUTOLOG_HOME of the captured run, after all scripts that share it have run."""
        return next(iter(self._future(script, "captured").result().values())).home

    def close(self) -> None:
        """Begin no further run."""
        self._pool.shutdown(cancel_futures=True)
        for each in self._warm.values():
            each.close()

    def _probe(self, key: str, order: str) -> Future[list[str]]:
        if (key, order) not in self._probes:
            self._probes[key, order] = self._pool.submit(self._run_probe, key, order)
        return self._probes[key, order]

    def _run_probe(self, key: str, order: str) -> list[str]:
        top = _folder(self._folder / f"probe-{key}-{order}")
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("probe.py")), key, order],
            cwd=top,
            env=_environment(top, top),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        found: list[str] = [done.stderr] if done.returncode else json.loads(done.stdout)
        return found

    def _future(self, script: Script, mode: str) -> Future[dict[Path, Run]]:
        key = (script.first.path, mode)
        if key not in self._started:
            self._started[key] = self._pool.submit(self._run_chain, script.chain, mode)
        return self._started[key]

    def _run_chain(self, chain: tuple[Script, ...], mode: str) -> dict[Path, Run]:
        top = self._folder / f"{chain[0].key}-{chain[0].name}-{mode}"
        found: dict[Path, Run] = {}
        for script in chain:
            found[script.path] = self._run(script, mode, top)
        return found

    def _run(self, script: Script, mode: str, top: Path) -> Run:
        work, home, fired = top / "work", top / "autolog", top / f"{script.name}.fired.json"
        more = {
            "AUTOLOG_STRICT": "0" if mode == "raising" else "1",
            "CONTRACT_FIRED": str(fired),
            "CONTRACT_INIT": json.dumps(script.expected.get("init", {})),
        }
        done = self._start(script, mode, script.path, top, [], **more)
        return Run(
            done.returncode,
            done.stdout,
            done.stderr,
            work,
            home,
            _files(work),
            json.loads(fired.read_text()) if fired.exists() else [],
        )

    def _start(
        self, script: Script, mode: str, path: Path, top: Path, arguments: list[str], **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a file of a script's folder in a mode, in `top/work`."""
        (top / "work").mkdir(parents=True, exist_ok=True)
        words = ["bare" if mode == "again" else mode, str(path), *arguments]
        is_alone = script.key in _ALWAYS_ALONE or (mode == "captured" and script.begins_with_init)
        if mode in _WARM and not is_alone:
            warm = self._warm_for(script)
            there = _environment(warm.at, warm.at / "work")
            own = {name: value.format(work=warm.at / "work") for name, value in script.environment.items()}
            return warm.run(words, top, {**there, **own, **more})
        return subprocess.run(
            [sys.executable, str(RUNNER), *words],
            cwd=top / "work",
            env={**_environment(top, top / "work"), **more},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def _warm_for(self, script: Script) -> Warm:
        """The process that has what this script imports, as the variables have it that it sets.

        It is that of all scripts that import the same heavy packages; not more: some packages look which
        others are there.
        """
        key = (tuple(sorted(script.environment.items())), script.heavy)
        with self._making:
            if key not in self._warm:
                able = [
                    each for each in scripts() if not each.missing and each.environment == script.environment
                ]
                able = [each for each in able if each.heavy == script.heavy]
                modules = list(dict.fromkeys(name for each in able for name in each.imports))
                # Short, for the names of sockets (see TMPDIR below).
                self._warm[key] = Warm(_folder(self._folder / f"w{len(self._warm)}"), modules)
            return self._warm[key]


def _environment(top: Path, work: Path) -> dict[str, str]:
    """The variables of a process whose homes are all under `top`, and `~` under `work`."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AUTOLOG", "XDG"))},
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        # TensorFlow sums in the order in which its threads come: two runs then differ in the last bits.
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "HOME": str(work / "home"),
        "XDG_CONFIG_HOME": str(top / "config"),
        "XDG_CACHE_HOME": str(top / "cache"),
        "XDG_DATA_HOME": str(top / "data"),
        # Short: the name of a socket in it, which multiprocessing makes, may have 107 bytes.
        "TMPDIR": str(_folder(top.parent / blake3.blake3(top.name.encode()).hexdigest()[:6])),
        "AUTOLOG_HOME": str(top / "autolog"),
        "AUTOLOG_STRICT": "1",
    }


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _files(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file and folder under `folder`: its mode, and the digest of its bytes."""
    found: dict[str, tuple[int, str]] = {}
    for path in sorted(folder.rglob("*")):
        digest = "" if path.is_dir() else blake3.blake3(path.read_bytes()).hexdigest()
        found[str(path.relative_to(folder))] = (path.stat().st_mode, digest)
    return found
