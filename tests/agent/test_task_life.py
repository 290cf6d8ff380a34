"""How a task ends: its status and reason, whatever way its script takes, and the script's own end."""

import os
import signal
import sys
import time

import pytest
from toylab import PRELUDE, wait_until

pytestmark = pytest.mark.core

_BARE = "import os, signal, sys, time\nfrom toyframework import Model, save\n"


def _settled(lab):
    lab.quiet()
    lab.settle()
    task = lab.task()
    return task.status, task.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("pass", "completed", ""),
        ("sys.exit()", "completed", ""),
        ("sys.exit(0)", "completed", ""),
        ("sys.exit(3)", "failed", "exit status 3"),
        ("sys.exit('no data')", "failed", "exit status 1"),
        ("raise ValueError('the  loss\\nis nan')", "failed", "ValueError: the loss is nan"),
        ("raise ValueError", "failed", "ValueError"),
        ("raise KeyboardInterrupt", "stopped", "SIGINT"),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(5)", "stopped", "SIGINT"),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)", "stopped", "SIGTERM"),
        ("os.kill(os.getpid(), signal.SIGHUP); time.sleep(5)", "stopped", "SIGHUP"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed", None),
        ("os.abort()", "killed", None),
        ("os._exit(0)", "killed", None),
        ("try:\n    raise ValueError\nexcept ValueError:\n    pass", "completed", ""),
        ("autolog.current_task().close(); raise ValueError", "completed", ""),
    ],
)
@pytest.mark.parametrize("saves", [True, False], ids=["with a save", "without"])
def test_ends(lab, code, status, reason, saves):
    save = 'save(Model(b"weights"), "m.bin")\n' if saves else ""
    done = lab.run(f"{save}{code}", status=None)
    bare = lab.run(
        f"{save}{code}" if "autolog" not in code else f"{save}raise ValueError", prelude=_BARE, status=None
    )
    assert (done.status, done.out) == (bare.status, bare.out)
    assert done.err.splitlines()[-1:] == bare.err.splitlines()[-1:]
    found = _settled(lab)
    assert found[0] == status
    if reason is not None:
        assert found[1] == reason
    assert len(lab.snapshots()) == saves


def test_a_signal_from_outside_ends_it_as_without_us(lab):
    process = lab.start("""
        save(Model.random(1_000_000), "m.bin")
        print("ready", flush=True)
        time.sleep(60)
    """)
    assert process.stdout.readline() == "ready\n"
    agent = lab.agent()
    os.kill(agent, signal.SIGSTOP)  # who waits for it waits too long
    process.send_signal(signal.SIGTERM)
    try:
        _, err = process.communicate(timeout=30)
    finally:
        os.kill(agent, signal.SIGCONT)
    assert (process.returncode, err) == (-signal.SIGTERM, "")
    assert _settled(lab) == ("stopped", "SIGTERM")
    assert lab.snapshots()[0].digest


def test_the_scripts_own_handlers_stay_as_they_are(lab):
    show = """
        for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGCHLD", "SIGPIPE", "SIGUSR1"):
            print(name, signal.getsignal(getattr(signal, name)))
        def handler(*_):
            print("mine", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, handler)
        save(Model(b"m"), "m.bin")
        print(signal.getsignal(signal.SIGTERM) is handler)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    """
    done = lab.run(show)
    bare = lab.run(show, prelude=_BARE)
    assert done.out == bare.out
    assert done.err == bare.err == ""
    assert _settled(lab) == ("completed", "")


def test_a_handler_from_before_stays_too(lab):
    done = lab.run(
        """
        print(signal.getsignal(signal.SIGTERM) is handler)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        save(Model(b"m"), "m.bin")
        """,
        prelude="import signal\ndef handler(*_): print('mine')\nsignal.signal(signal.SIGTERM, handler)\n"
        + PRELUDE,
    )
    assert done.lines == ["True", "mine"]
    assert _settled(lab) == ("completed", "")


def test_ignored_signals_stay_ignored(lab):
    lab.run(
        """
        os.kill(os.getpid(), signal.SIGHUP)
        save(Model(b"m"), "m.bin")
        """,
        prelude="import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + PRELUDE,
    )
    assert _settled(lab) == ("completed", "")


