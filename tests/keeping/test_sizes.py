"""Ten real saves over one path: all ten come back, and how many bytes that takes.

AUTOLOG_TEST_MEGABYTES is the size of one save; `make faults` runs this with 200.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from blake3 import blake3
from later import needs

from autolog.content import open_place
from autolog.keeping import restore, verify
from autolog.store import Kept, Store

pytestmark = needs("torch")

MEGABYTES = int(os.environ.get("AUTOLOG_TEST_MEGABYTES", "16"))
GROWING = Path(__file__).with_name("growing.py")


def grow(lab, frozen, **environment):
    """Run the ten saves; the digest of each, and the size of one."""
    answer = subprocess.run(
        [sys.executable, str(GROWING), "m.pt", str(MEGABYTES), str(frozen)],
        cwd=lab.work,
        env=lab.environment(AUTOLOG_REPACK="0", **environment),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert answer.returncode == 0, answer.stderr + lab.log
    assert answer.stderr == ""
    return answer.stdout.split(), (lab.work / "m.pt").stat().st_size


def restored(url, home, folder):
    """The digests of all versions' restored bytes, in their order."""
    found = []
    store = Store.open(url)
    try:
        kept = Kept(store)
        (model,) = store.models()
        for each in store.model(model.id).snapshots:
            assert each.keeping == "kept", each
            target = folder / f"v{each.version}"
            restore(each, kept, str(home), str(target))
            found.append(blake3(target.read_bytes()).hexdigest())
            target.unlink()
        assert list(verify(kept, str(home), deep=True)) == []
    finally:
        store.close()
    return found


def held(url):
    """How many bytes lie at a place."""
    return sum(size for _, size, _ in open_place(url).names(""))


@pytest.mark.parametrize(("frozen", "at_most"), [(0.95, 0.15), (0.0, 0.85)], ids=["frozen", "trained"])
def test_ten_saves_over_one_path(lab, tmp_path, frozen, at_most):
    digests, size = grow(lab, frozen, AUTOLOG_OUTPUT_URI="true")
    assert held(str(lab.home / "content")) <= at_most * 10 * size
    assert restored(lab.url, lab.home, tmp_path) == digests


@pytest.mark.parametrize("kind", ["packs in a bucket", "files in a bucket", "files in a folder"])
def test_ten_saves_are_restored_on_a_second_machine(lab, tmp_path, s3, postgres, kind):
    folder = str(tmp_path / "kept")
    place = {
        "packs in a bucket": {"AUTOLOG_OUTPUT_URI": "true", "AUTOLOG_CONTENT_STORE": s3.url},
        "files in a bucket": {"AUTOLOG_OUTPUT_URI": s3.url},
        "files in a folder": {"AUTOLOG_OUTPUT_URI": folder},
    }[kind]
    digests, size = grow(lab, 0.95, AUTOLOG_STORE=postgres.url, **place)
    loader = "autolog.init()\ntorch.load('m.pt')\n"
    lab.run(loader, prelude="import autolog, torch\n", AUTOLOG_STORE=postgres.url)
    shutil.rmtree(lab.home)
    shutil.rmtree(lab.work)
    if kind == "packs in a bucket":
        assert held(s3.url) <= 0.15 * 10 * size
    assert restored(postgres.url, tmp_path / "second-home", tmp_path) == digests
    with lab.store(postgres.url) as store:
        (model,) = store.models()
        (use,) = store.uses(model.id)
        assert use.version == 10
        assert store.task(model.task_id).name == "growing"
