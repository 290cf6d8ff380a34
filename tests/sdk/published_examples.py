"""Runs ClearML's own published examples with nothing changed but their import lines.

    python tests/sdk/published_examples.py CHECKOUT      of https://github.com/clearml/clearml

Their text isn't ours, so it isn't in this repository: say where a checkout is. What an example downloads
comes from a server on this machine. Keras' example needs tensorboard. Prints what ran, what it left in the
store, and why others can't.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Example(NamedTuple):
    """An example: its arguments, and what must be in the store afterwards."""

    path: str
    arguments: tuple[str, ...]
    expected: dict[str, object]


EXAMPLES = (
    Example(
        "examples/advanced/model_finetuning/upload_local_model.py",
        ("--model-path", "model", "--model-name", "mine"),
        {"models": ["mine"], "versions": 1, "kept": True, "system_tags": ["package"]},
    ),
    Example(
        "examples/reporting/model_reporting.py",
        (),
        {"labels": {"background": 0, "cat": 1, "dog": 2}, "url": "yolov5x6.pt", "versions": 1},
    ),
    Example(
        "examples/reporting/model_reporting_plots.py",
        (),
        {
            "metrics": {"Reported Metrics/Val - mAP@50": 72.7, "Total epochs": 8.0},
            "figures": 2,
            "versions": 1,
        },
    ),
    Example(
        "examples/reporting/config_files.py", (), {"configurations": ["json config file", "yaml config file"]}
    ),
    Example("examples/reporting/using_artifacts_example.py", (), {"artifacts": ["data file"]}),
    Example(
        "examples/frameworks/keras/keras_tensorboard.py",
        ("--epochs", "2"),
        {"versions": 2, "labels": {f"digit_{number}": number for number in range(10)}},
    ),
)
#: Why an example of models or configuration is left.
LEFT = {
    "examples/frameworks/pytorch/pytorch_model_update.py": (
        "it needs torchvision, of which no build fits a torch for the CPU here, and ClearML's StorageManager"
    ),
    "examples/frameworks/keras/legacy/keras_tensorboard.py": "it imports keras.layers.core; Keras 3 has none",
    "examples/advanced/model_finetuning/finetune.py": (
        "it takes its data from ClearML's Dataset, and enqueues itself on a server (execute_remotely)"
    ),
    "examples/hyperdatasets/finetune_qa_lora.py": "it takes its data from ClearML's hyperdatasets",
    "examples/pipeline/full_tabular_data_process_pipeline_example.py": "it is a pipeline that a server runs",
    "examples/reporting/hyper_parameters.py": (
        "it is about hyperparameters: user properties and ClearML's own TaskParameters classes"
    ),
    "examples/reporting/artifacts.py": "it has a data frame watched while it changes (register_artifact)",
    "examples/reporting/artifacts_retrieval.py": "it reads what artifacts.py has left",
}

#: Runs an example with what it downloads coming from this machine: `URL` says where.
_RUNNER = """
import os, runpy, sys
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "keras" in sys.argv[1]:
    import keras.src.utils.file_utils as files
    import keras.src.datasets.mnist as mnist
    original = files.get_file
    def from_here(fname=None, origin=None, file_hash=None, **more):
        return original(fname=fname, origin=os.environ["URL"] + "/" + origin.rpartition("/")[2], **more)
    mnist.get_file = from_here
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
_LOOK = """
import json, autolog
from autolog import Task
tasks = Task.get_tasks()
found = {"models": [], "configurations": [], "artifacts": []}
for task in tasks:
    assert task.status == "completed", (task.name, task.status)
    found["configurations"] += list(task._record.configurations)
    found["artifacts"] += list(task.artifacts)
    for model in task.models.output:
        found["models"].append(model.name)
        found["versions"] = len(model.snapshots)
        found["labels"] = dict(model.labels)
        found["metrics"] = model.metrics
        found["figures"] = len(model.figures)
        found["system_tags"] = model.system_tags
        found["url"] = model.url
        found["kept"] = all(each.is_kept for each in model.snapshots)
print(json.dumps(found))
"""


def main(checkout: Path) -> int:
    """Run them all; how many went wrong."""
    failed = 0
    with _serving() as url:
        for example in EXAMPLES:
            with tempfile.TemporaryDirectory(prefix="example-") as folder:
                problem, seen = _run(checkout, example, Path(folder), url)
            failed += bool(problem)
            print(f"{'FAILED' if problem else 'runs':7} {example.path}: {problem or seen}", flush=True)
    for path, reason in LEFT.items():
        assert (checkout / path).exists(), path
        print(f"left    {path}: {reason}")
    return failed


def _run(checkout: Path, example: Example, folder: Path, url: str) -> tuple[str, str]:
    source = checkout / example.path
    text, changed = re.subn(
        r"^from clearml(\.[\w.]+)? import", "from autolog import", source.read_text(), flags=re.M
    )
    shutil.copytree(checkout / "examples/reporting/data_samples", folder / "data_samples")
    script = folder / f"{Path(example.path).stem}.py"
    script.write_text(text)
    (folder / "runner.py").write_text(_RUNNER)
    (folder / "model").mkdir()
    (folder / "model/weights.bin").write_bytes(os.urandom(1000))
    (folder / "model/config.json").write_text("{}")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTOLOG")}
    environment = {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
        "AUTOLOG_HOME": str(folder / "home"),
        "AUTOLOG_STRICT": "1",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "URL": url,
        "MPLBACKEND": "Agg",
    }
    if not changed:
        return "it doesn't import clearml as it used to", ""
    command = [sys.executable, "runner.py", script.name, *example.arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr[-1500:], ""
    looked = subprocess.run(
        [sys.executable, "-c", _LOOK],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if looked.returncode:
        return looked.stderr[-1500:], ""
    found = json.loads(looked.stdout)
    wrong = {key: found.get(key) for key, value in example.expected.items() if not _is(value, found.get(key))}
    seen = {key: found.get(key) for key in example.expected}
    return (f"expected {example.expected}, found {wrong}" if wrong else ""), str(seen)


def _is(wanted: object, found: object) -> bool:
    if isinstance(wanted, str):
        return wanted in str(found)
    return wanted == found


class _serving:
    """A server on this machine with what examples download."""

    def __enter__(self) -> str:
        made: dict[str, bytes] = {}

        class Files(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                makers: dict[str, Callable[[], bytes]] = {"mnist.npz": _mnist}
                if name not in makers:
                    self.send_error(404)
                    return
                data = made[name] = made.get(name) or makers[name]()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()


def _mnist() -> bytes:
    """Real digits in MNIST's shape: scikit-learn's, larger and again and again."""
    import numpy as np
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.zeros((len(digits.images), 28, 28), np.uint8)
    images[:, 2:26, 2:26] = np.kron(digits.images, np.ones((3, 3))).astype(np.uint8) * 15
    chosen = np.arange(70000) % len(images)
    x, y = images[chosen], digits.target[chosen].astype(np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, x_train=x[:60000], y_train=y[:60000], x_test=x[60000:], y_test=y[60000:])
    return buffer.getvalue()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).resolve()))
