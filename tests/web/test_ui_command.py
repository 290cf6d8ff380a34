"""`autolog ui` and `autolog completion`, as processes of their own."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from filling import fill
from toylab import wait_until

from autolog.cli.ui import PORT
from autolog.events import FileFacts, Saved, Started
from autolog.keeping.restore import digest_at
from autolog.store import Look, Store, Writer, edit

pytestmark = [pytest.mark.core, pytest.mark.slow]


class Running:
    """The command, once it has said where it is."""

    def __init__(self, *arguments, browser=False):
        command = [sys.executable, "-m", "autolog", "ui", *([] if browser else ["--no-browser"]), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        found = re.fullmatch(r"http://(.+):(\d+)/\?token=(.+)", self.address)
        self.port = int(found[2]) if found else 0
        self.token = found[3] if found else ""

    def get(self, path, host="127.0.0.1"):
        headers = {"Authorization": f"Bearer {self.token}"}
        asked = urllib.request.Request(f"http://{host}:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def run():
    running = []

    def start(*arguments, **more):
        running.append(Running(*arguments, **more))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_it_serves_until_ctrl_c(run, home):
    store = Store.open(f"sqlite:///{home}/autolog.db")
    fill(store, 5)
    port = free_port()
    ui = run("--port", str(port))
    assert ui.port == port
    assert ui.get("/models.json")["total"] == 5
    # Others write meanwhile.
    edit(store, store.models()[0].id, lambda record: {"archived": True})
    assert ui.get("/models.json")["total"] == 4
    store.close()
    status, out, err = ui.end()
    assert (status, out) == (0, "")
    assert "Traceback" not in err


def test_what_a_run_has_left_that_ended_with_its_agent_comes_in(run, lab, monkeypatch):
    monkeypatch.setenv("AUTOLOG_HOME", str(lab.home))
    ui = run("--port", str(free_port()))
    script = lab.start("save(Model([1.0]), 'm.toy'); input()")
    wait_until(lambda: ui.get("/models.json")["total"] == 1, 60)
    os.kill(lab.agent(), signal.SIGKILL)
    script.kill()
    wait_until(lambda: ui.get("/tasks.json")["tasks"][0]["status"] == "killed", 60)


def test_a_store_is_made_and_nothing_is_needed(run, home):
    ui = run("--port", str(free_port()))
    assert ui.get("/index.json")["model_count"] == 0
    assert (home / "autolog.db").exists()


def _binds(opened, port):
    # Also where connections of a server that has just ended are still remembered: so does the command.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def test_the_usual_port_may_be_taken(run):
    # Servers of other tests have it, too, and may give it up between our look and the start.
    for _ in range(5):
        with socket.socket() as other:
            if _binds(other, PORT):
                other.listen()
            ui = run()
        if ui.port != PORT:
            break
        ui.end()
    assert ui.port not in (0, PORT)
    assert ui.get("/index.json")["task_count"] == 0
    _, _, err = ui.end()
    assert f"port {PORT} is taken" in err


def test_a_port_that_was_asked_for_and_is_taken(run):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ui = run("--port", str(other.getsockname()[1]))
        assert ui.address == ""
        _, err = ui.process.communicate(timeout=30)
    assert ui.process.returncode == 9
    assert "choose another --port" in err


def test_only_this_machine_can_reach_it(run):
    ui = run("--port", str(free_port()))
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [each[1] for each in sockets if each[3] == "0A" and each[1].endswith(f":{ui.port:04X}")]
    assert listening == [f"0100007F:{ui.port:04X}"]


def said_at_start(run, *arguments):
    ui = run(*arguments)
    ui.get("/index.json")
    return ui.end()[2]


def test_who_is_there_by_ssh_is_told_of_a_tunnel(run, monkeypatch):
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert "ssh" not in said_at_start(run)
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
    port = free_port()
    there = said_at_start(run, "--port", str(port))
    assert f"ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}\n" in there
    assert "ssh" not in said_at_start(run, "--host", "0.0.0.0")


def test_another_address_keeps_the_token(run):
    ui = run("--host", "0.0.0.0", "--port", str(free_port()))
    assert ui.address.startswith(f"http://{socket.gethostname()}:")
    assert ui.get("/index.json")["task_count"] == 0
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"http://127.0.0.1:{ui.port}/index.json", timeout=30)


def test_what_a_browser_is_started_with_opens_the_pages_once(run, tmp_path, monkeypatch):
    browser, said = tmp_path / "browser", tmp_path / "said"
    browser.write_text(f'#!/bin/sh\necho "$1" > {said}.part && mv {said}.part {said}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    ui = run("--port", str(free_port()), browser=True)
    wait_until(said.exists, 60)
    address = said.read_text().strip()
    assert address.startswith(f"http://127.0.0.1:{ui.port}/?token=")
    assert ui.token not in address
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert "HttpOnly" in answer.headers["set-cookie"]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(address, timeout=30)
    with urllib.request.urlopen(ui.address, timeout=30) as answer:
        assert answer.status == 200


def test_no_such_address(run):
    ui = run("--host", "203.0.113.7")
    _, err = ui.process.communicate(timeout=30)
    assert ui.process.returncode == 9
    assert "nothing can listen on 203.0.113.7" in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    command = [sys.executable, "-m", "autolog", "completion"]
    done = subprocess.run([*command, shell], capture_output=True, text=True, check=True)
    assert "_AUTOLOG_COMPLETE" in done.stdout
    environment = {**os.environ, "SHELL": f"/bin/{shell}"}
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        == done.stdout
    )


def test_completion_completes():
    environment = {
        **os.environ,
        "_AUTOLOG_COMPLETE": "bash_complete",
        "COMP_WORDS": "autolog mo",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "autolog"], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "plain,models\n"


def test_completion_of_an_unknown_shell():
    environment = {**os.environ, "SHELL": "/bin/tcsh"}
    command = [sys.executable, "-m", "autolog", "completion"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert "bash, zsh, fish" in done.stderr


def test_what_is_read_only_makes_no_store(run, tmp_path):
    home = tmp_path / "nothing"
    running = run("--read-only", "--home", str(home))
    assert running.address == ""
    _, err = running.process.communicate(timeout=30)
    assert running.process.returncode != 0
    assert "there is no store" in err
    assert not home.exists()


def test_what_is_read_only_leaves_the_store_as_it_is(run, tmp_path):
    """Not even what a file's digest was is noted, though looking at it has it read."""
    home, weights = tmp_path / "home", tmp_path / "m.bin"
    url = f"sqlite:///{home}/autolog.db"
    weights.write_bytes(os.urandom(1000))
    os.utime(weights, (1, 1))
    store = Store.open(url)
    Writer(store).started(Started("t" * 32, 1.0, "lab", "train", "/x/train.py"), 1.0)
    facts = FileFacts(1, 2, 1000, 3, 4)
    event = Saved("e-1", 1.0, "PyTorch", "torch:save", "file", str(weights), facts, 1000)
    Writer(store).saved("t" * 32, event, Look(digest_at(str(weights)), str(weights), key="m", stem="m"))
    model = store.models()[0].id
    store.close()

    def everything():
        with closing(sqlite3.connect(home / "autolog.db")) as database:
            return list(database.iterdump())

    before = everything()
    running = run("--read-only", "--home", str(home))
    headers = {"Authorization": f"Bearer {running.token}"}
    asked = urllib.request.Request(f"http://127.0.0.1:{running.port}/models/{model}/v1/file", headers=headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.read() == weights.read_bytes()
    assert running.end()[0] == 0
    assert everything() == before
