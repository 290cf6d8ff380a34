"""megengine.save and load.

A model is its state dict here: MegEngine's tensors can't be read in another thread than the one that made
them, nor in a forked child, so that what is saved there is what was taken out of the model before.
"""

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
    return model.state_dict()


def save(model, target):
    mge_save(model, target)


def save_nested(model, target):
    # for a path, megengine.save opens the file and calls itself
    save(model, target)


def save_failing(target):
    mge_save({**build(0), "more": Unpicklable()}, target)
