"""Homes, disks, settings and stores out of order: the script goes on, and what was lost is said."""

import ctypes
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
from toyframework import digest
from toylab import PRELUDE, wait_until

from autolog.keeping import restore
from autolog.store import Kept

pytestmark = [pytest.mark.core, pytest.mark.slow]

_SAVES = """
        for number in range(5):
            save(Model(b"%d" % number * 1000), f"m{number}.bin")
            print("saved", number)
        sys.exit(7)
"""
#: A script that waits for what is out of order waits longer than this.
_LONG = 45
_BARE = "import os, signal, sys, time\nfrom toyframework import Model, save\n"


def _undisturbed(lab, *, lines=1, prelude=PRELUDE, **environment):
    """Run the saves bare and with us; all must be the same but for at most one line on stderr."""
    bare = lab.run(_SAVES, prelude=_BARE, status=7)
    files = {each.name: each.read_bytes() for each in lab.work.glob("*.bin")}
    for each in lab.work.glob("*.bin"):
        each.unlink()
    done = lab.run(_SAVES, prelude=prelude, status=7, AUTOLOG_STRICT="0", **environment)
    assert done.out == bare.out
    assert {each.name: each.read_bytes() for each in lab.work.glob("*.bin")} == files
    found = done.err.splitlines()
    assert len(found) == lines, done.err
    assert all(line.startswith("autolog: ") for line in found)
    assert done.seconds < _LONG
    return found


@pytest.fixture
def mount():
    """Mount a small tmpfs; what can't be mounted here is skipped."""
    libc = ctypes.CDLL(None, use_errno=True)
    mounted = []

    def mount(path, options=b"", flags=0):
        path.mkdir(parents=True, exist_ok=True)
        if libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", flags, options) != 0:
            pytest.skip(f"no tmpfs can be mounted here: {os.strerror(ctypes.get_errno())}")
        mounted.append(path)

    def remount(path, options=b"", flags=0):
        assert libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 32 | flags, options) == 0

    mount.again = remount
    yield mount
    for path in reversed(mounted):
        libc.umount2(os.fsencode(path), 2)


# -- the home -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("home", ["file/home", "/proc/autolog", "/dev/null/home", "/sys/autolog"])
def test_a_home_that_cannot_be(lab, home):
    (lab.work / "file").write_text("a file")
    home = home if home.startswith("/") else str(lab.work / home)
    (line,) = _undisturbed(lab, AUTOLOG_HOME=home)
    assert home in line
    assert "nothing is captured" in line
    assert "AUTOLOG_HOME" in line


def test_a_read_only_home(lab, mount):
    mount(lab.home, flags=1)
    (line,) = _undisturbed(lab)
    assert "nothing is captured" in line


def test_a_home_that_becomes_read_only(lab, mount):
    mount(lab.home)
    done = lab.run(
        """
        save(Model(b"first"), "first.bin")
        assert autolog.current_task().flush()
        print("ready", flush=True)
        import ctypes
        libc = ctypes.CDLL(None)
        assert libc.mount(b"tmpfs", os.environ["AUTOLOG_HOME"].encode(), b"tmpfs", 32 | 1, b"") in (0, -1)
        for number in range(3):
            save(Model(b"%d" % number), f"m{number}.bin")
        """,
        AUTOLOG_STRICT="0",
    )
    assert len(done.err.splitlines()) <= 1
    assert done.seconds < _LONG
    mount.again(lab.home)
    lab.quiet()
    lab.settle()
    assert lab.snapshots()[0].digest


# -- the disk -----------------------------------------------------------------------------------------


def test_a_disk_that_is_full_when_it_begins(lab, mount):
    mount(lab.home, b"size=64k")
    (lab.home / "ballast").write_bytes(b"x" * 65536)
    (line,) = _undisturbed(lab)
    assert "nothing is captured" in line


