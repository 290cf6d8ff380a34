"""Many scripts at once in one store: nothing is recorded twice, nothing is missing, everything comes back.

AUTOLOG_TEST_ROUNDS=50 (`make faults`) has 32 scripts save 50 versions each; else there are a few.
"""

import os
from collections import Counter

import pytest
from toyframework import digest
from toylab import PRELUDE

from autolog.keeping import restore, verify
from autolog.store import Kept

ROUNDS = int(os.environ.get("AUTOLOG_TEST_ROUNDS", "5"))
SAVES = min(ROUNDS, 50)

SCRIPT = """
import random
shared = random.Random(1).randbytes(60_000)
for number in range(int(sys.argv[2])):
    save(Model(shared + random.Random(f"{sys.argv[1]} {number}").randbytes(20_000)), "m.bin")
print(digest("m.bin"))
"""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("where", ["PostgreSQL and S3", "SQLite"])
def test_many_scripts_at_once(lab, tmp_path, request, where):
    count = (32 if ROUNDS >= 50 else 6) if where != "SQLite" else (8 if ROUNDS >= 50 else 4)
    environment = {"AUTOLOG_OUTPUT_URI": "true", "AUTOLOG_REPACK": "0"}
    url = lab.url
    if where != "SQLite":
        url = environment["AUTOLOG_STORE"] = request.getfixturevalue("postgres").url
        environment["AUTOLOG_CONTENT_STORE"] = request.getfixturevalue("s3").url
    running = []
    for number in range(count):
        folder = lab.work / str(number)
        folder.mkdir()
        text = f"os.chdir({str(folder)!r})\n{SCRIPT}"
        running.append(
            lab.start(text, str(number), str(SAVES), prelude=PRELUDE, name=f"s{number}.py", **environment)
        )
    said = [process.communicate(timeout=1500) for process in running]
    assert [process.returncode for process in running] == [0] * count, said
    assert {err for _, err in said} == {""}
    assert lab.settle(store=url).pending == 0
    with lab.store(url) as store:
        models = [store.model(each.id) for each in store.models()]
        assert len(models) == len(store.tasks()) == count
        for model in models:
            assert [each.version for each in model.snapshots] == [*range(1, SAVES + 1)]
            assert Counter((each.keeping, each.reason) for each in model.snapshots) == {("kept", ""): SAVES}
        assert len({each.digest for model in models for each in model.snapshots}) == count * SAVES
        kept = Kept(store)
        assert list(verify(kept, str(lab.home), deep=True)) == []
        last = {model.snapshots[-1].digest: model.snapshots[-1] for model in models}
        for index, (out, _) in enumerate(said):
            restore(last[out.strip()], kept, str(lab.home), str(tmp_path / f"restored{index}"))
            assert digest(tmp_path / f"restored{index}") == out.strip()
