"""Forks, spawned workers, threads, signal handlers and scripts that tidy up descriptors."""

import os
import signal
import sys
import time

import pytest
from toylab import PRELUDE, wait_until

pytestmark = pytest.mark.core


def _digests(lab):
    return sorted(each.digest for each in lab.snapshots())


def test_a_forked_child_and_its_parent_save(lab):
    done = lab.run("""
        models = [Model.random(10_000) for _ in range(4)]
        save(models[0], "before.bin")
        child = os.fork()
        if child == 0:
            save(models[1], "child.bin")
            os._exit(0)
        save(models[2], "parent.bin")
        print(os.waitpid(child, 0)[1])
        save(models[3], "after.bin")
        print(*sorted(map(digest_of, models)), sep="\\n")
    """)
    assert done.lines[0] == "0"
    assert _digests(lab) == done.lines[1:]
    assert lab.task().status == "completed"


def test_a_child_forked_before_any_save_outlives_its_parent(lab):
    # What a daemon does: the parent is gone, and its agent with it, when the child first saves.
    done = lab.run("""
        model = Model.random(10_000)
        print(digest_of(model), flush=True)
        if os.fork():
            os._exit(0)
        os.setsid()
        os.close(1); os.close(2)
        time.sleep(1.5)
        for name in ("a.bin", "b.bin"):
            save(model, name)
            time.sleep(0.3)
        open("done", "w").close()
    """)
    wait_until((lab.work / "done").exists)
    time.sleep(0.2)
    lab.quiet()
    lab.settle()
    assert _digests(lab) == done.lines * 2
    assert len(lab.tasks()) == 1


def test_a_child_that_leaves_by_the_normal_door(lab):
    # sys.exit in a forked child runs exit functions, ours included.
    lab.run("""
        save(Model(b"parent"), "a.bin")
        child = os.fork()
        if child == 0:
            save(Model(b"child"), "b.bin")
            sys.exit(3)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        time.sleep(0.2)
        save(Model(b"parent again"), "c.bin")
    """)
    assert len(lab.snapshots()) == 3
    assert lab.task().status == "completed"


def test_a_pool_of_forked_workers(lab):
    done = lab.run("""
        import multiprocessing
        def work(number):
            model = Model(b"worker %d" % number * 100)
            save(model, f"m{number}.bin")
            return digest_of(model)
        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(4) as pool:
                print(*sorted(pool.map(work, range(20))), sep="\\n")
    """)
    lab.quiet()  # the main process had nothing to wait for
    assert _digests(lab) == done.lines
    assert lab.task().status == "completed"


def test_workers_that_are_terminated(lab):
    # What a DataLoader does with its workers.
    lab.run("""
        import multiprocessing
        def work(number, ready):
            save(Model(b"worker %d" % number), f"m{number}.bin")
            ready.set()
            time.sleep(60)
        context = multiprocessing.get_context("fork")
        workers = []
        for number in range(4):
            ready = context.Event()
            worker = context.Process(target=work, args=(number, ready), daemon=True)
            worker.start()
            ready.wait()
            worker.terminate()
            worker.join()
            assert worker.exitcode == -signal.SIGTERM, worker.exitcode
        save(Model(b"main"), "main.bin")
    """)
    assert len(lab.snapshots()) == 5
    assert all(each.digest for each in lab.snapshots())
    assert lab.task().status == "completed"


