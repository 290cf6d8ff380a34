"""A process that has imported what scripts import, and runs scripts in forks of itself (warm.py)."""

from __future__ import annotations

import json
import selectors
import shutil
import subprocess
import sys
import threading
from pathlib import Path

__all__ = ["RUNNER", "Warm"]

RUNNER = Path(__file__).with_name("runner.py")


class Warm:
    """Runs scripts as a process of their own would, but for the imports, which are there already.

    What imports took from the environment they took once, so all runs find their homes at one path, `at`,
    which leads to those of the run under way. What an import writes and says, each run wrote and said.
    """

    def __init__(self, folder: Path, modules: list[str]) -> None:
        self.at = folder / "at"
        self._folder = folder
        self._modules = modules
        self._process: subprocess.Popen[str] | None = None
        self._one_at_a_time = threading.Lock()

    def run(
        self, arguments: list[str], top: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a script in `top/work`; `arguments` are runner.py's.

        `environment` names what is below `top` as if it were below `at`.
        """
        with self._one_at_a_time:
            process = self._process or self._begin(environment)
            self._lead_to(top)
            _copy_new(self._folder / "imported" / "work", top / "work")
            out, err = top / "stdout", top / "stderr"
            wanted = {
                "arguments": arguments,
                "work": str(top / "work"),
                "environment": environment,
                "stdout": str(out),
                "stderr": str(err),
            }
            code = self._ask(process, wanted)
        said = (self._folder / "stderr").read_text("utf-8")
        return subprocess.CompletedProcess([], code, out.read_text("utf-8"), said + err.read_text("utf-8"))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _begin(self, environment: dict[str, str]) -> subprocess.Popen[str]:
        imported = self._folder / "imported"
        (imported / "work").mkdir(parents=True)
        self._lead_to(imported)
        with open(self._folder / "stderr", "wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, str(RUNNER), "warm", *self._modules],
                env=environment,
                cwd=imported / "work",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self._next_line(self._process)
        return self._process

    def _lead_to(self, top: Path) -> None:
        self.at.unlink(missing_ok=True)
        self.at.symlink_to(top)

    def _ask(self, process: subprocess.Popen[str], wanted: dict[str, object]) -> int:
        assert process.stdin is not None
        print(json.dumps(wanted), file=process.stdin, flush=True)
        return int(self._next_line(process))

    def _next_line(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(240):
                self.close()
                raise TimeoutError("neither an import nor a script takes more than 240 seconds")
        line = process.stdout.readline()
        assert line, (self._folder / "stderr").read_text("utf-8")
        return line


def _copy_new(source: Path, target: Path) -> None:
    """Copy what is not there yet."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(exist_ok=True)
        elif not copy.exists():
            shutil.copy2(path, copy)