def test_interrupted_while_it_waits_at_the_end(lab):
    # An impatient Ctrl-C must end the wait at once; the agent goes on.
    process = lab.start("""
        save(Model(b"first"), "first.bin")
        print("ready", flush=True)
        sys.stdin.readline()
        save(Model(b"m"), "m.bin")
        print("end", flush=True)
    """)
    process.stdout.readline()
    agent = lab.agent()
    os.kill(agent, signal.SIGSTOP)
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()
    time.sleep(2)  # by then it is in our exit function, also where much else is running
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=30)
    finally:
        os.kill(agent, signal.SIGCONT)
    assert (process.returncode, err) == (0, "")
    assert _settled(lab)[0] == "completed"
    assert len(lab.snapshots()) == 2


def test_nobody_waits_if_told_so(lab):
    done = lab.run(
        """
        for number in range(5):
            save(Model.random(20_000_000), f"m{number}.bin")
        """,
        AUTOLOG_WAIT="0",
    )
    assert done.err == ""
    assert _settled(lab) == ("completed", "")
    assert len(lab.snapshots()) == 5
    assert all(each.digest for each in lab.snapshots())


@pytest.mark.parametrize("order", ["before init", "after init"])
def test_saves_in_exit_functions(lab, order):
    register = 'import atexit\natexit.register(lambda: save(Model(b"late"), "late.bin"))\n'
    use = "from toyframework import Model, save\n"
    done = lab.run(
        'save(Model(b"early"), "early.bin")\n',
        prelude=use + (register + PRELUDE if order == "before init" else PRELUDE + register),
    )
    assert done.err == ""
    assert _settled(lab) == ("completed", "")
    assert len(lab.snapshots()) == 2
    assert all(each.digest for each in lab.snapshots())


def test_an_exit_function_that_raises(lab):
    code = """
        import atexit
        def broken():
            raise RuntimeError("in an exit function")
        atexit.register(broken)
        save(Model(b"m"), "m.bin")
    """
    done = lab.run(code, status=None)
    bare = lab.run(code, prelude=_BARE, status=None)
    assert done.status == bare.status
    assert done.err.splitlines()[-1] == bare.err.splitlines()[-1]
    assert _settled(lab)[0] in ("completed", "failed")
    assert len(lab.snapshots()) == 1


def test_the_task_as_a_context(lab):
    lab.run(
        """
        with autolog.init(task="first"):
            save(Model(b"1"), "m.bin")
        try:
            with autolog.init(task="second"):
                raise ValueError("no")
        except ValueError:
            pass
        with autolog.init(task="third"):
            save(Model(b"3"), "m.bin")
        save(Model(b"outside"), "outside.bin")
        """,
        prelude="import autolog\nfrom toyframework import Model, save\n",
    )
    lab.quiet()
    lab.settle()
    assert [(each.name, each.status, each.reason) for each in lab.tasks()] == [
        ("first", "completed", ""),
        ("second", "failed", "ValueError: no"),
        ("third", "completed", ""),
    ]
    assert len(lab.snapshots()) == 2


def test_init_again(lab):
    lab.run("""
        first = autolog.init()
        assert autolog.init() is first
        save(Model(b"1"), "m.bin")
        second = autolog.init(task="other")
        assert second is not first
        save(Model(b"2"), "m.bin")
    """)
    lab.quiet()
    lab.settle()
    assert [each.status for each in lab.tasks()] == ["completed", "completed"]
    assert [each.output_count for each in lab.tasks()] == [1, 1]


def test_flush_puts_everything_into_the_store(lab):
    process = lab.start("""
        save(Model(b"1"), "m.bin")
        print(autolog.current_task().flush(), flush=True)
        sys.stdin.readline()
    """)
    assert process.stdout.readline() == "True\n"
    assert len(lab.snapshots()) == 1
    process.communicate("\n", timeout=20)


# -- jobs of several processes --------------------------------------------------------------------


