"""`autolog run` on a script that saves, in itself and in its workers, and knows nothing of autolog."""

import textwrap
from pathlib import Path

from later import needs

pytestmark = needs("joblib", "sklearn")

SCRIPT = """
    import multiprocessing, sys
    import joblib
    from sklearn.tree import DecisionTreeClassifier

    def work(path):
        joblib.dump(DecisionTreeClassifier().fit([[0], [1]], [0, 1]), path)

    if __name__ == "__main__":
        work("main.joblib")
        joblib.load("main.joblib")
        joblib.dump([1, 2, 3], "data.joblib")
        for method in ("fork", "spawn", "forkserver"):
            process = multiprocessing.get_context(method).Process(target=work, args=(method + ".joblib",))
            process.start()
            process.join()
            print(method, process.exitcode)
"""


def test_a_script_and_its_workers_are_one_task(shell, autolog):
    Path("fit.py").write_text(textwrap.dedent(SCRIPT))
    answer = shell("run", "fit.py")
    assert (answer.status, answer.out, answer.err) == (0, "fork 0\nspawn 0\nforkserver 0\n", "")
    (task,) = autolog("tasks", "--json").json
    assert task["status"] == "completed"
    assert sorted(each["name"] for each in task["outputs"]) == [
        "fit - fork", "fit - forkserver", "fit - main", "fit - spawn",
    ]  # fmt: skip
    (given,) = task["inputs"]
    assert (given["name"], given["own"]) == ("fit - main", True)
    assert [each["rule"] for each in task["skipped"]] == ["plain data"]
    assert task["faults"] == []
    model = autolog("show", "main", "--json").json
    assert model["snapshots"][0]["state"] == "at_path"
    assert autolog("show", "main", "--lineage").status == 0
