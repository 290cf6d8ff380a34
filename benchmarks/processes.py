"""Runs a workload with a tool in a fresh process, and counts the CPU of everything that came of it.

The runner makes itself the subreaper of its descendants, so that helpers which leave the script's
process group (autolog's agent is double-forked) are handed to it when their parent ends. Waiting for
each gives its CPU time exactly, as the kernel counted it. Linux only.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .peers import OFFLINE, Tool

__all__ = ["Failed", "Run", "Sandbox", "script"]

REPOSITORY = Path(__file__).resolve().parent.parent
WORKLOADS = Path(__file__).resolve().parent / "workloads"
SUBREAPER = 36
TICK = 1 / os.sysconf("SC_CLK_TCK")


class Failed(RuntimeError):
    """A measured process ended otherwise than it should; the message has the end of its output."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measured process. Times in seconds.

    `wall` ends with the script's own process, `settled` when the last of its helpers has ended.
    `own_cpu` is the script's process alone, `helper_cpu` every other process that came of it.
    `result` is what the workload wrote down. `cut`: the script had done its work, and was not waited
    for to the end (see `Tool.patience`). `lingering`: helpers that had to be ended by force.
    """

    wall: float
    settled: float
    own_cpu: float
    helper_cpu: float
    result: dict[str, Any]
    cut: bool = False
    lingering: tuple[str, ...] = ()

    @property
    def cpu(self) -> float:
        """CPU of the whole tree, in seconds."""
        return self.own_cpu + self.helper_cpu


def script(workload: str, tool: Tool) -> str:
    """The text of `workloads/<workload>.py` with the tool's lines where the comments stand."""
    places = {
        "# tool: start": tool.start,
        "# tool: after a save": tool.after_save,
        "# tool: end": tool.end,
    }
    lines: list[str] = []
    for line in (WORKLOADS / f"{workload}.py").read_text().splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        added = places.get(line.strip())
        if added is None:
            lines.append(line)
        else:
            lines.extend(indent + text for text in added.splitlines())
    return "\n".join(lines) + "\n"


