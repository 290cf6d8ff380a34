"""`autolog run X` against `python X`: stdout, stderr and exit status must be the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.core, pytest.mark.slow]

FACTS = """
    import gc, os, sys, threading, warnings
    print(sys.argv, sys.orig_argv[1:], sys.path, sys.executable, sys.prefix)
    print(sorted(vars(sys.modules["__main__"])), __name__, __file__, __package__, __cached__)
    print(__spec__ and (__spec__.name, __spec__.origin))
    print(sys.flags, sys.warnoptions, sys._xoptions, warnings.filters, sys.getrecursionlimit())
    print(sorted(os.environ.items()), os.getcwd(), len(threading.enumerate()))
    print(sys.stdin, sys.stdout, sys.stderr)
    print([name for name in ("click", "autolog.cli._group", "sitecustomize") if name in sys.modules])
    print(sys.excepthook is sys.__excepthook__, len(os.listdir("/proc/self/fd")) < 20)
"""
SCRIPTS = {
    "facts": FACTS,
    "exception": """
        def inner(): raise ValueError("no")
        try:
            inner()
        except ValueError as error:
            raise RuntimeError("outer") from error
    """,
    "syntax": "print('never'\nx = = 1",
    "exit-text": "import sys; print('out'); sys.exit('text')",
    "exit-3": "import sys; sys.exit(3)",
    "exit-none": "raise SystemExit(None)",
    "exit-tuple": "raise SystemExit(1, 2)",
    "exit-now": "import os; os._exit(5)",
    "interrupt": "raise KeyboardInterrupt",
    "sigterm": "import os, signal; print('x', flush=True); os.kill(os.getpid(), signal.SIGTERM)",
    "sigint": "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    "recursion": "def f(n): return f(n + 1)\nf(0)",
    "depth": """
        import inspect, logging, sys, traceback, warnings
        print(len(inspect.stack()), sys._getframe().f_back)
        traceback.print_stack()
        warnings.warn("mind", stacklevel=2)
        logging.basicConfig(format="%(filename)s:%(lineno)d %(message)s"); logging.warning("w")
    """,
    "stdin": "import sys; print(sys.stdin.read().upper(), end='')",
    "atexit": """
        import atexit, threading, time
        atexit.register(print, "first"); atexit.register(print, "second")
        threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
        print("main")
    """,
    "thread-fails": """
        import threading
        thread = threading.Thread(target=lambda: 1 / 0, name="t"); thread.start(); thread.join()
    """,
    "hook": """
        import sys
        sys.excepthook = lambda kind, error, trace: print(kind, trace.tb_frame.f_code.co_name)
        1 / 0
    """,
    "pickle": """
        import copy, pickle
        class Thing: pass
        print(type(pickle.loads(pickle.dumps(Thing()))) is Thing, pickle.dumps(Thing()))
    """,
    "workers": """
        import multiprocessing, os, sys
        class Thing:
            def __init__(self, x): self.x = x
        def work(thing):
            assert type(thing) is Thing
            return thing.x * 2, __name__, sys.argv, sorted(os.environ.items())
        if __name__ == "__main__":
            for method in ("fork", "spawn", "forkserver"):
                with multiprocessing.get_context(method).Pool(1) as pool:
                    print(method, pool.map(work, [Thing(1), Thing(2)]))
        else:
            print("imported as", __name__, sys.path, flush=True)
    """,
    "worker-fails": """
        import multiprocessing, sys
        def work(): sys.exit(7)
        if __name__ == "__main__":
            process = multiprocessing.get_context("spawn").Process(target=work)
            process.start(); process.join(); print(process.exitcode)
    """,
    "subprocess": """
        import os, subprocess, sys
        code = "import os, sys; print(sys.path, sorted(os.environ.items()), 'autolog' in sys.modules)"
        print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True))
    """,
    "init": """
        import os
        try:
            import autolog
        finally:
            task = autolog.init()
        print(autolog.init() is task)
    """,
    "unicode": "print('\\u00e9\\u4e16'); raise ValueError('\\u00e9')",
}


def both(*arguments: str, before: tuple[str, ...] = (), **more) -> tuple[tuple, tuple]:
    """`(exit status, stdout, stderr)` of Python alone, and of `autolog run`."""
    found = []
    for command in ([], ["-m", "autolog", "run"]):
        line = [sys.executable, *before, *command, *arguments]
        done = subprocess.run(line, capture_output=True, timeout=120, check=False, **more)
        found.append((done.returncode, done.stdout.decode(), done.stderr.decode()))
    return found[0], found[1]


def write(name: str, text: str) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return name


def tasks(autolog) -> list[dict]:
    return autolog("tasks", "--json").json


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_cannot_tell(name):
    script = write("here/script.py", SCRIPTS[name])
    bare, ours = both(script, "--json", "-m", "x", "--", "--help", "é", input=b"some\ninput")
    assert ours == bare


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C"}, {"LANG": "C"}, {"LANG": "C.UTF-8"}, {}, {"PYTHONPATH": ""}, {"PYTHONSAFEPATH": "1"},
     {"PYTHONUNBUFFERED": "1"}],
    ids=str,
)  # fmt: skip
def test_nor_in_another_environment(environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    if environment.get("PYTHONPATH") == "" and "PYTHONPATH" in os.environ:
        pytest.skip("autolog is only found through PYTHONPATH here")
    bare, ours = both(write("script.py", FACTS), env={**kept, **environment})
    assert ours == bare


@pytest.mark.parametrize(
    "flags",
    [("-OB",), ("-X", "dev"), ("-Wignore::UserWarning", "-b"), ("-u",), ("-qX", "utf8"), ("-P",)],
    ids=" ".join,
)
def test_nor_with_other_interpreter_options(flags):
    if flags == ("-P",) and sys.version_info < (3, 11):
        pytest.skip("new in 3.11")
    script = write("script.py", FACTS)
    bare, ours = both(script, before=flags)
    assert ours == bare


def test_modules_and_packages():
    write("alone.py", FACTS)
    write("pack/__init__.py", "print('package', __name__)")
    write("pack/helper.py", "value = 5")
    write("pack/__main__.py", "import sys\nfrom .helper import value\nprint(sys.argv, __spec__.name)\n1 / 0")
    write("pack/inner.py", "from . import helper\nprint(helper.value, __package__, __spec__.name)")
    for name in ("alone", "pack", "pack.inner", "json.tool", "not_there", "pack.not_there"):
        bare, ours = both("-m", name, "--task", "x", input=b"{}")
        assert ours == bare, name


def test_folders_archives_and_standard_input():
    write("folder/__main__.py", "import sys; print(sys.argv, sys.path, __file__)")
    with zipfile.ZipFile("app.zip", "w") as archive:
        archive.writestr("__main__.py", "import sys; print(sys.argv, sys.path, __file__)")
    for arguments in (["folder", "a"], ["app.zip", "a"], ["-", "a"], ["nowhere.py"]):
        bare, ours = both(*arguments, input=b"import sys; print(sys.argv, sys.path, globals().keys())")
        assert ours == bare, arguments


def test_the_users_own_sitecustomize():
    write("site/sitecustomize.py", "import sys, os; print('mine', __file__, sys.argv); found = 1")
    text = "import os, sitecustomize; print(sitecustomize.found, os.environ['PYTHONPATH'])"
    script = write("script.py", text)
    path = os.pathsep.join(filter(None, [os.path.abspath("site"), os.environ.get("PYTHONPATH")]))
    bare, ours = both(script, env={**os.environ, "PYTHONPATH": path})
    assert bare[1].startswith("mine ")
    assert ours[0::2] == bare[0::2]
    # The command's own start reads it, too, with other arguments.
    assert ours[1].splitlines()[-2:] == bare[1].splitlines()


def test_a_local_module_cannot_get_in_our_way():
    """A file beside the script that is named like something that we import."""
    for name in ("json", "platformdirs", "wrapt", "blake3", "click", "autolog"):
        write(f"here/{name}.py", "print('shadow', __name__)")
    bare, ours = both(write("here/script.py", "import click; print('ran')"))
    assert ours == bare


def test_a_run_is_a_task(shell, autolog):
    script = write("here/fit.py", "import sys; sys.exit(int(sys.argv[1]))")
    assert shell("run", "--tag", "a", "--tag=b", script, "0", "--tag", "c").status == 0
    assert shell("run", "--project", "p", "--task", "named", script, "4").status == 4
    second, first = tasks(autolog)
    assert (first["name"], first["project"], first["status"]) == ("fit", "work", "completed")
    assert first["tags"] == ["a", "b"]
    assert first["script"] == os.path.abspath(script)
    assert first["argv"] == [script, "0", "--tag", "c"]
    assert (second["name"], second["project"], second["status"]) == ("named", "p", "failed")
    assert second["reason"] == "exit status 4"


def test_names_of_tasks(shell, autolog):
    write("pack/__init__.py", "")
    write("pack/__main__.py", "")
    write("pack/inner.py", "")
    ways = (["-m", "pack"], ["-m", "pack.inner"], ["-mpack.inner"], ["pack"], ["--", "pack/inner.py"])
    for arguments in ways:
        assert shell("run", *arguments).status == 0
    found = tasks(autolog)[::-1]
    assert [each["name"] for each in found] == ["pack", "inner", "inner", "pack", "inner"]
    assert found[0]["script"] == os.path.abspath("pack/__main__.py")
    assert found[1]["argv"] == [os.path.abspath("pack/inner.py")]


def test_an_init_of_the_scripts_own_is_the_same_task(shell, autolog):
    write("fit.py", "import autolog; print(autolog.init().id, autolog.current_task().name)")
    answer = shell("run", "--project", "p", "--task", "named", "fit.py")
    (task,) = tasks(autolog)
    assert answer.out.split() == [task["id"], "named"]
    assert task["project"] == "p"


def test_workers_join_the_task_of_a_script_that_knows_nothing_of_us(shell, autolog):
    write(
        "fit.py",
        """
        import multiprocessing, sys
        def work(): print(sys.modules["autolog"].current_task().id)
        if __name__ == "__main__":
            for method in ("fork", "spawn", "forkserver"):
                process = multiprocessing.get_context(method).Process(target=work)
                process.start(); process.join()
        """,
    )
    answer = shell("run", "fit.py")
    (task,) = tasks(autolog)
    assert answer.out.split() == [task["id"]] * 3


def test_a_script_that_is_not_there_is_no_task(shell, autolog):
    assert shell("run", "nowhere.py").status == 2
    assert autolog("tasks").status == 10


def test_switched_off(shell, autolog):
    write("fit.py", "import sys; print('autolog' in sys.modules)")
    assert shell("run", "fit.py", env={**os.environ, "AUTOLOG_DISABLED": "1"}).status == 0
    assert autolog("tasks").status == 10


def test_another_home(shell, tmp_path):
    write("fit.py", "import os; print(os.environ['AUTOLOG_HOME'])")
    answer = shell("--home", "../elsewhere", "run", "fit.py")
    assert answer.out == f"{tmp_path}/elsewhere\n"
    assert len(json.loads(shell("tasks", "--json", "--home", f"{tmp_path}/elsewhere").out)) == 1


@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_an_interpreter_without_start_up_is_refused(flag):
    write("fit.py", "print('ran')")
    program = f"import sys; sys.path[:0] = {sys.path!r}; sys.argv[1:] = ['run', 'fit.py']"
    program += "; from autolog.cli import main; main()"
    done = subprocess.run([sys.executable, flag, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "call autolog.init() in the script" in done.stderr
