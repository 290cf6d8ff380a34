"""Imports frameworks and calls `init()` in a given order, then saves and loads with each of them.

    python ordering.py FOLDER STEP...

A step is `init`, or the key of a driver of the hard cases, which stands for the import of its framework.
Prints which frameworks `init()` itself has imported: none, that is.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hard"))

from cases import load_driver

#: key -> what a user writes, where that isn't `import <key>`
IMPORTS = {
    "accelerate": "from accelerate import Accelerator",
    "fastai": "from fastai.learner import load_learner",
    "joblib": "from joblib import dump",
    "pytorch": "import torch",
    "safetensors": "from safetensors.torch import save_file",
    "skops": "import skops.io",
    "torch_distributed": "import torch.distributed.checkpoint",
    "torch_export": "import torch.export",
    "torch_package": "from torch.package import PackageExporter",
    "torchscript": "import torch.jit",
    "transformers": "from transformers import AutoModel",
}


def begin():
    """`import autolog; autolog.init()`; returns the roots of hooked frameworks that this has imported."""
    before = set(sys.modules)
    import autolog
    from autolog import hooks

    autolog.init(task="orders")
    roots = {point.module.partition(".")[0] for hook in hooks.discover() for point in hook.points}
    imported = {name.partition(".")[0] for name in set(sys.modules) - before}
    return sorted((imported & roots) - set(sys.stdlib_module_names))


def main(folder, *steps):
    """Take the steps, then save and load once with each framework, in a folder of its own."""
    imported = []
    for step in steps:
        if step == "init":
            imported = begin()
        else:
            exec(IMPORTS.get(step, f"import {step}"), {})
    for key in steps:
        if key != "init":
            driver = load_driver(key)
            os.makedirs(os.path.join(folder, key))
            os.chdir(os.path.join(folder, key))
            driver.save(driver.build(1), f"saved{driver.SUFFIX}")
            driver.load(f"saved{driver.SUFFIX}")
    print(f"\n{json.dumps(imported)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
