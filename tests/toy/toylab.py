"""A place to run scripts under autolog: a home and a working folder of their own, and what the store
says afterwards. No framework is needed; see `toyframework`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import autolog
from autolog import config
from autolog.agent import settle
from autolog.store import Store

__all__ = ["PRELUDE", "Lab", "wait_until"]

_TOY = Path(__file__).resolve().parent
_SOURCE = Path(autolog.__file__).resolve().parent.parent

#: What nearly every script begins with.
PRELUDE = """
import os, signal, sys, time
import autolog
autolog.init()
from toyframework import Model, digest, digest_of, load, save, save_by_replacing, save_slowly
"""


def wait_until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What `condition` returns, once it is true; AssertionError after that many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found


class Lab:
    """One home, one working folder, and scripts run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.work = folder / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        #: The URL of a store that is not in the home, for every script and every look.
        self.elsewhere: str | None = None
        self._started: list[subprocess.Popen[str]] = []
        self._scripts = 0

    # -- scripts --------------------------------------------------------------------------------

    def environment(self, **more: str | None) -> dict[str, str]:
        """The environment of a script: our source, the toy framework, a home of its own, strict."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AUTOLOG_", "PYTEST_", "XDG_", "PYTHON"))
        }
        kept["PYTHONPATH"] = os.pathsep.join((str(_SOURCE), str(_TOY)))
        kept["AUTOLOG_HOME"] = str(self.home)
        kept["AUTOLOG_STRICT"] = "1"
        kept["XDG_CONFIG_HOME"] = str(self.folder / "config")
        if self.elsewhere is not None:
            kept["AUTOLOG_STORE"] = self.elsewhere
        for key, value in more.items():
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value
        return kept

    def script(self, text: str, *, prelude: str = PRELUDE, name: str = "") -> Path:
        """Write a script into the working folder."""
        self._scripts += 1
        path = self.work / (name or f"script{self._scripts}.py")
        path.write_text(prelude + textwrap.dedent(text), encoding="utf-8")
        return path

    def start(
        self, text: str, *arguments: str, prelude: str = PRELUDE, name: str = "", **environment: str | None
    ) -> subprocess.Popen[str]:
        """Start a script; its streams are pipes of text."""
        process = subprocess.Popen(
            [sys.executable, str(self.script(text, prelude=prelude, name=name)), *arguments],
            cwd=self.work,
            env=self.environment(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
        )
        self._started.append(process)
        return process

    def run(
        self,
        text: str,
        *arguments: str,
        prelude: str = PRELUDE,
        name: str = "",
        timeout: float = 60,
        status: int | None = 0,
        **environment: str | None,
    ) -> Done:
        """Run a script to its end. `status` is the exit status it must have (None: any)."""
        began = time.monotonic()
        process = self.start(text, *arguments, prelude=prelude, name=name, **environment)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"the script hung.\n{out}\n{err}") from None
        done = Done(process.returncode, out, err, time.monotonic() - began)
        assert status is None or done.status == status, f"exit status {done.status}\n{out}\n{err}\n{self.log}"
        return done

    def save_in_vain(self) -> Path:
        """Save two versions that are to be kept in a folder which can't be made; what is in its way there."""
        place = self.folder / "kept"
        place.write_bytes(b"in the way")
        self.run(
            """
            for number in range(2):
                save(Model([float(number)] * 5000), "m.toy")
            """,
            AUTOLOG_OUTPUT_URI=str(place),
        )
        return place

    # -- what came of it --------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The store's URL."""
        return self.elsewhere or f"sqlite:///{self.home}/autolog.db"

    @property
    def spool(self) -> Path:
        """The folder of journals."""
        return self.home / "spool"

    @property
    def log(self) -> str:
        """What agents have written on their stderr."""
        try:
            return (self.home / "agent.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def settle(self, wait: float = 20.0, **arguments: Any) -> Any:
        """What every command does first."""
        places = {"home": str(self.home), "store": self.elsewhere, **arguments}
        return settle(config.load(**places), wait=wait)

    @contextmanager
    def store(self, url: str | None = None) -> Iterator[Store]:
        """The open store."""
        store = Store.open(url or self.url)
        try:
            yield store
        finally:
            store.close()

    def tasks(self) -> list[Any]:
        """All tasks, in full, the oldest first."""
        with self.store() as store:
            return [store.task(each.id) for each in reversed(store.tasks())]

    def task(self) -> Any:
        """The only task."""
        (task,) = self.tasks()
        return task

    def models(self) -> list[Any]:
        """All models with all their snapshots, the oldest first."""
        with self.store() as store:
            found = [store.model(each.id) for each in store.models()]
        return sorted(found, key=lambda model: model.created)

    def model(self) -> Any:
        """The only model."""
        (model,) = self.models()
        return model

    def snapshots(self) -> list[Any]:
        """All snapshots of all models, the oldest first."""
        return sorted(
            (each for model in self.models() for each in model.snapshots), key=lambda each: each.created
        )

    # -- agents -----------------------------------------------------------------------------------

    def agents(self) -> list[int]:
        """The processes of our agents that serve this home and have not ended."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        command = file.read()
                    with open(f"/proc/{name}/stat", "rb") as file:
                        state = file.read().rpartition(b")")[2].split()[0]
                except OSError:
                    continue
                if b"autolog.agent" in command and os.fsencode(self.spool) in command and state != b"Z":
                    found.append(int(name))
        return found

    def agent(self, seconds: float = 60.0) -> int:
        """The one agent that is running, as soon as there is one."""
        wait_until(self.agents, seconds)
        (found,) = self.agents()
        return found

    def quiet(self, seconds: float = 60.0) -> None:
        """Wait until no agent is left."""
        deadline = time.monotonic() + seconds
        while (left := self.agents()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not left, f"agents are left: {left}\n{self.log}"

    def close(self) -> None:
        """End what was started and make sure that nothing of ours is left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        try:
            self.quiet()
        finally:
            for number in self.agents():
                os.kill(number, signal.SIGKILL)


class Done:
    """How a script ended."""

    def __init__(self, status: int, out: str, err: str, seconds: float) -> None:
        self.status = status
        self.out = out
        self.err = err
        self.seconds = seconds

    @property
    def lines(self) -> list[str]:
        """What it printed."""
        return self.out.splitlines()
