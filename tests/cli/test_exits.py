"""Exit statuses, and what stands where."""

import os
import pty
import sqlite3
import subprocess
import sys

import pytest

from autolog.errors import StoreError, StoreLocked

pytestmark = pytest.mark.core


def test_no_store(shell, home):
    answer = shell("models", "--json")
    assert (answer.status, answer.out) == (10, "")
    assert answer.err == (
        f"autolog: there is no store at {home}/autolog.db yet; run a script with autolog.init() first\n"
    )
    assert not home.exists()


def test_options_go_before_or_after_the_command(autolog, tmp_path):
    for arguments in (["--home", str(tmp_path / "h"), "models"], ["models", "--home", str(tmp_path / "h")]):
        assert f"{tmp_path}/h/autolog.db" in autolog(*arguments).err
    assert f"{tmp_path}/s.db" in autolog("tasks", "--store", str(tmp_path / "s.db")).err


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["models", "--nonsense"], ["show"], ["models", "--limit", "-1"], ["run"]]
)
def test_usage(autolog, arguments):
    answer = autolog(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert "Usage: autolog" in answer.err


def test_a_broken_configuration_is_a_usage_error(autolog, tmp_path):
    (tmp_path / "work" / "autolog.toml").write_text("stoer = 1")
    answer = autolog("models")
    assert answer.status == 2
    assert "did you mean 'store'?" in answer.err
    assert answer.err.count("\n") == 1


def test_a_store_of_a_newer_version(autolog, book, home):
    with sqlite3.connect(home / "autolog.db") as connection:
        connection.execute("INSERT INTO migrations VALUES (999)")
    connection.close()
    answer = autolog("models")
    assert answer.status == 9
    assert "pip install -U autolog-models" in answer.err


def test_a_file_that_is_no_store(autolog, home):
    home.mkdir()
    (home / "autolog.db").write_bytes(b"nothing of the kind" * 100)
    answer = autolog("models")
    assert answer.status == 9
    assert answer.err.startswith("autolog: the store ")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(("error", "status"), [(StoreLocked("locked"), 11), (StoreError("away"), 9)])
def test_other_kinds(autolog, book, monkeypatch, error, status):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("autolog.agent.replay.settle", fail)
    answer = autolog("models")
    assert (answer.status, answer.err) == (status, f"autolog: {error}\n")


def test_pending_events_are_told(autolog, book, monkeypatch):
    from autolog.agent.replay import Settled

    monkeypatch.setattr("autolog.agent.replay.settle", lambda *_: Settled(2, ("task abc is still working",)))
    answer = autolog("models", "--json")
    assert (answer.status, answer.json) == (0, [])
    assert answer.err.startswith("autolog: 2 events are not in the store yet (task abc is still working)")


def test_waiting_bytes_are_told(autolog, book, monkeypatch):
    from autolog.agent.replay import Settled

    monkeypatch.setattr("autolog.agent.replay.settle", lambda *_: Settled(0, (), 2, "the disk is full"))
    answer = autolog("models", "--json")
    assert (answer.status, answer.json) == (0, [])
    assert answer.err == (
        "autolog: the bytes of 2 versions wait to be kept (the disk is full);"
        " `autolog sync` brings them there\n"
    )


def test_a_spool_that_cannot_be_read(autolog, story, home):
    (home / "spool" / "a" / "lock").mkdir(parents=True)
    answer = autolog("models", "--json")
    assert (answer.status, len(answer.json)) == (0, 3)
    assert answer.err.startswith(f"autolog: the spool {home}/spool can't be read (Is a directory)")


def test_interrupted(autolog, book, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("autolog.agent.replay.settle", interrupt)
    answer = autolog("models")
    assert answer.status == 130
    assert "Traceback" not in answer.err


def test_a_reader_that_leaves(book):
    for number in range(300):
        book.task(f"t{number}")
    done = subprocess.run(
        f"set -o pipefail; {sys.executable} -m autolog tasks --json | head -n 1",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"[\n", b"")


def test_a_reader_that_leaves_does_not_keep_a_command_from_its_work(book):
    task = book.task("t")
    book.save(task, "/data/a.pt")
    book.save(task, "/data/b.pt")
    command = f"{sys.executable} -m autolog rm a b --yes"
    done = subprocess.run(
        ["/bin/bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"0\n", b"")
    assert book.store.models() == []


def test_version_and_console_entry(shell):
    from autolog import __version__

    assert shell("--version").out == f"autolog {__version__}\n"


def test_help_imports_neither_store_nor_tables():
    code = (
        "import sys; from autolog.cli._group import call; call(['--help']);"
        "print(sorted({'sqlalchemy', 'rich', 'wrapt', 'blake3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_the_package_alone_does_not_import_click():
    code = "import sys, autolog.cli, autolog.cli._boot; print('click' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


def test_completion(shell):
    answer = shell(env={**os.environ, "_AUTOLOG_COMPLETE": "bash_source"})
    assert answer.status == 0
    assert "complete -o nosort -F _autolog_completion autolog" in answer.out


@pytest.mark.parametrize("no_color", [False, True])
def test_a_table_on_a_terminal(story, no_color):
    """Real rich output on a real terminal."""
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "160"}
    environment.pop("NO_COLOR", None)
    if no_color:
        environment["NO_COLOR"] = "1"
    parent, child = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "autolog", "models"], stdout=child, env=environment)
    os.close(child)
    text = b""
    while True:
        try:
            block = os.read(parent, 65536)
        except OSError:  # Linux: the other side is closed
            break
        text += block
    os.close(parent)
    assert process.wait() == 0
    shown = text.decode()
    assert "train - best" in shown
    assert "─" in shown
    assert ("\x1b[" in shown) is not no_color or "\x1b[3" not in shown
