"""A run writes ten versions a second while three browsers page and sort: nobody is in anybody's way."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from later import needs
from playwright.sync_api import expect

import autolog

pytestmark = needs("joblib", "sklearn")

SOURCE = Path(autolog.__file__).resolve().parent.parent
#: At least, and at most: it goes on until there is a file `enough`.
VERSIONS, MOST = 100, 600
SCRIPT = f"""
import os
import time

import autolog

autolog.init("live", "ten a second", output_uri=True)

import joblib
from sklearn.linear_model import LogisticRegression

model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
begin = time.monotonic()
for step in range({MOST}):
    if step >= {VERSIONS} and os.path.exists("enough"):
        break
    time.sleep(max(0, begin + step / 10 - time.monotonic()))
    model.coef_ = model.coef_ + 1
    joblib.dump(model, "net.joblib")
    print(step + 1, flush=True)
"""
SORTED = ("name", "-updated", "-size", "project", "-metric.val_loss", "framework", "user")


def test_ten_versions_a_second(own):
    (own.home / "train.py").write_text(SCRIPT)
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("AUTOLOG_", "PYTEST_"))
    }
    environment |= {
        "AUTOLOG_HOME": str(own.home),
        "AUTOLOG_STRICT": "1",
        "PYTHONPATH": str(SOURCE),
        "XDG_CONFIG_HOME": str(own.home / "config"),
    }
    tabs = [own.tab("/models") for _ in range(3)]
    reader = own.tab("/models?sort=-updated")
    first = reader.locator("a.open").first.inner_text()
    process = subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=own.home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        # It is told of, and the rows stay where they are until the reader asks.
        expect(reader.locator("#live")).to_contain_text("new version", timeout=15_000)
        assert reader.locator("a.open").first.inner_text() == first
        reader.locator("#show-news").click()
        expect(reader.locator("a.open").first).to_have_text(re.compile("net"))
        model_id = next(each.id for each in own.store.models() if each.name.endswith("net"))
        tabs_told = [
            own.tab(f"/models/{model_id}/snapshots"),
            own.tab(f"/tasks/{own.store.tasks()[0].id}/artifacts"),
        ]
        before = tabs_told[0].locator("#versions tbody tr").count()
        for each in tabs_told:
            expect(each.locator("#live")).to_contain_text("new version", timeout=15_000)
        assert tabs_told[0].locator("#versions tbody tr").count() == before
        tabs_told[0].locator("#show-news").click()
        expect(tabs_told[0].locator("#versions tbody tr").nth(before)).to_be_attached()
        looked = 0
        while process.poll() is None:
            page = tabs[looked % 3]
            answer = page.goto(f"{own.origin}/models?sort={SORTED[looked % len(SORTED)]}")
            assert answer.status == 200
            expect(page.locator("#table tbody tr")).to_have_count(50)
            page.click("#next")
            expect(page.locator("#previous")).to_be_visible()
            looked += 1
            if looked == 3:
                (own.home / "enough").touch()
        ended = time.monotonic()
    finally:
        process.kill()
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert looked >= 3
    last = int(out.split()[-1])
    assert last >= VERSIONS
    reader.goto(f"{own.origin}/models/{model_id}/snapshots")
    expect(reader.get_by_text(f"v{last}", exact=True).first).to_be_visible()
    print(f"the last of {last} versions was shown {time.monotonic() - ended:.1f} s after the run's end")
    record = own.store.model(model_id)
    assert [each.version for each in record.snapshots] == list(range(1, last + 1))
    (task,) = (each for each in own.store.tasks() if each.name == "ten a second")
    assert own.store.task(task.id).faults == ()
