"""Asked about what autolog has kept, in the environment that is measured: restores, repacks and verifies it.

A program of its own: `python restoring.py` reads what to do from BENCH_SPEC and writes to BENCH_RESULT.
Times are in seconds, sizes in bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from autolog import keeping
from autolog.store import Kept, Store

PATH = "weights.pt"


def main() -> None:
    """Do what the plan says, in this order: repack, restore, verify."""
    plan = json.loads(Path(os.environ["BENCH_SPEC"]).read_text())
    home = os.environ["AUTOLOG_HOME"]
    store = Store.open(f"sqlite:///{home}/autolog.db")
    kept = Kept(store)
    found: dict[str, Any] = {}
    if "repack" in plan["do"]:
        start, cpu = time.perf_counter(), time.process_time()
        done = keeping.repack(kept, home)
        found["repack"] = {
            "before": done.before,
            "after": done.after,
            "took": time.perf_counter() - start,
            "cpu": time.process_time() - cpu,
            "problems": done.problems,
        }
    if "restore" in plan["do"]:
        found["restored"] = restored(store, kept, home)
    if "verify" in plan["do"]:
        start = time.perf_counter()
        damages = list(keeping.verify(kept, home, deep=True))
        took = time.perf_counter() - start
        found["verify"] = {"size": keeping.size_of(kept), "took": took, "damages": len(damages)}
    store.close()
    Path(os.environ["BENCH_RESULT"]).write_text(json.dumps(found))


def restored(store: Store, kept: Kept, home: str) -> list[dict[str, Any]]:
    """Restore each version, and `cp` a file of the same size; how long both took, and its digest.

    Once the one goes first, once the other. Versions that are not kept are missing.
    """
    rows: list[dict[str, Any]] = []
    models = [store.model(each.id) for each in store.models()]
    snapshots = [each for model in models for each in model.snapshots if (each.uri or "").endswith(PATH)]
    chosen = [each for each in sorted(snapshots, key=lambda each: each.version) if each.keeping == "kept"]
    with tempfile.TemporaryDirectory(dir=home) as folder:
        original, target, copy = (os.path.join(folder, name) for name in ("original", "restored", "copy"))

        def restoring() -> dict[str, float]:
            start, cpu = time.perf_counter(), time.process_time()
            keeping.restore(each, kept, home, target)
            return {"took": time.perf_counter() - start, "cpu": time.process_time() - cpu}

        def copying() -> dict[str, float]:
            start, cpu = time.perf_counter(), children()
            subprocess.run(["cp", original, copy], check=True)
            return {"cp": time.perf_counter() - start, "cp_cpu": children() - cpu}

        for number, each in enumerate(chosen):
            if not number:
                keeping.restore(each, kept, home, original)
            actions = (restoring, copying) if number % 2 else (copying, restoring)
            times = actions[0]() | actions[1]()
            with open(target, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            rows.append({"version": each.version, "digest": digest, **times})
            os.unlink(target)
            os.unlink(copy)
    return rows


def children() -> float:
    """CPU seconds of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
