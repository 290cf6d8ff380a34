"""What the pages cost at the server: `python -m benchmarks.web_cost [--models 100000] [--store URL]`.

Makes a store with that many models, asks the app for pages as a browser would, without a network between,
and prints the median of five of each, beside what this machine is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "web"))

#: What is asked for, by what it is; MARK stands for the mark of the second page.
ASKED = {
    "first page": "/models",
    "next page": "/models?page=MARK",
    "sort by name": "/models?sort=name",
    "sort by framework, then name": "/models?sort=framework,name",
    "sort by user": "/models?sort=user",
    "sort by size": "/models?sort=-size",
    "sort by a metric": "/models?sort=-metric.val_loss&columns=name,metric.val_loss",
    "sort by versions": "/models?sort=-versions",
    "filter by framework": "/models?framework=PyTorch",
    "filter by tags": "/models?tag=best&tag=-debug",
    "filter by user": "/models?user=ada",
    "filter by a metric": "/models?metric.val_loss=..0.1",
    "search": "/models?q=bert-01",
    "search for what isn't there": "/models?q=nothing-of-the-kind",
    "regular expression": "/models?q=bert-0[12]&re=1",
    "panel of filters": "/models/filters",
    "news": "/models/news.json?since=1000000000",
    "start page": "/",
    "first page as JSON": "/models.json",
}
_ROUNDS = 5


def main() -> None:
    """Make the store, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--store", help="an empty database to use instead of SQLite in a temporary folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autolog-web-") as folder:
        found = measure(options.models, options.store or f"sqlite:///{folder}/autolog.db", folder)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{found['models']:,} models, {found['database']}, made in {found['made']:.0f} s; {found['machine']}"
    )
    print(f"calibration (a fixed loop of Python): {found['calibration']:.1f} ms")
    print(f"{'':34}{'first':>9}{'median':>9}   ms at the server")
    for name, (first, median) in found["times"].items():
        print(f"{name:34}{first:9.1f}{median:9.1f}")


def measure(count: int, url: str, home: str) -> dict[str, Any]:
    """Milliseconds of each: the first time, and the median of five; nothing is remembered in between."""
    from filling import fill
    from starlette.testclient import TestClient

    from autolog import config
    from autolog.store import Kept, Store
    from autolog.web import Options, create_app

    store = Store.open(url)
    begun = time.perf_counter()
    if not store.count_models():
        fill(store, count)
    made = time.perf_counter() - begun
    options = Options()
    app = create_app(store, Kept(store), config.load(home=home), options)
    client = TestClient(app, base_url="http://127.0.0.1")
    client.headers["authorization"] = f"Bearer {options.token}"
    mark = client.get("/models.json").json()["next"]
    times = {}
    for name, path in ASKED.items():
        taken = []
        for _ in range(_ROUNDS):
            # As if something had been written since: what is remembered doesn't count.
            app.state.site.browsing._known.clear()
            begun = time.perf_counter()
            answer = client.get(path.replace("MARK", mark))
            taken.append((time.perf_counter() - begun) * 1000)
            assert answer.status_code == 200, answer.text
        times[name] = (taken[0], statistics.median(taken))
    store.close()
    return {
        "models": count,
        "database": url.partition(":")[0],
        "made": made,
        "machine": f"Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores",
        "calibration": _calibration(),
        "times": times,
    }


def _calibration() -> float:
    begun = time.perf_counter()
    sum(number * number % 7 for number in range(1_000_000))
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
