"""megengine.save and load."""

import megengine
import numpy as np
from driving import Unpicklable, damage, files_of  # noqa: F401
from megengine import load  # noqa: F401
from megengine import save as mge_save
from megengine.module import Linear

SUFFIX = ".mge"
KIND = "file"
FRAMEWORK = "MegEngine"
IMPOSSIBLE = {
    "pathlike": "megengine.save refuses a PathLike",
    "folder_over": "megengine.save writes one file",
}


def build(seed):
    model = Linear(20, 10)
    model.weight[...] = megengine.Tensor(np.random.default_rng(seed).normal(size=(10, 20)).astype("float32"))
    return model


def save(model, target):
    mge_save(model.state_dict(), target)


def save_nested(model, target):
    # for a path, megengine.save opens the file and calls itself
    save(model, target)


def save_failing(target):
    mge_save({**build(0).state_dict(), "more": Unpicklable()}, target)
