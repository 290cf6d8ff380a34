"""Kills trainers, agents, `gc` and repacking at random moments, and looks whether any kept version is lost.

    python tests/faults/kill_keeping.py --rounds 200

A round is two scripts in one home that save versions which share most of their chunks, beside processes that
collect and repack; each is killed at a moment of its own. Once everything has settled: whatever was recorded
as kept is there bit for bit, `verify --deep` finds nothing, whatever was not kept says why, and collecting
leaves no file that no record knows.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "toy"))

from toylab import PRELUDE, Lab, wait_until

from autolog.keeping import collect, restore, verify
from autolog.store import Kept

WHO = ("trainer", "agent", "both", "gc", "repack", "everybody")

_TRAINER = """
import random
seed, saves = int(sys.argv[1]), int(sys.argv[2])
shared = random.Random(1).randbytes(400_000)     # the same chunks in both scripts
chance = random.Random(seed)
for number in range(saves):
    data = bytearray(shared)
    at = chance.randrange(len(data) - 50_000)
    data[at:at + 50_000] = chance.randbytes(50_000)
    model = Model(bytes(data) + bytes([number]))
    save(model, f"m{seed}.bin")
    print(digest(f"m{seed}.bin"), flush=True)
    time.sleep(chance.choice([0, 0.01, 0.05]))
"""

#: What collects and repacks beside them, dropping a version now and then as `gc` does when told to.
_BESIDE = """
import os, random, sys, time
from autolog.keeping import collect, repack
from autolog.store import Kept, Store
kind, home, seed = sys.argv[1], os.environ["AUTOLOG_HOME"], int(sys.argv[2])
chance = random.Random(seed)
path = os.path.join(home, "autolog.db")
for _ in range(500):
    if os.path.exists(path):
        break
    time.sleep(0.01)  # nothing is there if everybody was killed at once
kept = Kept(Store.open("sqlite:///" + path))
for _ in range(12):
    if kind == "repack":
        repack(kept, home)
        continue
    snapshots = [s for m in kept._store.models() for s in kept._store.model(m.id).snapshots]
    kept_ones = [s.id for s in snapshots if s.keeping == "kept"]
    if len(kept_ones) > 3:
        kept.drop([chance.choice(kept_ones)], "dropped by the test")
    collect(kept, home, leftovers_after=30)
"""


def one_round(folder: Path, seed: int, who: str) -> Counter[str]:
    """Run one round; returns what became of its saves. AssertionError says what is wrong."""
    chance = random.Random(seed)
    lab = Lab(folder)
    environment = {"AUTOLOG_OUTPUT_URI": "true"}
    try:
        trainers = [
            lab.start(_TRAINER, str(seed + each), str(chance.randint(2, 6)), prelude=PRELUDE, **environment)
            for each in range(2)
        ]
        beside = [_start_beside(lab, kind, seed) for kind in ("gc", "repack") if chance.random() < 0.7]
        wait_until((lab.work / f"m{seed}.bin").exists, 60)
        time.sleep(chance.choice([0.0, chance.uniform(0, 0.2), chance.uniform(0.2, 2.0)]))
        for each in _victims(lab, who, trainers, beside):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
            time.sleep(chance.choice([0, 0.02]))
        for process in (*trainers, *beside):
            out, err = process.communicate(timeout=120)
            assert process.returncode in (0, -signal.SIGKILL), (process.returncode, out, err)
        _settle(lab)
        return _check(lab, folder)
    except AssertionError as error:
        raise AssertionError(f"{who}, seed {seed}\n{error}\n{lab.log[-3000:]}") from error
    finally:
        lab.close()


def _start_beside(lab: Lab, kind: str, seed: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _BESIDE, kind, str(seed)],
        env=lab.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _victims(lab: Lab, who: str, trainers: list, beside: list) -> list[int]:
    agents = lab.agents()
    pids = [each.pid for each in trainers]
    others = [each.pid for each in beside]
    return {
        "trainer": pids[:1],
        "agent": agents,
        "both": [*pids, *agents],
        "gc": others,
        "repack": others,
        "everybody": [*others, *agents, *pids],
    }[who]


def _settle(lab: Lab) -> None:
    deadline = time.monotonic() + 60
    settled = lab.settle()
    while (lab.agents() or os.listdir(lab.spool) or settled.waiting) and time.monotonic() < deadline:
        time.sleep(0.05)
        settled = lab.settle()
    assert settled.pending == 0, settled
    assert settled.waiting == 0, settled


def _check(lab: Lab, folder: Path) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    home = str(lab.home)
    with lab.store() as store:
        kept = Kept(store)
        damages = list(verify(kept, home, deep=True))
        assert not damages, damages
        for each in lab.snapshots():
            if each.state == "lost":
                outcomes["lost"] += 1
                continue
            assert each.keeping in ("kept", "failed", "dropped"), each
            outcomes[each.keeping] += 1
            if each.keeping != "kept":
                assert each.keeping_reason, each
                continue
            target = folder / f"restored-{each.id}"
            restore(each, kept, home, str(target))
            from toyframework import digest

            assert digest(target) == each.digest, each
        collected = collect(kept, home, leftovers_after=0)
        assert collected.problems == (), collected
        damages = list(verify(kept, home, deep=True))
        assert not damages, damages
        there = {
            os.path.relpath(os.path.join(at, name), os.path.join(home, "content"))
            for at, _, names in os.walk(os.path.join(home, "content"))
            for name in names
        }
        known = {name for place in kept.places() for name in kept.pack_names(place.id)}
        assert there == known, there ^ known
    waiting = os.path.join(home, "waiting")
    left = [name for name in os.listdir(waiting) if name != "lock"] if os.path.isdir(waiting) else []
    assert not [name for name in left if os.path.exists(os.path.join(waiting, name, "item.json"))], left
    return outcomes


def main() -> int:
    """Print what became of the saves in many rounds; the exit status says whether all was right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="rounds in all")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    os.environ["AUTOLOG_STRICT"] = "1"
    print(f"seed {options.seed}")
    print(f"{'killed':<10} {'rounds':>6} {'kept':>6} {'failed':>6} {'dropped':>7} {'lost':>5} {'wrong':>6}")
    failures = []
    for index, who in enumerate(WHO):
        outcomes: Counter[str] = Counter()
        seeds = range(options.seed + index, options.seed + options.rounds, len(WHO))
        wrong = 0
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    outcomes += one_round(Path(folder), seed, who)
                except AssertionError as error:
                    wrong += 1
                    failures.append(f"--- {error}")
        print(
            f"{who:<10} {len(seeds):>6} {outcomes['kept']:>6} {outcomes['failed']:>6}"
            f" {outcomes['dropped']:>7}"
            f" {outcomes['lost']:>5} {wrong:>6}",
            flush=True,
        )
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