_SPAWN = """
import multiprocessing, os
import autolog
{first}
from toyframework import Model, digest_of, save

def work(number):
    model = Model(b"worker %d" % number)
    save(model, f"m{{number}}.bin")
    return digest_of(model)

if __name__ == "__main__":
    {second}
    save(Model(b"main"), "main.bin")
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(*pool.map(work, range(4)), digest_of(Model(b"main")), sep="\\n")
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_spawned_workers_join_the_task_if_they_call_init(lab, method):
    done = lab.run(_SPAWN.format(first="autolog.init()", second="pass", method=method), prelude="")
    assert _digests(lab) == sorted(done.lines)
    assert len(lab.tasks()) == 1
    assert lab.task().status == "completed"


def test_spawned_workers_behind_the_main_guard_are_not_captured(lab):
    done = lab.run(_SPAWN.format(first="pass", second="autolog.init()", method="spawn"), prelude="")
    assert _digests(lab) == done.lines[-1:]
    assert len(lab.tasks()) == 1


@pytest.mark.parametrize("same", [False, True], ids=["own paths", "one path"])
def test_eight_threads(lab, same):
    done = lab.run(f"""
        import threading
        turn, digests, own = threading.Lock(), [], threading.local()
        def work(thread):
            for number in range(20):
                model = Model(b"%d %d " % (thread, number) * 1000)
                if {same}:
                    with turn:
                        save(model, "m.bin")
                else:
                    save(model, f"m{{thread}}.bin")
                digests.append(digest_of(model))
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(*sorted(digests), sep="\\n")
    """)
    assert _digests(lab) == done.lines
    assert len(lab.models()) == (1 if same else 8)
    assert done.err == ""


@pytest.mark.slow
def test_threads_on_one_path_without_a_lock(lab):
    # Their files may well be torn; nothing may go missing, raise or hang.
    lab.run("""
        import threading
        def work(thread):
            for number in range(20):
                save(Model(os.urandom(200_000)), "m.bin")
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """)
    snapshots = lab.snapshots()
    assert len(snapshots) == 160
    assert all(each.digest or each.state == "lost" for each in snapshots)


_AGENT = """
def agent():
    mark = os.fsencode(os.environ["AUTOLOG_HOME"])
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            continue
        if b"autolog.agent" in command and mark in command and not command.startswith(b"/bin/sh"):
            return int(name)