def test_a_disk_that_fills_up(lab, mount):
    mount(lab.home, b"size=4m")
    done = lab.run(
        """
        save(Model(b"first"), "first.bin")
        print(autolog.current_task().flush(), flush=True)
        with open(os.path.join(os.environ["AUTOLOG_HOME"], "ballast"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        for number in range(20):
            save(Model(b"%d" % number), f"m{number}.bin")
        print("done")
        """,
        AUTOLOG_STRICT="0",
    )
    assert done.lines == ["True", "done"]
    assert len(done.err.splitlines()) == 1, done.err
    assert done.seconds < _LONG
    (lab.home / "ballast").unlink()
    lab.quiet()
    lab.settle()
    snapshots = lab.snapshots()
    assert snapshots[0].digest
    # What the spool could not take is said, what it took is there.
    assert len(snapshots) == 21 or lab.task().faults or "could not" in done.err
    assert all(each.digest or each.state == "lost" for each in snapshots)


def test_a_disk_without_room_for_what_is_to_be_kept(lab, mount, tmp_path):
    text = """
        for number in range(20):
            save(Model(bytes([number]) + os.urandom(4_000_000)), "m.bin")
        print("done")
    """
    mount(lab.home, b"size=60m")
    done = lab.run(text, AUTOLOG_OUTPUT_URI="true", AUTOLOG_REPACK="0", AUTOLOG_STRICT="0")
    assert done.lines == ["done"]
    lab.quiet()
    lab.settle()
    snapshots = lab.snapshots()
    assert len(snapshots) == 20
    assert all(each.digest for each in snapshots)
    kept = [each for each in snapshots if each.keeping == "kept"]
    others = [each for each in snapshots if each.keeping != "kept"]
    assert kept
    assert others
    assert all(each.keeping in ("failed", "waiting") and each.keeping_reason for each in others), others
    with lab.store() as store:
        for each in kept:
            restore(each, Kept(store), str(lab.home), str(tmp_path / f"v{each.version}"))
            assert digest(tmp_path / f"v{each.version}") == each.digest


@pytest.mark.parametrize("setting", ["AUTOLOG_OUTPUT_URI", "AUTOLOG_CONTENT_STORE"])
def test_a_destination_that_is_read_only(lab, mount, tmp_path, setting):
    folder = tmp_path / "read-only"
    mount(folder, flags=1)
    where = {"AUTOLOG_OUTPUT_URI": "true", setting: str(folder)}
    (line,) = _undisturbed(lab, **where)
    assert "Weights wait in" in line
    assert str(folder) in line
    assert "Read-only file system" in line
    assert [each.keeping for each in lab.snapshots()] == ["waiting"] * 5
    mount.again(folder)
    wait_until(lambda: [each.keeping for each in lab.snapshots()] == ["kept"] * 5, 60)
    with lab.store() as store:
        for each in lab.snapshots():
            restore(each, Kept(store), str(lab.home), str(tmp_path / f"restored{each.id}"))
            assert digest(tmp_path / f"restored{each.id}") == each.digest


def test_a_disk_that_fills_up_in_the_middle_of_a_line(lab):
    # RLIMIT_FSIZE cuts the journal off, as a full disk would, without needing to be root.
    done = lab.run(
        """
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        journal = next(os.scandir(next(os.scandir(os.environ["AUTOLOG_HOME"] + "/spool")).path)).path
        size = os.path.getsize(journal)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        save(Model(b"first"), "first.bin")
        assert autolog.current_task().flush()
        size = os.path.getsize(journal)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
        save(Model(b"cut"), "cut.bin")
        save(Model(b"no room"), "no.bin")
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        save(Model(b"room again"), "again.bin")
        print(sorted(name for name in os.listdir(".") if name.endswith(".bin")))
        """,
        AUTOLOG_STRICT="0",
    )
    assert done.lines == ["['again.bin', 'cut.bin', 'first.bin', 'no.bin']"]
    assert len(done.err.splitlines()) == 1
    assert "write to the spool" in done.err
    lab.quiet()
    lab.settle()
    assert [os.path.basename(each.uri) for each in lab.snapshots()] == [
        "first.bin",
        "cut.bin",
        "no.bin",
        "again.bin",
    ]
    assert all(each.digest for each in lab.snapshots())
    assert lab.task().status == "completed"
    assert lab.task().faults


