"""What is measured: each tool as data, and the lines a user adds to a script for it.

The lines are what each tool's documentation shows for keeping a checkpoint of a PyTorch run without a
server. They go into the scripts in `workloads/` where the comments `# tool: start`,
`# tool: after a save` and `# tool: end` stand; nothing else differs between two tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["BARE", "FRAMEWORKS", "KEEPERS", "KEEPING", "OFFLINE", "STARTED", "TOOLS", "WRAPT", "Tool"]


@dataclass(frozen=True, slots=True)
class Tool:
    """One way of running the training script.

    `name` is printed, `about` says what the tool does with the bytes. `start` stands after the
    script's imports, `after_save` after each save (empty: the tool captures the save by itself), `end`
    where the script has done its work. `prepare` are arguments to Python that are run once in the fresh
    project, before the script.
    `env` is added to the environment; `{home}` in it is the folder in which the tool may write.
    `distribution` names the package whose version is printed. `count` prints how many versions the
    tool knows of and has not lost, where we can ask it. `patience`: seconds for which a script that
    has done its work is given to end; None waits for it.
    """

    name: str
    about: str
    start: str = ""
    after_save: str = ""
    end: str = ""
    prepare: tuple[tuple[str, ...], ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    distribution: str = ""
    count: str = ""
    patience: float | None = None


#: Set for every run: nothing leaves the machine, and what tries to finds a closed port.
OFFLINE = {
    "HOME": "{home}",
    "XDG_CACHE_HOME": "{home}/.cache",
    "TMPDIR": "{home}/tmp",
    "DO_NOT_TRACK": "1",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "localhost,127.0.0.1",
}

AUTOLOG_COUNT = """\
import os
from autolog.store import Store
store = Store.open("sqlite:///" + os.path.join(os.environ["AUTOLOG_HOME"], "autolog.db"))
versions = [one for model in store.models() for one in store.model(model.id).snapshots]
print(sum(one.state != "lost" for one in versions))
"""

BARE = Tool("bare", "the script alone")

WRAPT = Tool("import wrapt", "the patching library alone", start="import wrapt", distribution="wrapt")

AUTOLOG = Tool(
    "autolog",
    "records path, digest, size and tensors",
    start="import autolog\nautolog.init()",
    env={"AUTOLOG_HOME": "{home}/autolog"},
    count=AUTOLOG_COUNT,
)

#: What is kept is made smaller when a run is over; that is measured by itself.
KEEPING = Tool(
    "autolog, keeping",
    "output_uri=True: every version in the content store",
    start="import autolog\nautolog.init()",
    env={"AUTOLOG_HOME": "{home}/autolog", "AUTOLOG_OUTPUT_URI": "true", "AUTOLOG_REPACK": "0"},
    count=AUTOLOG_COUNT,
)

WANDB = Tool(
    "wandb",
    "keeps a copy, offline",
    start='import wandb\nrun = wandb.init(project="bench")',
    after_save="""\
artifact = wandb.Artifact("weights", type="model")
artifact.add_file(path)
run.log_artifact(artifact)""",
    env={"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false"},
    distribution="wandb",
)

MLFLOW = Tool(
    "mlflow",
    "keeps a copy, SQLite and local files",
    start="import mlflow\nmlflow.start_run()",
    after_save="mlflow.log_artifact(path)",
    env={"MLFLOW_TRACKING_URI": "sqlite:///{home}/mlflow.db", "MLFLOW_DISABLE_TELEMETRY": "true"},
    distribution="mlflow",
)

MLFLOW_STEPS = Tool(
    "mlflow, a folder per save",
    "the same, each save in an artifact folder of its own",
    start="import itertools\nimport mlflow\nmlflow.start_run()\nsteps = itertools.count()",
    after_save='mlflow.log_artifact(path, artifact_path=f"step_{next(steps)}")',
    env=MLFLOW.env,
)

TRACKIO = Tool(
    "trackio",
    "keeps a copy, local",
    start='import trackio\ntrackio.init(project="bench")',
    after_save='trackio.log_artifact(path, name="weights", type="model")',
    end="trackio.finish()",
    env={"TRACKIO_DIR": "{home}/trackio", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
    distribution="trackio",
)

DVCLIVE = Tool(
    "dvclive",
    "keeps a copy in the project's DVC cache",
    start="import dvclive\nlive = dvclive.Live()",
    after_save='live.log_artifact(path, type="model", name="weights")',
    end="live.end()",
    prepare=(("-m", "dvc", "init", "--quiet"),),
    env={"DVC_NO_ANALYTICS": "true", "DVC_STUDIO_OFFLINE": "true"},
    distribution="dvclive",
)

CLEARML = Tool(
    "clearml",
    "records the path, offline",
    start="""\
from clearml import Task
Task.set_offline(True)
task = Task.init(project_name="bench", task_name="bench")""",
    env={"CLEARML_OFFLINE_MODE": "1"},
    distribution="clearml",
    patience=2,  # offline it waits for 10 to 20 s at the end of a script, and now and then forever
)

#: Measured on saves and in the training loop.
TOOLS = (BARE, AUTOLOG, WANDB, MLFLOW, CLEARML)

#: Measured on saves over one path; clearml records the path alone.
KEEPERS = (BARE, AUTOLOG, KEEPING, WANDB, MLFLOW, MLFLOW_STEPS, TRACKIO, DVCLIVE)

#: Measured on their start, in fresh processes.
STARTED = (BARE, WRAPT, AUTOLOG, WANDB, MLFLOW, CLEARML)

#: What `autolog.init()` must not import.
FRAMEWORKS = (
    "catboost",
    "fastai",
    "flax",
    "jax",
    "joblib",
    "keras",
    "lightgbm",
    "lightning",
    "megengine",
    "mxnet",
    "numpy",
    "onnx",
    "orbax",
    "paddle",
    "pandas",
    "pytorch_lightning",
    "safetensors",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
    "transformers",
    "xgboost",
)
