"""Scripts whose records are on a PostgreSQL server, which comes and goes as servers do."""

import pytest

_SCRIPT = """
    for number in range(6):
        model = Model(bytes([number]) * 100)
        save(model, f"m{number % 2}.bin")
        print(number, digest(f"m{number % 2}.bin"), flush=True)
        sys.stdin.readline()
    load("m1.bin")
    print("done")
"""


@pytest.fixture
def away(lab, postgres):
    """The lab, with its records on a server."""
    lab.elsewhere = postgres.url
    return lab


def digests(lines):
    """{number: digest} as the script saw them."""
    return {int(number): digest for number, digest in (line.split() for line in lines if line != "done")}


def check(lab, lines):
    """All six saves are there, as versions of two models, and the load is."""
    seen = digests(lines)
    found = {model.name.rpartition(" ")[2]: model for model in lab.models()}
    assert {name: [each.digest for each in model.snapshots] for name, model in found.items()} == {
        name: [seen[number] for number in range(start, 6, 2)] for start, name in enumerate(("m0", "m1"))
    }
    task = lab.task()
    assert task.status == "completed"
    assert [(each.model_name, each.version, each.own) for each in task.inputs] == [
        (found["m1"].name, 3, True)
    ]


def bare(lab):
    """What the script prints without us."""
    process = lab.start(_SCRIPT, name="bare.py", AUTOLOG_DISABLED="1")
    return process.communicate("\n" * 6, timeout=60)[0]


def test_a_script_writes_to_postgresql(away, postgres):
    process = away.start(_SCRIPT)
    out, err = process.communicate("\n" * 6, timeout=60)
    assert (process.returncode, out, err) == (0, bare(away), "")
    assert away.settle().pending == 0
    check(away, out.splitlines())
    assert away.task().faults == ()
    assert not (away.home / "autolog.db").exists()
    assert [*away.spool.iterdir()] == []


@pytest.mark.parametrize("kill", [False, True])
def test_the_server_is_restarted_during_training(away, postgres, kill):
    process = away.start(_SCRIPT)
    lines = []
    for number in range(6):
        lines.append(process.stdout.readline())
        if number in (1, 3):
            postgres.restart(kill=kill)
        process.stdin.write("\n")
        process.stdin.flush()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "".join(lines) + out == bare(away)
    assert away.settle().pending == 0
    check(away, [line.strip() for line in lines])


def test_the_server_is_away_until_the_run_is_over(away, postgres):
    process = away.start(_SCRIPT)
    lines = [process.stdout.readline()]
    postgres.stop()
    out, err = process.communicate("\n" * 6, timeout=60)
    assert process.returncode == 0
    assert lines[0] + out == bare(away)
    # One line says why the records wait, and nothing that is secret.
    assert [line for line in err.splitlines() if "waits in the spool" in line] == err.splitlines()
    assert postgres.password not in err
    away.quiet(30)
    assert postgres.password not in away.log
    assert any(away.spool.iterdir())
    postgres.start()
    assert away.settle().pending == 0
    check(away, (lines[0] + out).splitlines())


def test_the_server_is_away_when_the_run_begins(away, postgres):
    postgres.stop()
    process = away.start(_SCRIPT)
    out = process.stdout.readline()
    postgres.start()
    more, err = process.communicate("\n" * 6, timeout=60)
    assert process.returncode == 0, err
    assert away.settle().pending == 0
    check(away, (out + more).splitlines())


def test_a_record_that_is_refused_does_not_hold_up_the_others(away, postgres):
    first = away.run('save(Model(b"first"), "first.bin")')
    assert first.status == 0
    assert away.settle().pending == 0
    # Stands for whatever a database won't take: a rule that no waiting will satisfy.
    postgres.execute("ALTER TABLE snapshots ADD CONSTRAINT no CHECK (uri NOT LIKE '%/bad.bin')")
    away.run(
        """
        for name in ("good.bin", "bad.bin", "better.bin"):
            save(Model(name.encode()), name)
        """,
        AUTOLOG_STRICT="0",
    )
    away.quiet(30)
    assert {model.name.rpartition(" ")[2] for model in away.models()} == {"first", "good", "better"}
    *_, task = away.tasks()
    assert task.status == "completed"
    assert any("refuses a record" in fault.error for fault in task.faults)
    # What was refused is still in the spool, for a day when it is taken.
    postgres.execute("ALTER TABLE snapshots DROP CONSTRAINT no")
    assert away.settle().pending == 0
    assert {model.name.rpartition(" ")[2] for model in away.models()} == {"first", "good", "bad", "better"}
