"""Many processes write at once: nothing twice, nothing lost, nobody stuck."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from autolog.store import Store
from autolog.store.schema import contents, done, inputs, metadata, models, skips, snapshots, tasks

_WRITERS = Path(__file__).with_name("writers.py")
_SHARED = "5" * 32
#: Saves of each kind by each process; 50 is what a team may do.
_SAVES = int(os.environ.get("AUTOLOG_TEST_ROUNDS", "4"))


def rows(store, table):
    with store._reading() as connection:
        return [dict(row) for row in connection.execute(table.select()).mappings()]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("url", "processes"), [("sqlite", 8), ("postgresql", 32)], indirect=["url"])
def test_many_processes_write_into_one_store(url, processes, request):
    done_ = subprocess.run(
        [sys.executable, str(_WRITERS), url, str(processes), str(_SAVES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done_.returncode == 0, done_.stderr
    store = Store.open(url, create=False)
    try:
        check(store, processes)
    finally:
        store.close()
    if url.startswith("postgresql"):
        counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert request.getfixturevalue("postgres").execute(counted) == [(0,)]


def check(store, processes):
    """What all of them together must have left."""
    found = {table.name: rows(store, table) for table in metadata.sorted_tables}
    total = processes * _SAVES
    assert len(found[tasks.name]) == processes + 1
    events = Counter(each["event_id"].rpartition("-")[0].partition("-")[0] for each in found[done.name])
    assert events == {"b": processes, "own": total, "shared": total, "load": total, "skip": total,
                      "once": _SAVES}  # fmt: skip

    by_model = {}
    for each in sorted(found[snapshots.name], key=lambda row: row["version"]):
        by_model.setdefault(each["model_id"], []).append(each["version"])
    made = {each["id"]: each for each in found[models.name]}
    counts = {}
    for model_id, versions in by_model.items():
        assert versions == list(range(1, len(versions) + 1))
        key = (made[model_id]["task_id"], made[model_id]["key"])
        assert key not in counts or key[0] is None, "two models of one file"
        counts[key] = len(versions)
    assert counts.pop((_SHARED, "/x/shared.pt")) == total
    assert counts.pop((_SHARED, "/x/once.pt")) == _SAVES
    assert {key: n for key, n in counts.items() if key[0] is not None} == {
        (f"{number:032x}", f"/x/{number}.pt"): _SAVES for number in range(processes)
    }

    # One import of each foreign file, whoever met it first; each task's input once, with all its loads.
    assert sum(each["task_id"] is None for each in made.values()) == _SAVES
    assert len(found[inputs.name]) == total
    assert sum(each["count"] for each in found[inputs.name]) == total
    assert len(found[contents.name]) == _SAVES
    assert [each["count"] for each in found[skips.name]] == [total]
    [shared] = [each for each in found[tasks.name] if each["id"] == _SHARED]
    assert len(shared["hooks"]) == len(shared["versions"]) == processes

    # Of all that was ever at a path, one is there.
    there = Counter(each["uri"] for each in found[snapshots.name] if each["state"] == "at_path")
    assert there["/x/shared.pt"] == there["/x/once.pt"] == there["/x/meeting.pt"] == 1