# -- settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("autolog.toml", "project = ", "not valid TOML"),
        ("autolog.toml", "projct = 'x'", "did you mean 'project'"),
        ("autolog.toml", "project = 3", "must be str"),
        ("pyproject.toml", "[tool.autolog]\nframeworks = 3", "frameworks"),
    ],
)
def test_broken_settings(lab, name, text, expected):
    (lab.work / name).write_text(text)
    (line,) = _undisturbed(lab)
    assert expected in line
    assert str(lab.work / name) in line


# -- the store ----------------------------------------------------------------------------------------


def _newer(lab):
    lab.run('save(Model(b"m"), "old.bin")')
    lab.quiet()
    with sqlite3.connect(lab.home / "autolog.db") as database:
        database.execute("INSERT INTO migrations (number) VALUES (999)")
    database.close()
    (lab.work / "old.bin").unlink()

    def repair():
        with sqlite3.connect(lab.home / "autolog.db") as database:
            database.execute("DELETE FROM migrations WHERE number = 999")
        database.close()

    return {}, "newer autolog", repair


def _below_a_file(lab):
    (lab.folder / "place").write_text("a file")

    def repair():
        (lab.folder / "place").unlink()
        (lab.folder / "place").mkdir()

    return {"AUTOLOG_STORE": f"sqlite:///{lab.folder}/place/store.db"}, "can't be made", repair


def _a_folder(lab):
    (lab.folder / "store.db").mkdir()
    return (
        {"AUTOLOG_STORE": f"sqlite:///{lab.folder}/store.db"},
        "can't be used",
        (lab.folder / "store.db").rmdir,
    )


def _not_a_database(lab):
    path = lab.folder / "store.db"
    path.write_text("this is no database, and it is long enough to be seen as none" * 20)
    return {"AUTOLOG_STORE": f"sqlite:///{path}"}, "can't be used", path.unlink


@pytest.mark.parametrize("broken", [_newer, _below_a_file, _a_folder, _not_a_database])
def test_a_store_that_cannot_be_used_yet(lab, broken):
    environment, expected, repair = broken(lab)
    (line,) = _undisturbed(lab, **environment)
    assert expected in line
    assert "waits in the spool" in line
    lab.quiet(30)
    url = environment.get("AUTOLOG_STORE")
    before = 0 if url else 1
    repair()
    settled = lab.settle(store=url)
    assert settled.pending == 0
    with lab.store(url) as store:
        snapshots = [each for model in store.models() for each in store.model(model.id).snapshots]
        (task,) = store.tasks()[:1]
    assert len(snapshots) == 5 + before
    assert all(each.digest for each in snapshots)
    assert (task.status, task.reason) == ("failed", "exit status 7")
    assert os.listdir(lab.spool) == []


@pytest.mark.parametrize("url", ["postgresql+psycopg://user:secret@127.0.0.1:1/db", "nonsense://x"])
def test_a_store_that_can_never_be_used(lab, url):
    (line,) = _undisturbed(lab, AUTOLOG_STORE=url)
    assert "secret" not in line
    assert "waits in the spool" in line
    lab.quiet(30)
    assert "secret" not in "".join(each.read_text() for each in Path(lab.spool).rglob("*.jsonl"))
    # Whoever corrects the setting finds everything in the store that it names now.
    settled = lab.settle(store=lab.url)
    assert settled.pending == 0
    assert len(lab.snapshots()) == 5
    assert all(each.digest for each in lab.snapshots())


def test_a_store_that_is_locked_for_a_while(lab):
    lab.run('save(Model(b"m"), "old.bin")')
    lab.quiet()
    database = sqlite3.connect(lab.home / "autolog.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    process = lab.start('save(Model(b"locked"), "m.bin")\nprint("saved", flush=True)')
    try:
        assert process.stdout.readline() == "saved\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    finally:
        database.execute("ROLLBACK")
        database.close()
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert len(lab.snapshots()) == 2


# -- the agent ----------------------------------------------------------------------------------------


def test_an_agent_that_cannot_start(lab):
    (line,) = _undisturbed(lab, prelude=PRELUDE + "sys.executable = '/nonexistent/python'\n")
    assert line
    lab.settle()
    assert len(lab.snapshots()) == 5
    assert all(each.digest for each in lab.snapshots())
