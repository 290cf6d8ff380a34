"""A task that the store refuses for good: its spool waits, and nothing else does."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

from autolog import _guard
from autolog.agent.jobs import Following, Job
from autolog.agent.journals import AgentJournal
from autolog.agent.scribe import Scribe
from autolog.agent.work import Recorder
from autolog.events import FileFacts, Saved, Started

# Stands for whatever a database won't take: a rule that no waiting will satisfy.
_RULE = """
    CREATE TRIGGER no BEFORE INSERT ON tasks WHEN NEW.name = 'bad'
    BEGIN SELECT RAISE(ABORT, 'not that one'); END
"""


def execute(lab, statement):
    with closing(sqlite3.connect(lab.home / "autolog.db")) as connection:
        connection.execute(statement)
        connection.commit()


def files(lab):
    return {model.name.rpartition(" ")[2] for model in lab.models()}


def test_a_task_that_is_refused_ends_no_command_and_holds_up_no_other(lab):
    lab.run('save(Model(b"first"), "first.bin")')
    lab.quiet()
    execute(lab, _RULE)
    lab.run(
        'save(Model(b"bad"), "bad.bin"); time.sleep(1); os.unlink("bad.bin")',
        AUTOLOG_TASK="bad",
        AUTOLOG_STRICT="0",
        AUTOLOG_OUTPUT_URI="true",
    )
    # Another one whose agent has gone, too: its folder is behind the refused one or before it.
    process = lab.start(
        """
        save(Model(b"good"), "good.bin")
        print("saved", flush=True)
        time.sleep(60)
        """,
        AUTOLOG_TASK="good",
    )
    process.stdout.readline()
    for number in lab.agents():
        os.kill(number, 9)
    process.kill()
    process.communicate()
    lab.quiet(30)

    settled = lab.settle()
    [problem] = settled.problems
    assert "refuses a record: not that one" in problem
    assert settled.pending > 0
    assert files(lab) == {"first", "good"}
    command = [sys.executable, "-m", "autolog", "models"]
    done = subprocess.run(command, env=lab.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "not that one" in done.stderr
    assert "good" in done.stdout
    # It is still in the spool, for a day when it is taken.
    execute(lab, "DROP TRIGGER no")
    assert lab.settle().pending == 0
    assert files(lab) == {"first", "bad", "good"}
    # These were the only bytes of it; no command that met the refusal has taken them away.
    (bad,) = [each for each in lab.snapshots() if each.uri.endswith("bad.bin")]
    assert (bad.state, bad.keeping) == ("gone", "kept")
    assert os.listdir(lab.spool) == []


class Told:
    """Whom the agent tells."""

    def __init__(self):
        self.notices = []

    def tell(self, notice):
        self.notices.append(notice)


def test_where_a_file_is_that_is_refused_costs_the_next_save_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("AUTOLOG_STRICT", raising=False)
    scribe = Scribe(f"sqlite:///{tmp_path}/autolog.db", Started("t" * 32, 1.0, "p", "n", "s.py"))
    following, told = Following(), Told()
    recorder = Recorder(scribe, AgentJournal(str(tmp_path)), following, lambda: None)
    path = tmp_path / "one.bin"
    path.write_bytes(b"one")
    facts = FileFacts(path.stat().st_dev, path.stat().st_ino, 3, 1, 1)
    events = [
        Saved(str(number), float(number), "Toy", "save", "file", str(path), facts) for number in range(3)
    ]
    recorder.work(Job(events[0], {}, told))
    following.add(events[0], os.open(path, os.O_RDONLY), str(path))
    with scribe.store._writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no BEFORE UPDATE OF uri ON snapshots WHEN NEW.uri LIKE '%/refused.bin'"
            " BEGIN SELECT RAISE(ABORT, 'not there'); END"
        )
    path.rename(tmp_path / "refused.bin")
    for event in events[1:]:
        recorder.work(Job(event, {}, told))
    assert [(each["kind"], each["id"]) for each in told.notices] == [("recorded", each.id) for each in events]
    assert scribe.store.counts()["snapshots"] == 3
    scribe.close()
    assert [each.where for each in _guard.faults] == ["record where files have been put"]
