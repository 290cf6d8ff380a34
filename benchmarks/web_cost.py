"""What the pages cost at the server: `python -m benchmarks.web_cost [--models 100000] [--store URL]`.

Makes a store with that many models, asks the app for pages as a browser would, without a network between,
and prints of each the first time, the median of five with nothing remembered in between (as if something had
been written each time), the processor's share of that, and the median with what is remembered.
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
    "sort by tags": "/models?sort=tags",
    "sort by description": "/models?sort=description",
    "sort by metadata": "/models?sort=meta.optimizer",
    "filter by framework": "/models?framework=PyTorch",
    "filter by tags": "/models?tag=best&tag=-debug",
    "filter by user": "/models?user=ada",
    "filter by a metric": "/models?metric.val_loss=..0.1",
    "filter by metadata": "/models?meta.epochs=5",
    "filter by what nobody has": "/models?user=nobody",
    "filtered and sorted": "/models?status=draft&tag=best&sort=-size",
    "search": "/models?q=bert-01",
    "search for what isn't there": "/models?q=nothing-of-the-kind",
    "regular expression": "/models?q=bert-0[12]&re=1",
    "panel of filters": "/models/filters",
    "panel of filters, filtered": "/models/filters?user=ada",
    "tags, filtered": "/models/values?of=tag&user=ada",
    "tasks, filtered": "/models/values?of=task&user=ada",
    "a key of metadata, filtered": "/models/values?of=meta.optimizer&user=ada",
    "search among tasks": "/models/values?of=task&find.task=0012",
    "filter by ranges": "/models?size=100MB..&versions=2..&sort=-parameters",
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
    print(f"{'':34}{'first':>9}{'median':>9}{'cpu':>9}{'again':>9}   ms at the server")
    for name, times in found["times"].items():
        print(f"{name:34}" + "".join(f"{each:9.1f}" for each in times))


def measure(count: int, url: str, home: str) -> dict[str, Any]:
    """Milliseconds of each, as this module says."""
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
        anew, again = [], []
        for each in range(2 * _ROUNDS):
            if each < _ROUNDS:
                # As if something had been written since: what is remembered doesn't count.
                app.state.site.browsing._known.clear()
            begun, worked = time.perf_counter(), time.process_time()
            answer = client.get(path.replace("MARK", mark))
            taken = (time.perf_counter() - begun) * 1000, (time.process_time() - worked) * 1000
            (anew if each < _ROUNDS else again).append(taken)
            assert answer.status_code == 200, answer.text
        wall, cpu = zip(*anew, strict=True)
        warm = [each for each, _ in again]
        times[name] = (wall[0], statistics.median(wall), statistics.median(cpu), statistics.median(warm))
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
