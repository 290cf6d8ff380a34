"""The bucket is away while a script trains: what it does is unchanged, and afterwards every version is kept.

AUTOLOG_TEST_AWAY_SECONDS is how long; `make faults` runs this with 60.
"""

import os
import time

import pytest
from toyframework import digest
from toylab import wait_until

from autolog.keeping import restore, verify
from autolog.store import Kept

SECONDS = float(os.environ.get("AUTOLOG_TEST_AWAY_SECONDS", "5"))

# One save for each line that it is told.
_SCRIPT = """
for line in sys.stdin:
    number = int(line)
    save(Model([float(number)] * 50_000), "m.toy")
    print(number, digest("m.toy"), flush=True)
"""


def ask(process, number):
    """Have the script save once more; what it prints."""
    process.stdin.write(f"{number}\n")
    process.stdin.flush()
    return process.stdout.readline()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["packs", "files"])
def test_the_bucket_is_away_for_a_while_during_training(lab, tmp_path, s3, kind):
    where = {"AUTOLOG_OUTPUT_URI": s3.url}
    if kind == "packs":
        where = {"AUTOLOG_OUTPUT_URI": "true", "AUTOLOG_CONTENT_STORE": s3.url}
    process = lab.start(_SCRIPT, **where)
    told = [ask(process, number) for number in range(2)]
    wait_until(lambda: [each.keeping for each in lab.snapshots()] == ["kept"] * 2, 30)

    s3.faults.away()
    came_back = time.monotonic() + SECONDS
    while time.monotonic() < came_back:
        told.append(ask(process, len(told)))
        time.sleep(SECONDS / 10)
    there = len(s3.objects())
    s3.faults.back()
    told.append(ask(process, len(told)))
    out, err = process.communicate(timeout=300)

    assert (process.returncode, out) == (0, "")
    # Trying again spans a few seconds without a word; of a minute one line tells, and nothing else.
    told_of = [True] if SECONDS >= 60 else []
    assert ["Weights wait in" in line for line in err.splitlines()] == told_of, err
    bare = lab.start(_SCRIPT, name="bare.py", AUTOLOG_DISABLED="1")
    assert bare.communicate("".join(f"{number}\n" for number in range(len(told))))[0] == "".join(told)
    wait_until(lambda: [each.keeping for each in lab.snapshots()] == ["kept"] * len(told), 120)
    assert len(s3.objects()) > there
    with lab.store() as store:
        kept = Kept(store)
        for snapshot, line in zip(lab.snapshots(), told, strict=True):
            target = tmp_path / f"v{snapshot.version}"
            restore(snapshot, kept, str(lab.home), str(target))
            assert digest(target) == line.split()[1]
        assert list(verify(kept, str(lab.home), deep=True)) == []