class Sandbox:
    """A folder with the project in which every script runs, and a home folder per tool.

    A tool's home is kept as its first run left it (tables made, caches filled) and laid anew before
    every further run, so that the runs are alike and what they kept does not pile up.
    """

    def __init__(self, folder: Path, python: Path, source: Path) -> None:
        self.folder = folder
        self.python = python
        self.source = source
        self.project = folder / "project"
        #: Bytes in the project and in the tool's home before the script was run.
        self.laid_out = 0
        self._broken: dict[str, str] = {}
        ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0)

    def run(self, workload: str, tool: Tool, plan: Mapping[str, Any], timeout: float = 300) -> Run:
        """Run a workload with a tool; `plan` is what the workload reads."""
        self._lay_out(workload, tool)
        spec, result = self.folder / "plan.json", self.folder / "result.json"
        spec.write_text(json.dumps(plan))
        result.unlink(missing_ok=True)
        environment = self._environment(tool) | {"BENCH_SPEC": str(spec), "BENCH_RESULT": str(result)}
        return self._execute(environment, tool, result, timeout)

    def warm_up(self, tool: Tool) -> None:
        """Save twice unmeasured: bytecode is compiled, the tool's home is made and from then on kept.

        Does nothing the second time; raises the first failure again.
        """
        if tool.name in self._broken:
            raise Failed(self._broken[tool.name])
        if self._kept(tool).exists():
            return
        small = {"size": 1000, "count": 2, "pattern": "warm up", "pause": 0.1, "settle": 0}
        try:
            self.run("saves", tool, {"parts": [{**small, "same_path": False}]})
        except Failed as error:
            self._broken[tool.name] = str(error)
            raise
        self._home(tool).rename(self._kept(tool))

    def count(self, tool: Tool) -> int | None:
        """How many versions the tool knows of after its last run, less those of the warm-up."""
        if not tool.count:
            return None
        numbers = []
        for home in (self._home(tool), self._kept(tool)):
            environment = self._environment(tool, home)
            if not home.exists():
                numbers.append(0)
                continue
            asked = subprocess.run(
                [str(self.python), "-c", tool.count],
                env=environment,
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if asked.returncode != 0:
                return None
            numbers.append(int(asked.stdout.split()[-1]))
        return numbers[0] - numbers[1]

    def ask(self, tool: Tool, program: Path, plan: Mapping[str, Any], timeout: float = 600) -> dict[str, Any]:
        """Run one of our own programs on what the tool's last run has left; what it wrote down."""
        spec, result = self.folder / "question.json", self.folder / "answer.json"
        spec.write_text(json.dumps(plan))
        result.unlink(missing_ok=True)
        environment = self._environment(tool) | {"BENCH_SPEC": str(spec), "BENCH_RESULT": str(result)}
        asked = subprocess.run(
            [str(self.python), str(program)],
            env=environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        if asked.returncode != 0 or not result.exists():
            raise Failed(f"{tool.name}: {program.name} ended with {asked.returncode}\n{asked.stdout[-2000:]}")
        found: dict[str, Any] = json.loads(result.read_text())
        return found

    def files(self, tool: Tool) -> dict[tuple[int, int], Path]:
        """Every file in the project and in the tool's home, by device and inode: a hard link counts once."""
        found = {}
        for root in (self.project, self._home(tool)):
            for folder, _, names in os.walk(root):
                for path in (Path(folder, name) for name in names):
                    if path.is_file() and not path.is_symlink():
                        status = path.stat()
                        found[status.st_dev, status.st_ino] = path
        return found

    def versions(self, distributions: Iterable[str]) -> dict[str, str]:
        """The installed version of each distribution."""
        ask = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
        names = list(distributions)
        out = subprocess.run(
            [str(self.python), "-c", ask, *names], capture_output=True, text=True, check=True
        )
        return dict(zip(names, out.stdout.split(), strict=True))

    def _home(self, tool: Tool) -> Path:
        return self.folder / "home" / tool.name.replace(", ", "-").replace(" ", "-")

    def _kept(self, tool: Tool) -> Path:
        return self._home(tool).with_suffix(".kept")

    def _lay_out(self, workload: str, tool: Tool) -> None:
        """A fresh project (a git repository where git is there) and the tool's home as it was kept."""
        shutil.rmtree(self.project, ignore_errors=True)
        self.project.mkdir(parents=True)
        (self.project / "train.py").write_text(script(workload, tool))
        if shutil.which("git"):
            who = (["config", "user.name", "bench"], ["config", "user.email", "bench@localhost"])
            for command in (["init", "-q"], *who, ["add", "train.py"], ["commit", "-q", "-m", "script"]):
                subprocess.run(["git", *command], cwd=self.project, check=True, env=self._environment(tool))
        home, kept = self._home(tool), self._kept(tool)
        shutil.rmtree(home, ignore_errors=True)
        if kept.exists():
            shutil.copytree(kept, home, symlinks=True, ignore=unlike_files)
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        for words in tool.prepare:
            subprocess.run(
                [str(self.python), *words], cwd=self.project, check=True, env=self._environment(tool)
            )
        self.laid_out = sum(path.stat().st_size for path in self.files(tool).values())
        os.sync()

    def _environment(self, tool: Tool, home: Path | None = None) -> dict[str, str]:
        place = str(home or self._home(tool))
        settings = {**OFFLINE, **tool.env}
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(self.source),
            **{name: value.replace("{home}", place) for name, value in settings.items()},
        }

    def _execute(self, environment: Mapping[str, str], tool: Tool, result: Path, timeout: float) -> Run:
        start = time.perf_counter()
        with open(self.folder / "output.txt", "wb") as output:
            process = subprocess.Popen(
                [str(self.python), "train.py"],
                cwd=self.project,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        cut = await_end(process.pid, result, timeout, tool.patience)
        wall = time.perf_counter() - start
        children = waited_children(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        helpers, lingering = reap(60)
        settled = time.perf_counter() - start
        if process.returncode != 0 and not cut:
            raise Failed(f"{tool.name}: the script ended with {process.returncode}\n{self._last_words()}")
        if not result.exists():
            raise Failed(f"{tool.name}: not done after {timeout:.0f} s\n{self._last_words()}")
        whole = used.ru_utime + used.ru_stime
        found = json.loads(result.read_text())
        if cut and tool.patience is None:
            raise Failed(f"{tool.name}: done, but not ended after {timeout:.0f} s\n{self._last_words()}")
        return Run(wall, settled, whole - children, children + helpers, found, cut, lingering)

    def _last_words(self) -> str:
        return (self.folder / "output.txt").read_text(errors="replace")[-2000:]


def unlike_files(folder: str, names: list[str]) -> list[str]:
    """The sockets and pipes among them, which can't be copied."""
    found = (Path(folder, name) for name in names)
    return [path.name for path in found if path.is_socket() or path.is_fifo()]


def await_end(pid: int, result: Path, timeout: float, patience: float | None) -> bool:
    """Wait until a process has ended, without reaping it; whether it was ended by force.

    That happens `timeout` seconds after its start, or `patience` seconds after it wrote its result.
    """
    watched = os.pidfd_open(pid)
    try:
        deadline = time.monotonic() + timeout
        while not select.select([watched], [], [], 0.1)[0]:
            if patience is not None and result.exists():
                deadline, patience = time.monotonic() + patience, None
            if time.monotonic() >= deadline:
                os.killpg(pid, signal.SIGKILL)
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
                return True
        return False
    finally:
        os.close(watched)


def waited_children(pid: int) -> float:
    """CPU seconds of the children that an ended, not yet reaped process had waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * TICK


def reap(timeout: float) -> tuple[float, tuple[str, ...]]:
    """Wait for every descendant left behind; their CPU seconds, and those ended by force.

    Only processes that the measured script started can be ours to wait for here.
    """
    cpu = 0.0
    lingering: list[str] = []
    deadline = time.monotonic() + timeout
    while True:
        try:
            pid, _, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu, tuple(lingering)
        if pid:
            cpu += used.ru_utime + used.ru_stime
        elif time.monotonic() > deadline:
            for left in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                words = Path(f"/proc/{left}/cmdline").read_bytes().split(b"\0")
                lingering.append(b" ".join(words).decode(errors="replace").strip())
                os.kill(int(left), signal.SIGKILL)
            deadline = time.monotonic() + 5
        else:
            time.sleep(0.005)