def _ranks(lab, code, ranks=2, **environment):
    processes = [
        lab.start(
            code,
            name=f"rank{rank}.py",
            RANK=str(rank),
            WORLD_SIZE=str(ranks),
            LOCAL_RANK=str(rank),
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT="29500",
            AUTOLOG_PROJECT="job",
            AUTOLOG_TASK="train",
            **environment,
        )
        for rank in range(ranks)
    ]
    found = [process.communicate(timeout=60) for process in processes]
    return [process.returncode for process in processes], found


@pytest.mark.slow
def test_ranks_are_one_task(lab):
    code = """
        rank = int(os.environ["RANK"])
        time.sleep(0.2 * rank)
        if rank == 0:
            save(Model(b"weights"), "m.bin")
        time.sleep(0.3)
    """
    codes, found = _ranks(lab, code, ranks=3, TORCHELASTIC_RUN_ID="one", LOCAL_WORLD_SIZE="3")
    assert codes == [0, 0, 0]
    assert {err for _, err in found} == {""}
    assert _settled(lab) == ("completed", "")
    (snapshot,) = lab.snapshots()
    assert snapshot.rank == 0
    _ranks(lab, code, ranks=3, TORCHELASTIC_RUN_ID="two", LOCAL_WORLD_SIZE="3")
    lab.quiet()
    lab.settle()
    assert len(lab.tasks()) == 2


@pytest.mark.slow
def test_a_rank_that_fails_fails_the_task(lab):
    codes, _ = _ranks(
        lab,
        """
        if os.environ["RANK"] == "1":
            raise ValueError("rank 1 has no data")
        save(Model(b"weights"), "m.bin")
        time.sleep(0.5)
        """,
        TORCHELASTIC_RUN_ID="one",
        LOCAL_WORLD_SIZE="2",
    )
    assert codes == [0, 1]
    assert _settled(lab) == ("failed", "ValueError: rank 1 has no data")


@pytest.mark.slow
def test_workers_that_ranks_spawn_belong_to_the_job(lab):
    codes, found = _ranks(
        lab,
        """
        import multiprocessing
        def work(name):
            save(Model(b"worker"), name)
        if __name__ == "__main__":
            worker = multiprocessing.get_context("spawn").Process(
                target=work, args=(f"{os.environ['RANK']}.bin",)
            )
            worker.start()
            worker.join()
            time.sleep(0.3)
        """,
        TORCHELASTIC_RUN_ID="one",
        LOCAL_WORLD_SIZE="2",
    )
    assert codes == [0, 0]
    assert {err for _, err in found} == {""}
    assert _settled(lab) == ("completed", "")
    assert sorted(snapshot.rank for snapshot in lab.snapshots()) == [0, 1]


_STARTS_RANKS = """
if {is_first}:
    save(Model(b"weights"), "m.bin")
    import subprocess
    other = {{**os.environ, "LOCAL_RANK": "1", "WORLD_SIZE": "2"}}
    subprocess.run([sys.executable, os.path.abspath({script})], env=other, check=True)
else:
    save(Model(b"of the other"), "other.bin")
"""


def test_a_rank_that_the_script_starts_itself_is_part_of_its_task(lab):
    done = lab.run(_STARTS_RANKS.format(is_first='"LOCAL_RANK" not in os.environ', script="sys.argv[0]"))
    assert done.err == ""
    assert len(lab.tasks()) == 1
    assert [each.uri for each in lab.snapshots()] == [str(lab.work / name) for name in ("m.bin", "other.bin")]


@pytest.mark.slow
def test_another_script_that_a_rank_starts_is_a_task_of_its_own(lab):
    other = lab.script('save(Model(b"of the other"), "other.bin")', name="evaluate.py")
    done = lab.run(_STARTS_RANKS.format(is_first="True", script=repr(str(other))))
    assert done.err == ""
    lab.quiet()
    lab.settle()
    assert len(lab.tasks()) == 2


_TORCHRUN = """
import os, time
import autolog
autolog.init()
import torch
import torch.distributed as dist
dist.init_process_group("gloo")
model = torch.nn.Linear(4, 4)
if dist.get_rank() == 0:
    torch.save(model.state_dict(), "m.pt")
dist.barrier()
dist.destroy_process_group()
"""


