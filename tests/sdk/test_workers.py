"""Workers that joblib starts: they run functions of a main module that is never imported there."""

from later import needs

pytestmark = needs("joblib")

_SCRIPT = """
import os, sys
from joblib import Parallel, delayed
from toyframework import Model, digest_of, load, save
{init}

def fold(number):
    assert "_AUTOLOG_WORKER" not in os.environ
    model = Model(b"fold %d" % number)
    save(model, f"fold{{number}}.bin")
    load(f"fold{{number}}.bin")
    return digest_of(model)

if __name__ == "__main__":
    print(*sorted(Parallel(n_jobs=2)(delayed(fold)(number) for number in range(4))), sep="\\n")
"""


def _digests(lab):
    return sorted(each.digest for each in lab.snapshots())


def test_what_they_save_and_load_is_of_the_scripts_task(lab):
    done = lab.run(_SCRIPT.format(init="import autolog; autolog.init()"), prelude="")
    lab.quiet()
    assert _digests(lab) == done.lines
    assert done.err == ""
    task = lab.task()
    assert task.status == "completed"
    assert [each.own for each in task.inputs] == [True] * 4


def test_they_go_by_what_init_was_given(lab, tmp_path):
    # The home that the environment names is another one, and the working folder is by then.
    init = """
import autolog
autolog.init("folds", home="../home", frameworks={"toy": "*[02].bin"})
os.mkdir("in"); os.chdir("in")
"""
    done = lab.run(
        _SCRIPT.replace("{init}", init).replace("{{", "{").replace("}}", "}"),
        prelude="",
        AUTOLOG_HOME=str(tmp_path / "elsewhere"),
    )
    lab.quiet()
    assert len(_digests(lab)) == 2
    assert set(_digests(lab)) < set(done.lines)
    assert lab.task().project == "folds"
    assert not (tmp_path / "elsewhere").exists()


def test_without_a_run_they_are_started_as_ever(lab):
    done = lab.run(
        _SCRIPT.format(init="import autolog; autolog.init().close()").replace(
            "    model =", "    assert 'autolog' not in sys.modules\n    model ="
        ),
        prelude="",
    )
    lab.quiet()
    assert len(done.lines) == 4
    assert lab.models() == []


def test_workers_that_are_used_again_go_on_in_the_run_that_there_is_by_then(lab):
    done = lab.run(
        """
import autolog, os
from joblib import Parallel, delayed
from toyframework import Model, save

def work(name):
    save(Model(name.encode()), f"{name}.bin")
    return os.getpid()

if __name__ == "__main__":
    known = set()
    for run in "abc":
        if run != "b":
            task = autolog.init("sweep", run)
        known |= set(Parallel(n_jobs=2)(delayed(work)(f"{run}{number}") for number in "xy"))
        task.close()
    print(len(known) <= 2)
""",
        prelude="",
    )
    lab.quiet()
    assert (done.lines, done.err) == (["True"], "")
    made = {task.name: sorted(model.name for model in task.outputs) for task in lab.tasks()}
    assert made == {"a": ["a - ax", "a - ay"], "c": ["c - cx", "c - cy"]}
