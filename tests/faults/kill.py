"""Kills the trainer, the agent or both at random moments, and looks whether anything is lost silently.

    python tests/faults/kill.py --rounds 100

A round is one script that saves models, writes down each save that has returned (its number and its
digest), then keeps, deletes, renames or overwrites its last file; the kill comes a random moment after
that. Once everything has settled, every save that had returned must be in the store exactly once,
with the right digest or marked lost, and lost only where the bytes were really out of reach.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "toy"))

from toylab import PRELUDE, Lab

WHO = ("trainer", "agent", "both")
WHAT = ("kept", "deleted", "renamed", "overwritten")

_SCRIPT = """
import json, random, signal
plan = json.loads(sys.argv[1])
chance = random.Random(plan["seed"])
log = os.open("log.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
last, treated = None, None

def kill(number):
    if number:
        os.kill(number, signal.SIGKILL)

def agent():
    mark = os.fsencode(os.environ["AUTOLOG_HOME"])
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                command = open(f"/proc/{name}/cmdline", "rb").read()
            except OSError:
                continue
            if b"autolog.agent" in command and mark in command and not command.startswith(b"/bin/sh"):
                return int(name)
    return 0

for number in range(plan["saves"]):
    model = Model(bytes([number]) * 16 + chance.randbytes(chance.choice(plan["sizes"])))
    path = chance.choice(["m.bin", f"other{number}.bin"])
    save(model, path)
    line = {"number": number, "path": os.path.abspath(path), "digest": digest_of(model)}
    os.write(log, json.dumps(line).encode() + b"\\n")
    last = path
    time.sleep(chance.choice([0, 0, 0.002, 0.02]))
if plan["what"] == "deleted":
    os.unlink(last)
elif plan["what"] == "renamed":
    os.rename(last, "renamed.bin")
elif plan["what"] == "overwritten":
    with open(last, "r+b" if chance.random() < 0.5 else "wb") as file:
        file.write(b"something else" * chance.choice([1, 10_000]))
time.sleep(plan["delay"])
if plan["who"] in ("agent", "both"):
    kill(agent())
if plan["who"] in ("trainer", "both"):
    kill(os.getpid())
for number in range(plan["saves"], plan["saves"] + plan["after"]):
    model = Model(chance.randbytes(1000))
    save(model, "after.bin")
    line = {"number": number, "path": os.path.abspath("after.bin"), "digest": digest_of(model)}
    os.write(log, json.dumps(line).encode() + b"\\n")
"""


def one_round(folder: Path, seed: int, who: str, what: str) -> Counter[str]:
    """Run one round; returns what became of its saves. AssertionError says what is wrong."""
    chance = random.Random(seed)
    plan = {
        "seed": seed,
        "who": who,
        "what": what,
        "saves": chance.randint(1, 8),
        "sizes": chance.choice([[10], [1000, 100_000], [4_000_000]]),
        "delay": chance.choice([0.0, chance.uniform(0, 0.03), chance.uniform(0.03, 0.3)]),
        "after": chance.choice([0, 1, 3]),
    }
    lab = Lab(folder)
    try:
        done = lab.run(_SCRIPT, json.dumps(plan), prelude=PRELUDE, status=None, AUTOLOG_STRICT="1")
        assert done.err == "", done.err
        assert done.status == (0 if who == "agent" else -signal.SIGKILL), done.status
        settled = lab.settle()
        deadline = time.monotonic() + 20
        while (lab.agents() or os.listdir(lab.spool)) and time.monotonic() < deadline:
            time.sleep(0.02)
            settled = lab.settle()
        assert settled.pending == 0, settled
        return _check(lab, plan)
    except AssertionError as error:
        raise AssertionError(f"{plan}\n{error}\n{lab.log[-3000:]}") from error
    finally:
        lab.close()


def _check(lab: Lab, plan: dict) -> Counter[str]:
    truth = [json.loads(line) for line in (lab.work / "log.jsonl").read_text().splitlines()]
    found = lab.snapshots()
    assert len(truth) == plan["saves"] + (plan["after"] if plan["who"] == "agent" else 0)
    # The last save may have returned without being written down; here the log always comes first.
    assert len(found) == len(truth), f"{len(found)} snapshots of {len(truth)} saves"
    last = truth[plan["saves"] - 1]
    outcomes: Counter[str] = Counter()
    for line, snapshot in zip(truth, found, strict=True):
        is_last = line["number"] == last["number"]
        later = any(each["path"] == line["path"] for each in truth[line["number"] + 1 :])
        if snapshot.digest is not None:
            assert snapshot.digest == line["digest"], f"save {line['number']} has a wrong digest: {snapshot}"
            assert snapshot.state != "lost", snapshot
            outcomes["right"] += 1
        else:
            assert snapshot.state == "lost", snapshot
            assert snapshot.reason, snapshot
            out_of_reach = plan["what"] == "overwritten" or (plan["what"], plan["who"]) == ("deleted", "both")
            assert later or (is_last and out_of_reach), f"{line['number']} is lost without need: {snapshot}"
            outcomes["lost"] += 1
        if is_last and snapshot.digest is not None:
            expected = {
                "kept": ("at_path", line["path"]),
                "deleted": ("gone", line["path"]),
                "renamed": ("at_path", str(lab.work / "renamed.bin")),
            }.get(plan["what"])
            assert expected in (None, (snapshot.state, snapshot.uri)), f"{expected} != {snapshot}"
    assert _later_saves_are_not_lost(plan, found)
    status = lab.task().status
    assert status == ("completed" if plan["who"] == "agent" else "killed"), status
    return outcomes


def _later_saves_are_not_lost(plan: dict, found: list) -> bool:
    # A save waits at the barrier until the one before it has been read, whoever reads it.
    return all(each.state != "lost" for each in found[:-1]) or plan["who"] != "trainer"


def main() -> int:
    """Print what became of the saves in many rounds; the exit status says whether all was right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100, help="rounds of each combination")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    print(f"{'killed':<8} {'file':<12} {'rounds':>6} {'saves':>6} {'right':>6} {'lost':>5} {'wrong':>6}")
    failures = []
    for who in WHO:
        for what in WHAT:
            outcomes: Counter[str] = Counter()
            wrong = 0
            for number in range(options.rounds):
                seed = options.seed + number
                with tempfile.TemporaryDirectory() as folder:
                    try:
                        outcomes += one_round(Path(folder), seed, who, what)
                    except AssertionError as error:
                        wrong += 1
                        failures.append(f"--- {who}, {what}, seed {seed}\n{error}")
            saves = outcomes.total()
            print(
                f"{who:<8} {what:<12} {options.rounds:>6} {saves:>6} {outcomes['right']:>6}"
                f" {outcomes['lost']:>5} {wrong:>6}",
                flush=True,
            )
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