def test_torchrun(lab):
    pytest.importorskip("torch")
    import subprocess

    script = lab.script(_TORCHRUN, prelude="", name="train.py")
    for _ in range(2):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "torch.distributed.run",
                "--standalone",
                "--nproc-per-node=2",
                str(script),
            ],
            cwd=lab.work,
            env=lab.environment(OMP_NUM_THREADS="1"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "autolog" not in done.stderr
        lab.quiet()
        lab.settle()
    tasks = lab.tasks()
    assert len(tasks) == 2
    assert [each.status for each in tasks] == ["completed", "completed"]
    assert [each.output_count for each in tasks] == [1, 1]
    assert {each.name for each in tasks} == {"train"}
    assert [each.rank for each in lab.snapshots()] == [0, 0]


# -- notebooks --------------------------------------------------------------------------------------


def test_a_notebook(lab, monkeypatch):
    jupyter = pytest.importorskip("jupyter_client")
    pytest.importorskip("ipykernel")
    from jupyter_client.kernelspec import KernelSpec

    for key, value in lab.environment().items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(lab.folder / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(lab.folder / "ipython"))
    manager = jupyter.KernelManager()
    manager._kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
    )
    manager.start_kernel(cwd=str(lab.work))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)

        def run(code):
            reply = client.execute_interactive(code, timeout=60, output_hook=lambda _: None)
            return reply["content"]["status"]

        first = "import autolog; task = autolog.init(); from toyframework import Model, save"
        assert run(first) == "ok"
        cell = 'save(Model(b"cell"), "m.bin"); assert autolog.current_task().flush()'
        assert run(cell) == "ok"
        assert run("1 / 0") == "error"
        assert run(first) == "ok"
        assert run(cell) == "ok"
        assert lab.task().status == "running"
        assert len(lab.model().snapshots) == 2
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
        manager.cleanup_resources()
    assert _settled(lab) == ("completed", "")
    assert len(lab.model().snapshots) == 2


# -- what is left behind ------------------------------------------------------------------------------


def test_a_spool_that_is_settled_leaves_nothing(lab):
    lab.run('save(Model(b"m"), "m.bin")')
    lab.quiet()
    assert os.listdir(lab.spool) == []


def test_a_command_asks_a_living_agent(lab):
    process = lab.start("""
        save(Model.random(30_000_000), "m.bin")
        print("saved", flush=True)
        sys.stdin.readline()
    """)
    process.stdout.readline()
    settled = lab.settle()
    assert settled.pending == 0
    assert len(lab.snapshots()) == 1
    assert lab.task().status == "running"
    process.communicate("\n", timeout=20)
    assert _settled(lab) == ("completed", "")


@pytest.mark.slow
def test_settling_while_scripts_start_disturbs_none(lab):
    processes = [
        lab.start('save(Model(b"m"), f"m{os.getpid()}.bin")\ntime.sleep(0.1)', name=f"s{number}.py")
        for number in range(6)
    ]
    while any(process.poll() is None for process in processes):
        lab.settle(wait=1)
    assert [process.communicate()[1] for process in processes] == [""] * 6
    lab.quiet()
    lab.settle()
    assert len(lab.snapshots()) == 6
    assert [each.status for each in lab.tasks()] == ["completed"] * 6


def test_two_commands_replay_at_once(lab):
    import threading

    process = lab.start("""
        for number in range(30):
            save(Model(b"%d" % number), f"m{number}.bin")
            if number == 0:
                print("go", flush=True)
        time.sleep(60)
    """)
    process.stdout.readline()
    wait_until(lab.agents)
    for number in lab.agents():
        os.kill(number, signal.SIGKILL)
    process.kill()
    process.communicate()
    lab.quiet()
    threads = [threading.Thread(target=lab.settle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lab.settle()
    snapshots = lab.snapshots()
    assert len({each.uri for each in snapshots}) == len(snapshots) >= 1
    assert lab.task().status == "killed"


def test_passwords_in_arguments_are_not_written_down(lab):
    lab.run('save(Model(b"weights"), "m.bin")', "--data=s3://ada:hidden@bucket/x", "--lr", "0.1")
    (task,) = lab.tasks()
    assert task.argv[1:] == ("--data=s3://ada:***@bucket/x", "--lr", "0.1")
    assert not any(b"hidden" in path.read_bytes() for path in lab.home.rglob("*") if path.is_file())