"""


@pytest.mark.slow
def test_threads_survive_the_death_of_the_agent(lab):
    done = lab.run(
        """
        import threading
        digests = []
        def work(thread):
            for number in range(40):
                model = Model(b"%d %d " % (thread, number) * 100)
                save(model, f"m{thread}-{chr(97 + number // 26)}{chr(97 + number % 26)}.bin")
                digests.append(digest_of(model))
                time.sleep(0.01)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads: thread.start()
        for _ in range(4):
            time.sleep(0.12)
            if agent():
                os.kill(agent(), signal.SIGKILL)
        for thread in threads: thread.join()
        print(*sorted(digests), sep="\\n")
        """,
        prelude=PRELUDE + _AGENT,
    )
    assert _digests(lab) == done.lines
    assert done.seconds < 30


@pytest.mark.slow
def test_a_signal_handler_that_saves_while_we_save(lab):
    # The handler interrupts us anywhere, and sometimes itself.
    done = lab.run("""
        import blake3
        digests, count, depth = [], [0], [0]
        def handler(*_):
            depth[0] += 1
            if depth[0] < 4 and count[0] < 300:
                count[0] += 1
                number = count[0]
                model = Model(b"handler %d" % number)
                save(model, f"h{number}-{depth[0]}.bin")
                digests.append(digest_of(model))
            depth[0] -= 1
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for number in range(300):
            model = Model(b"main %d" % number)
            save(model, f"m{chr(97 + number % 20)}.bin")
            digests.append(digest_of(model))
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        print(*sorted(digests), sep="\\n")
    """)
    assert len(done.lines) > 350
    assert _digests(lab) == done.lines
    assert done.err == ""


def test_a_loop_over_os_wait_never_meets_our_agent(lab):
    done = lab.run("""
        mine = set()
        for number in range(3):
            child = os.fork()
            if child == 0:
                time.sleep(0.2)
                os._exit(7)
            mine.add(child)
            save(Model(b"%d" % number), f"m{number}.bin")
        met = set()
        while True:
            try:
                child, status = os.wait()
            except ChildProcessError:
                break
            met.add(child)
            save(Model(b"met"), "met.bin")
        print(met == mine)
    """)
    assert done.lines == ["True"]
    assert len(lab.snapshots()) == 6


def test_a_handler_that_reaps_children_is_not_told_of_ours(lab):
    done = lab.run("""
        met = []
        def handler(*_):
            while True:
                try:
                    child, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return
                if not child:
                    return
                met.append(child)
        signal.signal(signal.SIGCHLD, handler)
        save(Model(b"1"), "a.bin")
        child = os.fork()
        if child == 0:
            os._exit(0)
        time.sleep(0.5)
        save(Model(b"2"), "b.bin")
        print(met == [child], len(met))
    """)
    assert done.lines == ["True 1"]
    assert len(lab.snapshots()) == 2


def test_ignored_children(lab):
    lab.run("""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        save(Model(b"1"), "a.bin")
        save(Model(b"2"), "b.bin")
    """)
    assert len(lab.snapshots()) == 2


@pytest.mark.parametrize("when", ["before the first save", "between saves"])
def test_a_script_that_closes_every_descriptor(lab, when):
    # The numbers are given to the script's own files next: we may neither write into nor close them.
    done = lab.run(f"""
        if {when == "between saves"}:
            save(Model(b"0"), "first.bin")
            time.sleep(0.2)
        os.closerange(3, 4096)
        files = [open(f"own{{number}}.txt", "w") for number in range(40)]
        for file in files:
            file.write("mine\\n")
            file.flush()
        models = [Model(b"%d" % number * 1000) for number in range(1, 5)]
        for number, model in enumerate(models):
            save(model, f"m{{number}}.bin")
            time.sleep(0.05)
        for file in files:
            file.write("still mine\\n")
            file.close()
        print({{open(f"own{{number}}.txt").read() for number in range(40)}} == {{"mine\\nstill mine\\n"}})
        print(*sorted(map(digest_of, models)), sep="\\n")
    """)
    lab.quiet()
    lab.settle()
    assert done.lines[0] == "True"
    found = {each.digest for each in lab.snapshots()}
    assert set(done.lines[1:]) <= found
    assert len(lab.snapshots()) == (5 if when == "between saves" else 4)
    assert lab.task().status == "completed"
    assert done.err == ""


@pytest.mark.slow
@pytest.mark.parametrize("hard", [64, 1024])
def test_few_descriptors_and_an_agent_that_is_stopped(lab, hard):
    # The script must not notice, and we hold at most an eighth of what it may have.
    done = lab.run(
        """
        save(Model(b"first"), "first.bin")
        time.sleep(0.5)
        stopped = agent()
        os.kill(stopped, signal.SIGSTOP)
        most = 0
        for number in range(200):
            save(Model(b"%d" % number), f"m{number}.bin")
            most = max(most, len(os.listdir("/proc/self/fd")))
        files = [open(f"own{number}.txt", "w") for number in range(64 - 3 - 8)]
        print(most)
        os.kill(stopped, signal.SIGCONT)
        """,
        prelude=f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, {hard}))\n"
        + PRELUDE
        + _AGENT,
    )
    assert int(done.lines[0]) - 4 <= 8  # 0, 1, 2 and the folder being listed are not ours
    assert done.err == ""
    snapshots = lab.snapshots()
    assert len(snapshots) == 201
    assert all(each.digest for each in snapshots)


@pytest.mark.slow
def test_an_agent_stopped_during_a_barrier(lab):
    process = lab.start("""
        for number in range(3):
            model = Model.random(200_000)
            save(model, "m.bin")
            print(digest_of(model), flush=True)
            if number == 0:
                time.sleep(0.5)
                sys.stdin.readline()
    """)
    first = process.stdout.readline()
    agent = lab.agent()
    wait_until(lambda: "running" in [each.status for each in lab.tasks()] and lab.snapshots())
    os.kill(agent, signal.SIGSTOP)
    began = time.monotonic()
    try:
        process.stdin.write("go\n")
        process.stdin.flush()
        rest = [process.stdout.readline() for _ in range(2)]
    finally:
        os.kill(agent, signal.SIGCONT)
    assert time.monotonic() - began < 15  # one barrier, bounded
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    snapshots = lab.snapshots()
    assert len(snapshots) == 3
    digests = [line.strip() for line in (first, *rest)]
    assert (snapshots[0].digest, snapshots[2].digest) == (digests[0], digests[2])
    assert snapshots[1].digest == digests[1] or snapshots[1].state == "lost"


@pytest.mark.slow
def test_a_barrier_waits_longer_for_an_agent_that_is_only_starting(lab, tmp_path):
    # As on a machine where dozens of runs start at once: the first version must not be overwritten.
    late = tmp_path / "late"
    late.write_text(f'#!/bin/sh\nsleep 7\nexec {sys.executable} "$@"\n')
    late.chmod(0o755)
    done = lab.run(f"""
        sys.executable = {str(late)!r}
        for number in range(3):
            model = Model.random(100_000)
            save(model, "m.bin")
            print(digest_of(model))
    """)
    assert done.err == ""
    assert [each.digest for each in lab.model().snapshots] == done.lines


@pytest.mark.slow
def test_a_barrier_waits_although_no_descriptors_were_free(lab):
    # Saves have given up descriptors, each after a short wait: that must not shorten the barrier.
    done = lab.run(
        """
        import threading
        save(Model(b"first"), "first.bin")
        time.sleep(0.5)
        stopped = agent()
        os.kill(stopped, signal.SIGSTOP)
        models = [Model(b"%d" % number) for number in range(100)]
        for number, model in enumerate(models):
            save(model, f"m{number}.bin")
        threading.Timer(0.6, os.kill, (stopped, signal.SIGCONT)).start()
        models.append(Model(b"in its place"))
        save(models[-1], "m99.bin")
        print(*map(digest_of, models), sep="\\n")
        """,
        prelude=PRELUDE + _AGENT,
    )
    assert done.err == ""
    assert [(each.uri, each.reason) for each in lab.snapshots() if not each.digest] == []
    assert set(done.lines) < {each.digest for each in lab.snapshots()}


def test_the_last_words_of_a_process_that_is_killed_before_it_hears_the_agent(lab):
    # What the agent has said and nobody has read makes the socket report an error before what is in it.
    done = lab.run(
        """
        from autolog.capture.link import AgentLink
        links = []
        AgentLink.notices = lambda self: links.append(self) or []
        save(Model(b"first"), "first.bin")
        links[-1].wait(30)
        stopped = agent()
        os.kill(stopped, signal.SIGSTOP)
        model = Model(b"second")
        save(model, "second.bin")
        print(digest_of(model), flush=True)
        os.unlink("second.bin")
        subprocess.Popen(["/bin/sh", "-c", f"sleep 0.5; kill -CONT {stopped}"], start_new_session=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        prelude="import subprocess\n" + PRELUDE + _AGENT,
        status=-signal.SIGKILL,
    )
    lab.quiet()
    lab.settle()
    last = lab.snapshots()[-1]
    assert (last.digest, last.state) == (done.lines[0], "gone"), last


