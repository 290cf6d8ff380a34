"""What `init()` brings into a process that never saves: next to nothing."""

import os

import pytest

pytestmark = pytest.mark.core

#: What of the standard library may come besides what wrapt brings along; nothing else may at all.
_ALLOWED = {
    "__future__", "_json", "_posixshmem", "_socket", "_struct", "array", "atexit", "binascii", "errno",
    "faulthandler", "fcntl", "fnmatch", "json", "resource", "select", "selectors", "signal", "socket",
    "struct", "traceback", "zlib",
}  # fmt: skip

_PROGRAM = """
import sys
{before}
known = set(sys.modules)
{line}
print(*sorted(set(sys.modules) - known))
"""


def test_nothing_heavy_is_imported(lab):
    source = lab.environment()["PYTHONPATH"].split(os.pathsep)[0]
    program = _PROGRAM.format(before="import wrapt", line="import autolog; autolog.init()")
    done = lab.run(program, prelude="", PYTHONPATH=source)
    found = set(done.lines[-1].split())
    ours = {name for name in found if name.startswith("autolog.")}
    assert not [
        name for name in ours if name.startswith(("autolog.store", "autolog.agent", "autolog.formats"))
    ]
    others = {name.partition(".")[0] for name in found} - {"autolog"}
    assert others <= _ALLOWED, sorted(others - _ALLOWED)


def test_no_agent_is_started_and_little_is_written(lab):
    process = lab.start("""
        print("ready", flush=True)
        sys.stdin.readline()
    """)
    process.stdout.readline()
    assert lab.agents() == []
    assert os.listdir(lab.home) == ["spool"]
    (folder,) = lab.spool.iterdir()
    journals = [each for each in folder.iterdir() if each.suffix == ".jsonl"]
    assert len(journals) == 1
    assert len(journals[0].read_text().splitlines()) == 2
    process.communicate("\n", timeout=20)
    assert lab.agents() == []
    assert not (lab.home / "autolog.db").exists()
    lab.settle()
    assert lab.task().status == "completed"


def test_switched_off_it_writes_nothing(lab):
    lab.run('save(Model(b"m"), "m.bin")', AUTOLOG_DISABLED="1")
    assert not lab.home.exists()
