"""Writes what capturing scripts yields into their `.expect.json`, to be read and judged by whoever runs it.

    python tests/contract/observe.py KEY [NAME...]

Whatever else those files say (`after`, `covers`, `init`...) stays. This is a start, not a proof: the point
of an expectation is that somebody has looked at every line of it.
"""

import json
import sys
import tempfile
from pathlib import Path

from observing import Observed
from running import Runs, Script, scripts

__all__ = ["main"]


def main(key: str, *names: str) -> None:
    """Run the captured mode of a hook's scripts and write down what it yields."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder))
        for script in scripts(key):
            if names and script.name not in names:
                continue
            run = runs.of(script, "captured")
            print(f"{key}/{script.name}: exit {run.code}, fired {', '.join(run.fired)}")
            if run.code:
                print(run.stderr[-1500:])
            if run.code and "status" not in script.expected:
                continue
            observed = Observed(runs.home(script), run.folder)
            task = observed.task(script.name)
            found = observed.expected(task)
            for model in observed.models(task):
                for each in model.snapshots:
                    if each.digest is None or each.state not in ("at_path", "in_memory", "overwritten"):
                        print("  ", model.name, each.version, each.state, each.reason)
            observed.close()
            print(*(f"   {fault}" for fault in task.faults))
            write(script, {name: value for name, value in found.items() if value})
        runs.close()


def write(script: Script, found: dict[str, object]) -> None:
    """Replace what was observed, one line for each model, input and skip."""
    kept = {
        name: value for name, value in script.expected.items() if name not in ("models", "inputs", "skipped")
    }
    parts = [f'  "{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in kept.items()]
    for name, listed in found.items():
        assert isinstance(listed, list)
        lines = ",\n".join(f"    {json.dumps(each, ensure_ascii=False)}" for each in listed)
        parts.append(f'  "{name}": [\n{lines}\n  ]')
    path = script.path.with_suffix(".expect.json")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