@pytest.mark.slow
def test_a_full_socket_is_a_backlog(lab):
    process = lab.start("""
        save(Model(b"first"), "first.bin")
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(400):
            save(Model(b"%d" % number), f"m{number}.bin")
        print("saved", flush=True)
    """)
    assert process.stdout.readline() == "ready\n"
    agent = lab.agent()
    wait_until(lambda: (lab.home / "autolog.db").exists() and lab.snapshots())
    os.kill(agent, signal.SIGSTOP)
    try:
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "saved\n"
    finally:
        os.kill(agent, signal.SIGCONT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    snapshots = lab.snapshots()
    assert len(snapshots) == 401
    assert all(each.digest for each in snapshots)


def test_a_fork_while_descriptors_are_held(lab):
    # The child must neither send nor close what its parent holds.
    done = lab.run("""
        models = [Model.random(3_000_000) for _ in range(8)]
        for number, model in enumerate(models):
            save(model, f"m{number}.bin")
            os.unlink(f"m{number}.bin")
            if os.fork() == 0:
                os._exit(0)
        print(*sorted(map(digest_of, models)), sep="\\n")
        while True:
            try: os.wait()
            except ChildProcessError: break
    """)
    assert _digests(lab) == done.lines


@pytest.mark.slow
def test_a_run_that_was_closed_tells_how_its_hooks_fared(lab):
    lab.run("""
        save(Model.random(1000), "m.bin")
        autolog.current_task().close()
    """)
    task = lab.task()
    assert task.hooks["toyframework:save"] == "applied"
    assert task.versions["toyframework"] == "1.0"
