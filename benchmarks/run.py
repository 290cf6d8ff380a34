"""Measures autolog beside its peers and prints the table: `python -m benchmarks.run`, or `make bench`.

Writes nothing into the tree; `--json FILE` keeps the raw figures, from which
`python -m benchmarks.report FILE` prints the same table again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from . import calibration, init_cost, kept_cost, save_cost
from .peers import CLEARML, DVCLIVE, KEEPERS, MLFLOW, TOOLS, TRACKIO, WANDB, WRAPT
from .processes import REPOSITORY, Sandbox
from .report import render

__all__ = ["main"]

PARTS = ("init", "saves", "cpu", "loop", "kept")
NEEDED = 12 * 1000**3


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, rough figures: under 3 minutes")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the raw figures there")
    parser.add_argument("--rounds", type=int, help="rounds of every measurement")
    parser.add_argument(
        "--python",
        type=Path,
        default=REPOSITORY / ".venvs" / "peers" / "bin" / "python",
        help="the interpreter that is measured, made by benchmarks/setup.sh",
    )
    parser.add_argument(
        "--source", type=Path, default=REPOSITORY / "src", help="where the measured autolog is imported from"
    )
    parser.add_argument("--scratch", type=Path, help="an existing folder to write in (12 GB while it runs)")
    given = parser.parse_args(words)
    given.only = given.only.split(",")
    if unknown := set(given.only) - set(PARTS):
        parser.error(f"--only takes some of {','.join(PARTS)}, not {','.join(sorted(unknown))}")
    if not sys.platform.startswith("linux"):
        parser.error("counting a process tree's CPU needs Linux")
    if not given.python.exists():
        parser.error(f"there is no {given.python}; make it with: bash benchmarks/setup.sh")
    return given


def main(words: list[str] | None = None) -> int:
    """Measure, print, and say where the raw figures are."""
    given = arguments(words)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {text}", file=sys.stderr, flush=True)

    folder = Path(tempfile.mkdtemp(prefix="autolog-bench-", dir=given.scratch))
    try:
        if "saves" in given.only and shutil.disk_usage(folder).free < NEEDED:
            say(f"less than {NEEDED / 1e9:.0f} GB free in {folder.parent}: saves of 1 GiB may fail")
        figures = measure(Sandbox(folder, given.python.absolute(), given.source.resolve()), given, say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    figures["took"] = time.monotonic() - began
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))
    print(render(figures))
    return 0


def measure(sandbox: Sandbox, given: argparse.Namespace, say: Any) -> dict[str, Any]:
    """The raw figures of every measurement asked for, each with a calibration before and after."""
    quick = given.quick
    figures: dict[str, Any] = {
        "machine": calibration.machine(sandbox),
        "versions": sandbox.versions(
            ["torch", *(tool.distribution for tool in (WRAPT, WANDB, MLFLOW, CLEARML, TRACKIO, DVCLIVE))]
        ),
        "tools": {tool.name: tool.about for tool in (*TOOLS, *KEEPERS)},
        "quick": quick,
        "speed": [calibration.measure(sandbox)],
    }
    if "init" in given.only:
        figures["init"] = init_cost.measure(sandbox, given.rounds or (3 if quick else 5), say)
    if "saves" in given.only:
        figures["saves"] = save_cost.measure_thread(sandbox, given.rounds or (1 if quick else 3), quick, say)
    if "cpu" in given.only:
        figures["cpu"] = save_cost.measure_cpu(sandbox, given.rounds or (1 if quick else 3), quick, say)
    if "loop" in given.only:
        figures["loop"] = save_cost.measure_loop(sandbox, given.rounds or (1 if quick else 5), quick, say)
    if "kept" in given.only:
        figures["kept"] = kept_cost.measure(sandbox, given.rounds or (1 if quick else 3), quick, say)
    figures["speed"].append(calibration.measure(sandbox))
    return figures


if __name__ == "__main__":
    raise SystemExit(main())
